"""The direction and the locale of a page in a language."""

from __future__ import annotations

from functools import cache

from babel import Locale, UnknownLocaleError

FALLBACK_LANGUAGE = "en"


def primary_language(tag: str) -> str:
    """Return the first part of a language tag: `pt` of `pt-BR`."""
    return tag.split("-", 1)[0].lower()


@cache
def find_locale(tag: str) -> Locale | None:
    """Return Babel's locale of the tag, else of the tag's language, else None."""
    for name in (tag, primary_language(tag)):
        try:
            return Locale.parse(name, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return None


def locale_for(tag: str) -> Locale:
    """Return the locale for a page in this language; English if Babel has none."""
    return find_locale(tag) or Locale.parse(FALLBACK_LANGUAGE)


def direction_of(tag: str) -> str:
    """Return `rtl` for languages written from right to left, else `ltr`."""
    locale = find_locale(tag)
    return "rtl" if locale is not None and locale.text_direction == "rtl" else "ltr"
