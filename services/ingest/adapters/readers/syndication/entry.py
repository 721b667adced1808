"""The entry of a feed as RSS, Atom and JSON Feed have it in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from services.ingest.adapters.readers.facts import SentPicture

_MAX_DROPPED = 250


@dataclass(frozen=True, slots=True)
class Part:
    """A value of the document; `where` points to it."""

    value: str
    where: str


@dataclass(frozen=True, slots=True)
class Text:
    """A text of the document; `base` is the address that its relative links start from."""

    value: str
    where: str
    is_html: bool
    base: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """An author; `uri` identifies the person."""

    name: str
    where: str
    uri: str | None = None


@dataclass(frozen=True, slots=True)
class Player:
    """Sound or video beside the text; `is_enclosure`: the feed delivers it as the entry's file, as podcasts do."""

    url: str
    kind: Literal["audio", "video"]
    where: str
    title: str | None = None
    is_enclosure: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """A state other than published.

    `held`: the sender marks the entry as not public, such as a draft; its page is withdrawn and its text not read.
    `withheld`: the sender deleted the entry. `private`: the sender does not show the article to everybody now, so that
    a page of an earlier state is withdrawn too.
    """

    kind: Literal["held", "withheld", "private"]
    reason: str
    where: str


@dataclass(slots=True)
class SentEntry:
    """An entry; empty fields are absent. `contents` and `summaries` are in order of preference."""

    where: str
    id: Part | None = None
    links: list[Part] = field(default_factory=list)
    title: Part | None = None
    contents: list[Text] = field(default_factory=list)
    summaries: list[Text] = field(default_factory=list)
    published: list[Part] = field(default_factory=list)
    updated: list[Part] = field(default_factory=list)
    embargo: list[Part] = field(default_factory=list)
    expires: list[Part] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    categories: list[Part] = field(default_factory=list)
    keywords: list[Part] = field(default_factory=list)
    language: Part | None = None
    rights: Part | None = None
    holder: Part | None = None
    usage_terms: Part | None = None
    dateline: Part | None = None
    correction: Part | None = None
    pictures: list[SentPicture] = field(default_factory=list)
    players: list[Player] = field(default_factory=list)
    state: State | None = None
    dropped: list[Part] = field(default_factory=list)  # the value is the reason
    confirmed: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Return the id, the link or the title, for replies."""
        found = self.id or next(iter(self.links), None) or self.title
        return found.value if found else ""

    def drop(self, where: str, reason: str) -> None:
        """Note a part that is not used, with the reason; a report names at most 200."""
        if len(self.dropped) < _MAX_DROPPED:
            self.dropped.append(Part(reason, where))
