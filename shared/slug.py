"""Names for addresses: a headline in the letters that an address can hold."""

from __future__ import annotations

import re

from slugify import slugify

MAX_CHARS = 80
_APOSTROPHES = re.compile("['\u2018\u2019\u02bc\uff07]")
_LONGEST_READ = 1_000  # characters; transliteration makes up to a handful of letters of one
_TRAILING = frozenset(
    (
        *("a", "after", "amid", "an", "and", "as", "at", "but", "by", "for", "from", "if", "in", "into", "is", "it"),
        *("its", "nor", "of", "on", "or", "over", "s", "so", "than", "that", "the", "their", "to", "up", "via", "was"),
        *("when", "while", "who", "will", "with", "yet"),
    )
)
"""Words that promise another word: a slug that had to be cut does not end with one."""


def slug_of(headline: str, *, otherwise: str = "article", max_chars: int = MAX_CHARS) -> str:
    """Return the headline in a-z, 0-9 and single hyphens, at most `max_chars`, cut between words; never empty.

    Letters of other scripts are transliterated; a headline that has none (emoji) becomes `otherwise`.
    """
    text = _APOSTROPHES.sub("", headline[:_LONGEST_READ])
    # The backend is named: the other one is used wherever it happens to be installed, and writes other letters.
    slug = str(slugify(text, entities=False, decimal=False, hexadecimal=False, backend="text-unidecode"))
    if len(slug) <= max_chars:
        return slug or otherwise
    words = slug[: max_chars + 1].split("-")[:-1] or [slug[:max_chars]]
    while len(words) > 1 and words[-1] in _TRAILING:
        words.pop()
    return "-".join(words)
