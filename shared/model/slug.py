"""Slugs for addresses: of an article's page, and of the page of a topic or an author (ADR 8).

A slug has the letters and marks of the reader's script. The page of a topic or an author is named without the accents
of Latin letters: wires drop them, and one name must not have two pages. Keys of the bucket hold the slug as text;
`keys.url_path` percent-encodes it.
"""

from __future__ import annotations

import base64
import hashlib
import unicodedata
from functools import lru_cache
from typing import Literal

import regex
from anyascii import anyascii

Script = Literal["unicode", "ascii"]
"""The letters that a site's slugs are made of: those of the text, or a-z alone."""

MAX_CHARS = 80
MAX_BYTES = 240  # of UTF-8: some stores limit a segment of a key to 255 bytes, and an article's page adds 7 to its slug
_MAX_INPUT_CHARS = 1_000
_DIGEST_CHARS = 8

_INVISIBLE = regex.compile(r"[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Me}\u0640]+")  # joiners, selectors; the tatweel
_APOSTROPHES = regex.compile(
    "['`\u00b4\u2018\u2019\u02bb\u02bc\uff07\u05f3]|(?<=\\p{Hebrew}\\p{M}*)[\"\u05f4\u201d](?=\\p{Hebrew})"
)
_THOUSANDS = regex.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_FRACTION = regex.compile(r"(?<=\p{N})(?=[\u00bc-\u00be\u2150-\u215e])")  # 1\u00bd is no 11/2
_COMPATIBLE = regex.compile(r"(?:(?![\u0e33\u0eb3])[\p{L}\p{M}\p{N}])+")  # NFKC takes Thai's and Lao's AM apart
_LATIN = regex.compile(r"\p{Latin}")
_MARKS_OF_LATIN = regex.compile(r"(?<=[a-z0-9])\p{M}+")
_LAST_SIGMA = regex.compile(r"(?<=\p{L}\p{M}*)\u03c3(?![\p{L}\p{M}])")
_WORD = regex.compile(r"[\p{L}\p{N}][\p{L}\p{N}\p{M}]*")
_HAN = regex.compile(r"\p{Han}")
_NOT_ASCII_WORD = regex.compile(r"[^a-z0-9 ]+")
_SLUG = regex.compile(rf"{_WORD.pattern}(?:-{_WORD.pattern})*")
# Differences within one name: hyphens between words, the point of an abbreviation, a comma, a middle dot.
_SAME_NAME = regex.compile(
    r"\s+|(?<=[\p{L}\p{M}\p{N}])\p{Pd}(?=[\p{L}\p{N}])|(?<=[\p{L}\p{M}])\.(?=[\s\p{L}]|$)"
    r"|(?<=[\p{L}\p{M}\p{N}]),(?=\s)|(?<=[\p{L}\p{M}])[\u00b7\u30fb\u2027](?=\p{L})"
)
_DIGEST = regex.compile(rf"[2-7][a-z2-7]{{{_DIGEST_CHARS - 1}}}")
_TRAILING = frozenset(
    (
        *("a", "after", "amid", "an", "and", "as", "at", "but", "by", "for", "from", "if", "in", "into", "is", "it"),
        *("its", "nor", "of", "on", "or", "over", "s", "so", "than", "that", "the", "their", "to", "up", "via", "was"),
        *("when", "while", "who", "will", "with", "yet"),
    )
)
"""Words that need a following word: a shortened slug does not end with one."""


@lru_cache(maxsize=4_000)  # each step of the pipeline computes the article's addresses
def slug_of(text: str, *, script: Script = "unicode", otherwise: str = "article", max_chars: int = MAX_CHARS) -> str:
    """Return a text's letters, marks and digits in lower case (NFC), with single hyphens between words; never empty.

    A slug has at most `max_chars` characters and 240 bytes. It is cut between words; a too long word between graphemes.
    A text without letters and digits becomes `otherwise`.
    """
    return _cut(_words(_lowered(text), script), max_chars, MAX_BYTES) or otherwise


def is_slug(text: str) -> bool:
    """Tell whether a text may be a slug: words of letters, marks and digits, in lower case and NFC, at most 80."""
    return bool(
        _SLUG.fullmatch(text)
        and text == unicodedata.normalize("NFC", text).lower()
        and not _INVISIBLE.search(text)
        and len(text) <= MAX_CHARS
        and len(text.encode()) <= MAX_BYTES
    )


@lru_cache(maxsize=20_000)
def page_name(name: str, uri: str | None = None, *, script: Script = "unicode") -> str:
    """Return the name of a topic's or author's page: a slug, with a digest if the slug alone is ambiguous.

    The name depends only on the arguments. Two names have two pages, unless they differ only in case, Unicode form,
    accents of Latin letters, hyphens, apostrophes or the points of abbreviations. A name with two `uri`s has two pages;
    the same name without a `uri` has another one. No slug without a digest ends like a digest.
    """
    folded = _folded(name)
    words = _words(folded, script)
    slug = _cut(words, MAX_CHARS, MAX_BYTES)
    rest = _WORD.sub("", _SAME_NAME.sub("", folded))
    is_unambiguous = (
        words == _words(folded, "unicode")
        and slug == "-".join(words)
        and not rest
        and folded == _without_accents(name)  # ø, þ and ² are separate letters and signs
    )
    if uri is None and is_unambiguous and words and not _DIGEST.fullmatch(words[-1]):
        return slug
    identity = f"uri\0{uri}" if uri is not None else f"name\0{' '.join(folded.split())}"
    room = _DIGEST_CHARS + 1
    start = _cut(words, MAX_CHARS - room, MAX_BYTES - room) or "other"
    return f"{start}-{_digest_of(identity)}"


def words_of(page: str) -> str:
    """Return the words of a page's name, without its digest: a title for a page whose real name is unknown."""
    *words, last = page.split("-")
    return " ".join(words if words and _DIGEST.fullmatch(last) else (*words, last))


def _lowered(text: str) -> str:
    """Return a text in lower case and NFC, with plain forms of its letters and without apostrophes."""
    text = _THOUSANDS.sub("", _APOSTROPHES.sub("", text[:_MAX_INPUT_CHARS]))
    if text.isascii():
        return text.lower()
    text = _FRACTION.sub(" ", _INVISIBLE.sub("", unicodedata.normalize("NFC", text)))
    text = _COMPATIBLE.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text)
    return unicodedata.normalize("NFC", _INVISIBLE.sub("", text.replace("\u0130", "i").lower()))  # else i and a dot


def _folded(text: str) -> str:
    """Return a text in which equal words are equal: `_lowered`, with Latin letters in a-z."""
    text = _LATIN.sub(lambda found: _in_ascii(found[0]), _lowered(text).casefold())
    text = _LAST_SIGMA.sub("\u03c2", _MARKS_OF_LATIN.sub("", text))
    return unicodedata.normalize("NFC", text)


def _without_accents(text: str) -> str:
    """Return a text in lower case and NFC without apostrophes, unseen characters and the accents of Latin letters."""
    seen = _INVISIBLE.sub("", _APOSTROPHES.sub("", text[:_MAX_INPUT_CHARS])).casefold().lower()
    bare = _MARKS_OF_LATIN.sub("", unicodedata.normalize("NFD", seen))
    return unicodedata.normalize("NFC", _LAST_SIGMA.sub("\u03c2", bare))


@lru_cache(maxsize=4_000)
def _in_ascii(letter: str) -> str:
    """Return a Latin letter in a-z; the letter itself if a-z has no similar one."""
    found = anyascii(letter).lower()
    return found if found.isascii() and found.isalnum() else letter


def _words(folded: str, script: Script) -> list[str]:
    words: list[str] = _WORD.findall(folded)
    if script == "unicode":
        return words
    # Each Chinese character is a syllable: without spaces its end is not recognisable.
    spaced = _HAN.sub(lambda found: f" {anyascii(found[0])} ", " ".join(words))
    return str(_NOT_ASCII_WORD.sub("", anyascii(spaced).lower())).split()


def _cut(words: list[str], max_chars: int, max_bytes: int) -> str:
    """Return the words that fit, joined by hyphens."""
    slug = "-".join(words)
    if len(slug) <= max_chars and len(slug.encode()) <= max_bytes:
        return slug
    while len(words) > 1:
        words = words[:-1]
        slug = "-".join(words)
        if len(slug) <= max_chars and len(slug.encode()) <= max_bytes:
            break
    while len(words) > 1 and words[-1] in _TRAILING:
        words = words[:-1]
    return _beginning("-".join(words), max_chars, max_bytes)


def _beginning(text: str, max_chars: int, max_bytes: int) -> str:
    """Return the whole grapheme clusters that fit; if the first does not fit, the characters that fit."""
    if len(text) <= max_chars and len(text.encode()) <= max_bytes:
        return text
    beginning = ""
    for cluster in regex.findall(r"\X", text):
        if len(beginning) + len(cluster) > max_chars or len((beginning + cluster).encode()) > max_bytes:
            break
        beginning += cluster
    return beginning or text[: min(max_chars, max_bytes // 4)]


def _digest_of(identity: str) -> str:
    """Return 8 characters, of which the first is a digit: 37 bits of SHA-256."""
    number = hashlib.sha256(unicodedata.normalize("NFC", identity).encode()).digest()
    encoded = base64.b32encode(number[1:]).decode().lower()
    return f"{2 + number[0] % 6}{encoded[: _DIGEST_CHARS - 1]}"
