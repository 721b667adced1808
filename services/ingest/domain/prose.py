"""Converts text to simple markup and back. Every pattern runs in linear time, because the text is untrusted."""

from __future__ import annotations

import html
import re

from shared.model.text import collapsed, is_visible

_TAG = re.compile(r"<[^<>]*>")
_TAG_START = re.compile(r"<[a-zA-Z!/]")
_ELEMENT = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)([^<>]*)>")
_BLOCK_START = re.compile(r"<(?:p|div|br|ul|ol|table|h[1-6]|blockquote|section)\b", re.IGNORECASE)
_VISIBLE_ELEMENT = re.compile(r"<(?:img|picture|figure|video|audio|iframe|embed|object|blockquote)\b", re.IGNORECASE)
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NON_PUBLIC = "nonpublic"
_BLANK_LINE = re.compile(r"\n[ \t\r]*\n")
_MAX_PROSE_CHARS = 10_000  # unclosed quotation marks make a search quadratic; this bounds it to 20 ms
_BLOCK_ELEMENTS = frozenset(
    (
        *("address", "article", "aside", "blockquote", "br", "caption", "center", "dd", "details", "dir", "div", "dl"),
        *("dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header"),
        *("hgroup", "hr", "legend", "li", "main", "menu", "nav", "ol", "p", "pre", "search", "section", "summary"),
        *("table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"),
    )
)
"""Block elements, and line breaks."""
_INVISIBLE = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|template|title)\b[^>]*>.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL
)
_TAG_TEXTS = {"q": ("\u201c", "\u201d"), "rt": ("(", ")")}
"""Element -> texts for its start tag and its end tag."""
_SHORT_TAG = re.compile(
    r"""<(?P<end>/?)(?P<name>[a-z][^\s/<>]*+)(?:[^"'<>]++|"[^"]*+"|'[^']*+')*+>|<[!?/][^>]*>""", re.IGNORECASE
)


def plain(markup: str) -> str:
    """Return the text of short markup as one line.

    Inline tags are removed; blocks and line breaks become a space. Character references are decoded once.
    """
    visible = _INVISIBLE.sub("", markup[:_MAX_PROSE_CHARS])
    return collapsed(html.unescape(_SHORT_TAG.sub(_text_for_tag, visible))).strip()


def _text_for_tag(tag: re.Match[str]) -> str:
    """Return the text that replaces a tag."""
    name = (tag["name"] or "").lower()
    if name in _TAG_TEXTS:
        start, end = _TAG_TEXTS[name]
        return end if tag["end"] else start
    return " " if name in _BLOCK_ELEMENTS else ""


def unescaped(text: str) -> str:
    """Return the text with HTML's character references decoded."""
    return html.unescape(text)


def has_tags(text: str) -> bool:
    """Return whether the text has anything that opens or closes an element."""
    return _TAG_START.search(text) is not None


def has_blocks(text: str) -> bool:
    """Return whether a text has paragraphs or other blocks of HTML; some senders declare these as plain text."""
    return _BLOCK_START.search(text) is not None


def paragraphs(text: str) -> str:
    """Return plain text as markup: a paragraph per block, or per line if no line is blank."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    blocks = _BLANK_LINE.split(text) if _BLANK_LINE.search(text.strip()) else text.split("\n")
    words = (collapsed(block).strip() for block in blocks)
    return "\n".join(f"<p>{html.escape(block, quote=False)}</p>" for block in words if block)


def is_blank(body: str) -> bool:
    """Return whether the body has no visible content."""
    if _VISIBLE_ELEMENT.search(body):
        return False
    return not is_visible(html.unescape(_TAG.sub("", body)))


def find_control(text: str) -> str | None:
    """Return the first forbidden control character, in the form `U+0000`, or None."""
    found = _CONTROLS.search(text)
    return f"U+{ord(found.group()):04X}" if found else None


def without_controls(text: str) -> str:
    """Return the text without control characters."""
    return _CONTROLS.sub("", text)


def without_notes(body: str) -> tuple[str, int]:
    """Return the body without the parts that wires mark as not for the public, and the number of these parts.

    dpa sends such parts as `<section class="np-nonpublic">`, with people's telephone numbers. An unclosed part is
    removed to the end of the body, so that no number is published.
    """
    if _NON_PUBLIC not in body.lower():
        return body, 0
    public_parts, position, count = [], 0, 0
    name, depth = "", 0
    for tag in _ELEMENT.finditer(body):
        is_end, tag_name = bool(tag[1]), tag[2].lower()
        if not depth:
            if not is_end and _NON_PUBLIC in tag[3].lower():
                public_parts.append(body[position : tag.start()])
                name, depth, count, position = tag_name, 1, count + 1, len(body)
        elif tag_name == name:
            depth += -1 if is_end else 1
            if not depth:
                position = tag.end()
    return "".join(public_parts) + body[position:], count
