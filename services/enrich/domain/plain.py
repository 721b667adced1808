"""Bodies without markup: lines of text become paragraphs."""

from __future__ import annotations

import re
from html import escape

from shared.model.text import collapsed

_BLANK_LINES = re.compile(r"\n[ \t]*\n\s*|\n(?=[ \t]{2,}\S|\t)")
_MAX_WRAPPED_LINE_CHARS = 120


def markup_of(text: str) -> str:
    """Return plain text as paragraphs, split at blank lines and indented lines; tags and references are escaped.

    Text without such lines but with a line of more than 120 characters gives one paragraph per line. Otherwise the
    lines of a paragraph are joined.
    """
    text = escape(text.replace("\r\n", "\n").replace("\r", "\n"), quote=False)
    parts = _BLANK_LINES.split(text)
    lines = text.split("\n")
    if len(parts) == 1 and any(len(line) > _MAX_WRAPPED_LINE_CHARS for line in lines):
        parts = lines
    joined = (collapsed(part).strip() for part in parts)
    return "\n".join(f"<p>{part}</p>" for part in joined if part)
