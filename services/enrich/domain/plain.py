"""Bodies without markup: lines of text become paragraphs."""

from __future__ import annotations

import re
from html import escape

from shared.model.text import collapsed

_BLANK_LINES = re.compile(r"\n[ \t]*\n\s*|\n(?=[ \t]{2,}\S|\t)")
_MAX_WRAPPED_LINE_CHARS = 120


def markup_of(text: str) -> str:
    """Return plain text as paragraphs: at blank lines and indented ones. Nothing in it is a tag or a reference.

    Text without either and with a line longer than a typewriter's has one paragraph a line; else its lines are joined.
    """
    text = escape(text.replace("\r\n", "\n").replace("\r", "\n"), quote=False)
    parts = _BLANK_LINES.split(text)
    lines = text.split("\n")
    if len(parts) == 1 and any(len(line) > _MAX_WRAPPED_LINE_CHARS for line in lines):
        parts = lines
    joined = (collapsed(part).strip() for part in parts)
    return "\n".join(f"<p>{part}</p>" for part in joined if part)
