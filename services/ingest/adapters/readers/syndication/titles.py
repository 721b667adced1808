"""Makes plain headlines of titles that are text, HTML, or HTML that was escaped twice."""

from __future__ import annotations

import html
import re

from services.ingest.domain import prose
from shared.model.text import collapsed

_REFERENCE = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_MAX_DECODINGS = 2
_MAX_CHARS = 2_000
_MARKUP = re.compile(
    r"<(?:br|wbr)\s*/?>|</(?:a|abbr|b|bdi|big|cite|code|del|em|font|i|ins|mark|p|q|s|small|span|strong|sub|sup|u)\s*>",
    re.IGNORECASE,
)


def headline_of(text: str) -> str:
    """Return a title as one line of plain text.

    Character references are decoded until none is left, at most twice, because newspapers escape titles twice. Tags
    are removed if they are a pair. A single tag is a word about HTML and stays.
    """
    title = text[:_MAX_CHARS]
    for _ in range(_MAX_DECODINGS + 1):
        if _MARKUP.search(title):
            title = _without_tags(title)
        decoded = _REFERENCE.sub(lambda found: html.unescape(found[0]), title)
        if decoded == title:
            break
        title = decoded
    return collapsed(title.replace("\u00ad", "")).strip()


def _without_tags(title: str) -> str:
    """Remove the tags; references to characters stay as they are."""
    kept = title.replace("&", "&amp;")
    return prose.plain(kept)
