"""Bodies without markup: lines of text become paragraphs."""

from __future__ import annotations

import re
from html import escape

from shared.text import collapsed

_TAGS = (
    "a abbr address applet article aside audio b bdi bdo big blockquote body br button canvas caption center cite"
    " code dd del details dfn dir div dl dt em embed fieldset figcaption figure font footer form frameset h1 h2 h3 h4"
    " h5 h6 head header hr html i iframe img input ins kbd li link main mark math menu meta nav noscript object ol p"
    " picture pre q s samp script section select small span strike strong style sub summary sup svg table tbody"
    " td template textarea tfoot th thead title tr tt u ul video wbr"
)
_KNOWN_TAG = re.compile(rf"<(?:!--|!doctype|\?xml|/?(?:{_TAGS.replace(' ', '|')})(?=[\s/>]))", re.IGNORECASE)
_BLANK_LINES = re.compile(r"\n[ \t]*\n\s*|\n(?=[ \t]{2,}\S|\t)")
_LONGEST_WRAPPED_LINE = 120


def has_markup(text: str) -> bool:
    """Tell whether a body is markup: it has at least one tag that HTML knows. `<IBM.N>` is a ticker, not a tag."""
    return _KNOWN_TAG.search(text) is not None


def markup_of(text: str) -> str:
    """Return plain text as paragraphs: at blank lines and indented ones. Nothing in it is a tag or a reference.

    Text without either and with a line longer than a typewriter's has one paragraph a line; else its lines are joined.
    """
    text = escape(text.replace("\r\n", "\n").replace("\r", "\n"), quote=False)
    parts = _BLANK_LINES.split(text)
    lines = text.split("\n")
    if len(parts) == 1 and any(len(line) > _LONGEST_WRAPPED_LINE for line in lines):
        parts = lines
    joined = (collapsed(part).strip() for part in parts)
    return "\n".join(f"<p>{part}</p>" for part in joined if part)
