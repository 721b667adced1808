"""Codes, names and public marks of NewsML-G2 elements. Catalogs are never fetched: the last part of a code counts."""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.elements import attribute, first_children, line_in, name_of, place_of
from services.ingest.adapters.readers.values import tail_of

_CODES = ("qcode", "uri", "literal")
_SHORT_NAME_ROLES = frozenset(("mnemonic", "short", "adjectival", "gui"))
_MAX_NAMES = 20
_NON_PUBLIC = ("nonpublic", "non-public", "notforpublication", "internal")


def code_of(element: etree._Element | None) -> str | None:
    """Return the qcode, URI or literal of an element."""
    return next((code for name in _CODES if (code := attribute(element, name))), None)


def tail_in(element: etree._Element | None, name: str = "") -> str:
    """Return the last part of an element's code, or of the named attribute, in lower case; empty if there is none."""
    code = attribute(element, name) if name else code_of(element)
    return tail_of(code or "").lower()


def name_in(element: etree._Element, language: str) -> str | None:
    """Return the name of a concept: in the article's language and not an abbreviation, if there is a choice."""
    names = [each for each in first_children(element, "name", limit=_MAX_NAMES)[0] if line_in(each)]
    if not names:
        return None

    def rank(each: etree._Element) -> tuple[bool, bool]:
        return (tail_in(each, "role") in _SHORT_NAME_ROLES, not _has_language(each, language))

    return line_in(min(names, key=rank))


def in_language(found: list[etree._Element], language: str) -> list[etree._Element]:
    """Return the elements in the article's language or in none; all, if there is none of these."""
    return [each for each in found if _has_language(each, language)] or found


def is_public(element: etree._Element) -> bool:
    """Return whether no constraint keeps an element from publication."""
    marks = (attribute(element, "pubconstraint"), attribute(element, "pubconstrainturi"))
    return not any(word in mark.lower() for mark in marks if mark for word in _NON_PUBLIC)


def public_children(parent: etree._Element | None, builder: ArticleBuilder, *names: str) -> list[etree._Element]:
    """Return the children that may be published; others, and those beyond a number, are reported as left out."""
    found, more = first_children(parent, *names)
    if more and parent is not None:
        builder.drop(place_of(parent), f"{more} more elements {'/'.join(names)[:60]}")
    return [each for each in found if is_public(each) or _dropped(each, builder)]


def _dropped(element: etree._Element, builder: ArticleBuilder) -> bool:
    builder.drop(place_of(element), "is marked as not for the public")
    return False


def _has_language(element: etree._Element, language: str) -> bool:
    own = (attribute(element, "lang") or "").lower()
    return not own or not language or own.partition("-")[0] == language.lower().partition("-")[0]


def drop_all(found: Iterable[etree._Element], builder: ArticleBuilder, reason: str) -> None:
    """Report elements with a text or a code as left out."""
    for each in found:
        if line_in(each) or code_of(each) or attribute(each, "href") or attribute(each, "residref"):
            builder.drop(place_of(each), reason)


def words_of(element: etree._Element) -> list[str]:
    """Return the words by which a site may name the section of a subject: its names, code and broader subjects."""
    broader_subjects, _ = first_children(element, "broader", limit=_MAX_NAMES)
    names, *broader = (
        [line for name in first_children(each, "name", limit=_MAX_NAMES)[0] if (line := line_in(name))]
        for each in (element, *broader_subjects)
    )
    literal = attribute(element, "literal")
    return [*names, *filter(None, (literal,)), *(word for words in broader for word in words)]


def is_item(element: etree._Element) -> bool:
    """Return whether an element is an item of NewsML-G2."""
    return name_of(element) in ITEM_NAMES


ITEM_NAMES = ("newsItem", "packageItem", "conceptItem", "knowledgeItem", "planningItem", "catalogItem")
