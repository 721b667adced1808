"""Makes paragraphs of a classic body: blank lines separate them, and a single line end is a line break."""

from __future__ import annotations

import re

_VERBATIM = (
    "ul",
    "ol",
    "dl",
    "table",
    "figure",
    "pre",
    "script",
    "style",
    "textarea",
    "form",
    "select",
    "svg",
    "iframe",
)
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_FLOW = (
    *("address", "article", "aside", "blockquote", "center", "details", "div", "fieldset", "footer", "header", "hr"),
    *("main", "nav", "section", "summary", "video", "audio", "oembed", "object"),
)
_TAG = re.compile(rf"<(/?)({'|'.join((*_VERBATIM, *_HEADINGS, *_FLOW, 'p'))})(?=[\s/>])[^<>]*>", re.IGNORECASE)
_BLANK_LINE = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
_MAX_TAGS = 40_000
_LINE_BREAKS = ("<br>", "<br/>", "<br />", "<BR>")


def with_paragraphs(text: str) -> str:
    """Return the body with its loose text in paragraphs; lists, tables, figures and code stay as they are."""
    if text.count("<") > _MAX_TAGS:
        return text.strip()  # a table of data, not a text that someone typed
    parts: list[str] = []
    verbatim, is_inside_line, position = 0, "", 0
    for tag in _TAG.finditer(text):
        parts.append(_shaped(text[position : tag.start()], verbatim, is_inside_line))
        parts.append(tag[0])
        position = tag.end()
        is_end, name = bool(tag[1]), tag[2].lower()
        if name in _VERBATIM and not tag[0].endswith("/>"):
            verbatim = max(0, verbatim + (-1 if is_end else 1))
        elif name == "p" or name in _HEADINGS:
            is_inside_line = "" if is_end else name
        elif not verbatim:
            is_inside_line = ""
    parts.append(_shaped(text[position:], verbatim, is_inside_line))
    return "".join(parts).strip()


def _shaped(text: str, verbatim: int, is_inside_line: str) -> str:
    if verbatim:
        return text
    if not text.strip():
        return "\n" if "\n" in text else text
    if is_inside_line == "p":
        blocks = [_with_line_breaks(block) for block in _BLANK_LINE.split(text.strip("\n"))]
        return "</p>\n<p>".join(blocks)
    if is_inside_line:
        return text
    blocks = [block.strip() for block in _BLANK_LINE.split(text)]
    return "\n" + "\n".join(f"<p>{_with_line_breaks(block)}</p>" for block in blocks if block) + "\n"


def _with_line_breaks(block: str) -> str:
    *lines, last = (line.strip(" \t") for line in block.split("\n"))
    return "".join(f"{line}\n" if line.endswith(_LINE_BREAKS) else f"{line}<br>\n" for line in lines) + last
