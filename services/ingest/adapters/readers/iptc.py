"""IPTC's top-level subjects, whose codes often come without a name."""

from __future__ import annotations

import re

from services.ingest.adapters.readers.values import tail_of

_TOP_LEVEL = {
    "01": "arts, culture, entertainment and media",
    "02": "crime, law and justice",
    "03": "disaster, accident and emergency incident",
    "04": "economy, business and finance",
    "05": "education",
    "06": "environment",
    "07": "health",
    "08": "human interest",
    "09": "labour",
    "10": "lifestyle and leisure",
    "11": "politics",
    "12": "religion",
    "13": "science and technology",
    "14": "society",
    "15": "sport",
    "16": "conflict, war and peace",
    "17": "weather",
}
"""The first two digits of a Subject Code, and of a top-level Media Topic."""
_CODE = re.compile(r"^(0[1-9]|1[0-7])[0-9]{6}$", re.ASCII)


def section_words(code: str) -> list[str]:
    """Return the English words by which a site may name the section of a Subject Code, such as `15054000`.

    `code` may be a URI or a qcode. The whole name comes first, then its parts. An unknown code gives no word.
    """
    found = _CODE.match(tail_of(code))
    if not found:
        return []
    name = _TOP_LEVEL[found[1]]
    parts = name.replace(" and ", ", ").split(", ")
    return [name, *parts] if len(parts) > 1 else [name]
