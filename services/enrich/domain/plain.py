"""Bodies without markup: lines of text become paragraphs."""

from __future__ import annotations

import re

_KNOWN_TAG = re.compile(
    r"<(?:!--|!doctype|/?(?:a|abbr|article|aside|b|blockquote|body|br|center|code|dd|div|dl|dt|em|embed|figure|font|form"
    r"|h[1-6]|header|hr|html|i|iframe|img|input|li|link|main|math|meta|nav|noscript|object|ol|p|pre|q|s|script|section"
    r"|select|small|span|strong|style|sub|sup|svg|table|tbody|td|template|textarea|th|tr|u|ul|video)(?=[\s/>]))",
    re.IGNORECASE,
)
_BLANK_LINES = re.compile(r"\n[ \t]*\n\s*|\n(?=[ \t]{2,}\S|\t)")
_LONGEST_WRAPPED_LINE = 120


def has_markup(text: str) -> bool:
    """Tell whether a body is markup: it has at least one tag that HTML knows. `<IBM.N>` is a ticker, not a tag."""
    return _KNOWN_TAG.search(text) is not None


def markup_of(text: str) -> str:
    """Return plain text as paragraphs: at blank lines and indented ones.

    Text without either and with a line longer than a typewriter's has one paragraph a line; else its lines are joined.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("<", "&lt;").replace(">", "&gt;")
    parts = _BLANK_LINES.split(text)
    lines = text.split("\n")
    if len(parts) == 1 and any(len(line) > _LONGEST_WRAPPED_LINE for line in lines):
        parts = lines
    joined = (" ".join(part.split()) for part in parts)
    return "\n".join(f"<p>{part}</p>" for part in joined if part)
