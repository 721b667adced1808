"""Text and simple markup, turned into one another. Every pattern here runs in linear time: the text is a stranger's."""

from __future__ import annotations

import html
import re

from shared.model.text import collapsed, is_visible

_TAG = re.compile(r"<[^<>]*>")
_OPENING = re.compile(r"<[a-zA-Z!/]")
_ELEMENT = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)([^<>]*)>")
_SHOWS_SOMETHING = re.compile(r"<(?:img|picture|figure|video|audio|iframe|embed|object|blockquote)\b", re.IGNORECASE)
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NON_PUBLIC = "nonpublic"
_BLANK_LINE = re.compile(r"\n[ \t\r]*\n")
_MAX_PROSE_CHARS = 10_000  # a few unclosed quotation marks make a search quadratic: 20 ms at most
_APART = frozenset(
    (
        *("address", "article", "aside", "blockquote", "br", "caption", "center", "dd", "details", "dir", "div", "dl"),
        *("dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header"),
        *("hgroup", "hr", "legend", "li", "main", "menu", "nav", "ol", "p", "pre", "search", "section", "summary"),
        *("table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"),
    )
)
"""Elements that stand apart from the text around them."""
_UNSEEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|template|title)\b[^>]*>.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL
)
_MARKS = {"q": ("\u201c", "\u201d"), "rt": ("(", ")")}
"""Text for the start and the end of an element."""
_SHORT_TAG = re.compile(
    r"""<(?P<end>/?)(?P<name>[a-z][^\s/<>]*+)(?:[^"'<>]++|"[^"]*+"|'[^']*+')*+>|<[!?/][^>]*>""", re.IGNORECASE
)


def plain(markup: str) -> str:
    """Return the words of a short piece of markup on one line.

    Inline tags leave nothing behind; blocks and line breaks leave a space. References are decoded once.
    """
    seen = _UNSEEN.sub("", markup[:_MAX_PROSE_CHARS])
    return collapsed(html.unescape(_SHORT_TAG.sub(_mark_of, seen))).strip()


def _mark_of(tag: re.Match[str]) -> str:
    """Return the text that stands for a tag."""
    name = (tag["name"] or "").lower()
    if name in _MARKS:
        start, end = _MARKS[name]
        return end if tag["end"] else start
    return " " if name in _APART else ""


def unescaped(text: str) -> str:
    """Return the text that HTML's character references stand for."""
    return html.unescape(text)


def has_tags(text: str) -> bool:
    """Tell whether something in the text would open or close an element."""
    return _OPENING.search(text) is not None


def paragraphs(text: str) -> str:
    """Return plain text as markup: a paragraph for each block, or for each line where no line is blank."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    blocks = _BLANK_LINE.split(text) if _BLANK_LINE.search(text.strip()) else text.split("\n")
    words = (collapsed(block).strip() for block in blocks)
    return "\n".join(f"<p>{html.escape(block, quote=False)}</p>" for block in words if block)


def is_blank(body: str) -> bool:
    """Tell whether a reader would see nothing of the body."""
    if _SHOWS_SOMETHING.search(body):
        return False
    return not is_visible(html.unescape(_TAG.sub("", body)))


def find_control(text: str) -> str | None:
    """Return the first control character that no text has, as `U+0000`, or None."""
    found = _CONTROLS.search(text)
    return f"U+{ord(found.group()):04X}" if found else None


def without_controls(text: str) -> str:
    """Return the text without control characters."""
    return _CONTROLS.sub("", text)


def without_notes(body: str) -> tuple[str, int]:
    """Return the body without the parts that wires mark as not for the public, and how many were cut.

    dpa sends them as `<section class="np-nonpublic">`, with people's telephone numbers. One that is never closed is
    cut to the end: rather too little on a page than a number.
    """
    if _NON_PUBLIC not in body.lower():
        return body, 0
    kept, position, count = [], 0, 0
    name, depth = "", 0
    for tag in _ELEMENT.finditer(body):
        is_end, tag_name = bool(tag[1]), tag[2].lower()
        if not depth:
            if not is_end and _NON_PUBLIC in tag[3].lower():
                kept.append(body[position : tag.start()])
                name, depth, count, position = tag_name, 1, count + 1, len(body)
        elif tag_name == name:
            depth += -1 if is_end else 1
            if not depth:
                position = tag.end()
    return "".join(kept) + body[position:], count
