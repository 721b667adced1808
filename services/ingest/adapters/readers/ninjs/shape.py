"""One shape for all versions of ninjs: the names of ninjs 3.0 in lower case, and lists of entries.

ninjs 1.x is flat (`headline`, `body_html`), names lists in the singular (`person`) and keys associated items by name.
ninjs 2.x has lists of texts, in lower case. ninjs 3.x has the same in camel case. Superdesk's dialect is 1.x with
`guid` instead of `uri`. Every value keeps the pointer to its place in the sent document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.ninjs.names import UNUSED_NAMES, USED_NAMES
from services.ingest.adapters.readers.reasons import CONTACT_REASON, NOTE_REASON
from services.ingest.adapters.readers.values import text_of
from services.ingest.domain.pointers import pointer

_MAX_ENTRIES = 500  # of one list; a wire's longest list of subjects has about a hundred
_OTHER_NAMES = {
    "guid": "uri",
    "byline": "by",
    "mime_type": "mimetype",
    "person": "people",
    "persons": "people",
    "organisation": "organisations",
    "organization": "organisations",
    "organizations": "organisations",
    "place": "places",
    "subject": "subjects",
    "event": "events",
    "object": "objects",
    "genre": "genres",
    "infosource": "infosources",
    "trustindicator": "trustindicators",
    "$standard": "standard",
    "embargoeduntil": "embargoed",
    "anpa_category": "service",
}
"""Names of 1.x and of Superdesk -> the name in this shape."""
_FIRST_NAMES = {"uri": "guid"}
"""The name that counts if both are sent: in Superdesk's dialect `guid` is the identity."""
_FLAT_TEXT = re.compile(r"(headline|description|body)(?:_([a-z0-9_]{1,40}))?")
_FLAT_PREFIXES = ("headline_", "description_", "body_", "headline")
_LISTS_OF_TEXTS = {"headline": "headlines", "description": "descriptions", "body": "bodies"}
_EMPTY: tuple[object, ...] = (None, "", [], {})
_HTML_ROLES = frozenset({"html", "xhtml", "html5"})
_MARKED_UP = re.compile(r"</[a-z][a-z0-9]{0,20}\s{0,5}>|<br\s{0,5}/?>", re.IGNORECASE)


def is_name(sent: str) -> bool:
    """Return whether ninjs or Superdesk's dialect has a field of this name."""
    folded = sent.lower()
    name = _OTHER_NAMES.get(folded, folded)
    return name in USED_NAMES or name in UNUSED_NAMES or name == "ednote" or folded.startswith(_FLAT_PREFIXES)


@dataclass(frozen=True, slots=True)
class Sent:
    """A value and its pointer."""

    where: str
    value: object


@dataclass(frozen=True)
class Part:
    """An object of the document. `key`: its name in a parent that is an object, such as `featuremedia`."""

    where: str
    sent: Mapping[str, object]
    key: str = ""

    @cached_property
    def _fields(self) -> dict[str, list[Sent]]:
        found: dict[str, list[Sent]] = {}
        for name, value in self.sent.items():
            folded = name.lower()
            same = found.setdefault(_OTHER_NAMES.get(folded, folded), [])
            entry = Sent(self.where + pointer(name), value)
            if folded in _FIRST_NAMES.values():
                same.insert(0, entry)
            else:
                same.append(entry)
        return found

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of this shape that the part has."""
        return tuple(self._fields)

    def spellings(self, name: str) -> list[Sent]:
        """Return all values of a name in every spelling; neither null nor empty texts."""
        return [each for each in self._fields.get(name, ()) if each.value is not None and each.value != ""]

    def find(self, name: str) -> Sent | None:
        """Return the first value of a name, or None."""
        return next(iter(self.spellings(name)), None)

    def has(self, name: str) -> bool:
        """Return whether the part has a value of the name that is not empty."""
        return any(each.value not in _EMPTY for each in self.spellings(name))

    def value(self, name: str) -> object:
        """Return the first value of a name, or None."""
        found = self.find(name)
        return found.value if found else None

    def text(self, name: str) -> str | None:
        """Return the first value of a name as text, or None."""
        return text_of(self.value(name))

    def pointer_to(self, name: str) -> str:
        """Return the pointer to the first value of a name; without a value, to the name."""
        found = self.find(name)
        return found.where if found else self.where + pointer(name)

    def parts(self, name: str, builder: ArticleBuilder) -> Iterator[Part]:
        """Yield the objects of a list, or of an object whose keys are names; report other entries as left out."""
        for given in self.spellings(name):
            if isinstance(given.value, dict):
                entries: list[tuple[str | int, object]] = [*given.value.items()]
            elif isinstance(given.value, list):
                entries = [*enumerate(given.value)]
            else:
                builder.drop(given.where, "is not a list")
                continue
            if len(entries) > _MAX_ENTRIES:
                builder.drop(given.where, f"has {len(entries)} entries; the first {_MAX_ENTRIES} are used")
            for step, entry in entries[:_MAX_ENTRIES]:
                where = given.where + pointer(step)
                if isinstance(entry, dict):
                    yield Part(where, entry, step if isinstance(step, str) else "")
                elif entry is not None:
                    builder.drop(where, "is not an object")

    def flat_texts(self, family: str, builder: ArticleBuilder) -> Iterator[Part]:
        """Yield the texts of 1.x (`headline`, `body_html`) in the form of a list entry, with the suffix as role."""
        for name in self._fields:
            found = _FLAT_TEXT.fullmatch(name)
            if found is None or found[1] != family:
                continue
            for given in self.spellings(name):
                if isinstance(given.value, str):
                    role = found[2] or "main"
                    kind = "text/html" if _is_html(role, given.value) else "text/plain"
                    yield Part(given.where, {"role": role, "contentType": kind, "value": given.value})
                else:
                    builder.drop(given.where, "is not text")

    def texts(self, name: str, builder: ArticleBuilder) -> Iterator[Part]:
        """Yield the texts of `headlines`, `descriptions` or `bodies`, from the list of 2.x and 3.x and from 1.x."""
        yield from self.parts(name, builder)
        family = next(family for family, plural in _LISTS_OF_TEXTS.items() if plural == name)
        yield from self.flat_texts(family, builder)

    def drop_others(
        self, used: frozenset[str], builder: ArticleBuilder, reason: str, *, has_texts: bool = False
    ) -> None:
        """Report the values of all other names as left out; `has_texts`: the flat texts were read already."""
        for name in self._fields:
            if name in used or (has_texts and _FLAT_TEXT.fullmatch(name)):
                continue
            for given in self.spellings(name):
                if given.value in _EMPTY:
                    continue
                builder.drop(given.where, _NEVER_PUBLISHED.get(name, reason))


_NEVER_PUBLISHED = {
    "contactinfo": CONTACT_REASON,
    "ednote": NOTE_REASON,
}


def _is_html(role: str, text: str) -> bool:
    """Return whether a flat text is HTML: by its name, otherwise by its tags; `body_text` is always plain."""
    return role in _HTML_ROLES or (role != "text" and _MARKED_UP.search(text) is not None)
