"""What the public bucket holds of an article: its `live.json`, and the shelf on which those of many lie together.

Both are written by publish, with If-Match only. A shelf is what a rebuild reads and writes instead of a hundred
records (decision 23). It knows no more than which bytes rebuilds put since an article was laid there: whoever changes
a record otherwise first takes it off. So `live.json` alone is right in all but the pages' digests, and a shelf may be
lost.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from http import HTTPStatus

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from shared import keys
from shared.card import Card
from shared.storage import Etag, ObjectStorage

_SHELF, _MOST = 100, 128  # articles lie on a new shelf, and on any: with more it is parted, so that both have room
_WORDS = 5  # of a line, cut at its first four quotes: the fourth is whose it is


def page_sha256(body: bytes, status: int = 200, location: str = "") -> str:
    """Return the digest that tells whether two pages are the same to a reader: bytes, status and target."""
    envelope = b"" if status == HTTPStatus.OK else f"{status} {location}\n".encode()
    return hashlib.sha256(envelope + body).hexdigest()


class PageRecord(BaseModel):
    """What was last put at a path: its order, digest and ETag, and the HTTP status that readers get."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    order: str
    sha256: str
    etag: Etag
    status: int = 200


class Standing(BaseModel):
    """Which revision of an article is live, and of how many revisions account is taken there."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    revision: str | None = None  # None: nothing is live
    revisions_seen: int = 0


class LiveRecord(Standing):
    """An article's public state.

    `claimed` holds every path that the article has or may have had, in the order of their claims; a path is here
    before anything is put there. `claimed_by` is the highest revision that claimed: an older one is refused.
    `revisions_seen` says of how many revisions account is taken: an older one that comes late changes no more than
    this number.
    """

    schema_version: int = 1
    site: str
    article: str
    claimed: tuple[str, ...] = ()
    claimed_by: str = ""
    path: str | None = None  # where its page is
    live_since: AwareDatetime | None = None
    removed_by: str | None = None  # the revision that took it down
    pages: dict[str, PageRecord] = Field(default_factory=dict)
    card: Card | None = None
    media: tuple[str, ...] = ()  # public paths of the pictures that its page shows

    listed: tuple[str, ...] = ()  # sets that its card stood in since it was first public: where a lost Redis is missed
    shows: dict[str, str] = Field(default_factory=dict)  # whose cards its page shows, and the digest of each
    shelf: str = ""  # the name of the shelf that may know what was put later

    @property
    def text(self) -> str:
        """Return what tells whether the live page reads the same as another one of the article."""
        page = self.pages.get(self.path or "")
        return page.sha256 if page else ""

    @property
    def settled_revision(self) -> str:
        """Return the revision that the public bucket shows or was taken down by; empty while there is none."""
        return max(self.revision or "", self.removed_by or "")


class Rested(BaseModel):
    """A record that lies on a shelf: the later state of the very `live.json` whose ETag is `base`.

    While it lies there its `live.json` is not changed: who means to marks it first (`is_left`), so that a rebuild that
    was about to write the shelf finds it changed. Left or not, it counts as long as its base is there.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    article: str
    base: Etag
    is_left: bool = False
    record: LiveRecord

    @property
    def line(self) -> bytes:
        """Return it as it is written on the shelf."""
        return self.model_dump_json().encode()


@dataclass(frozen=True, slots=True)
class Shelf:
    """The records of neighbouring articles: a line of JSON each, which is read when it is asked for."""

    lines: Mapping[str, bytes] = field(default_factory=dict)  # by article, in their order

    @classmethod
    def of(cls, body: bytes) -> Shelf:
        """Return the shelf that has these bytes. A line that does not begin with whose it is counts as lost."""
        found = ((line.split(b'"', 4), line) for line in body.splitlines())
        return cls({words[3].decode(errors="replace"): line for words, line in found if len(words) == _WORDS})

    @property
    def body(self) -> bytes:
        """Return its bytes."""
        return b"".join(line + b"\n" for line in self.lines.values())

    def find(self, article: str) -> Rested | None:
        """Return what lies here of an article; a line that cannot be read counts as lost."""
        try:
            return Rested.model_validate_json(self.lines[article])
        except (KeyError, ValidationError):
            return None

    def resting(self, article: str) -> Rested | None:
        """Return the record that rests here of an article; None where none does, or somebody is changing it."""
        found = self.find(article)
        return found if found is not None and not found.is_left else None

    def is_free(self, new: Rested, *known: bytes) -> bool:
        """Tell whether a record may be laid here: its line is one of the `known` (empty: none), else others were here.

        A line with the very same base is theirs who are about to change the record, and have not done so yet.
        """
        there = self.find(new.article)
        return self.lines.get(new.article, b"") in known and (there is None or there.base != new.base)

    def holding(self, records: Iterable[Rested], *, without: Iterable[str] = ()) -> Shelf:
        """Return the shelf with these records laid there, or marked, and without those of some articles."""
        laid = {each.article: each.line for each in records}
        lines = {article: line for article, line in self.lines.items() if article not in {*without}}
        return Shelf(dict(sorted({**lines, **laid}.items())))


def read_record(
    content: ObjectStorage, site: str, article: str, *, shelves: dict[str, Shelf] | None = None
) -> tuple[LiveRecord, Etag | None]:
    """Return an article's public state and its ETag; an empty one, without an ETag, where nothing was ever public.

    `shelves`: those that the caller has read just now, by name; it fills. Who reads many, reads each shelf once.
    """
    found = content.find(keys.live_key(site, article))
    if found is None:
        return LiveRecord(site=site, article=article), None
    record = LiveRecord.model_validate_json(found.body)
    if record.shelf:
        shelf = shelves.get(record.shelf) if shelves is not None else None
        if shelf is None:
            shelf, _ = read_shelf(content, site, record.shelf)
        if shelves is not None:
            shelves[record.shelf] = shelf
        later = shelf.find(article)
        if later is not None and later.base == found.etag:
            record = later.record
    return record, found.etag


def read_records(content: ObjectStorage, site: str, articles: Iterable[str], readers: Executor) -> Iterator[LiveRecord]:
    """Yield the public states of articles, in order; each shelf that they lie on is read once or a few times."""
    shelves: dict[str, Shelf] = {}
    return readers.map(lambda article: read_record(content, site, article, shelves=shelves)[0], articles)


def read_shelf(content: ObjectStorage, site: str, name: str) -> tuple[Shelf, Etag | None]:
    """Return a shelf and its ETag; an empty one, without an ETag, where there is none."""
    found = content.find(keys.shelf_key(site, name))
    if found is None:
        return Shelf(), None
    return Shelf.of(found.body), found.etag


class _Lying(BaseModel):
    article: str
    is_left: bool = False
    record: Standing


def read_standings(content: ObjectStorage, site: str, name: str) -> dict[str, Standing]:
    """Return of each record that rests on a shelf what rendering asks of it: a fifth of the work."""
    shelf, _ = read_shelf(content, site, name)
    try:
        lying = [_Lying.model_validate_json(line) for line in shelf.lines.values()]
    except ValidationError:
        return {}
    return {each.article: each.record for each in lying if not each.is_left}


def grouped(articles: Iterable[str], shelves: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield (shelf, articles) of each piece: of `articles`, in order, what belongs on each of `shelves`, in order.

    A shelf is named after the last article that it was made for, and those behind the one before it belong there.
    Where too many have come it is parted; behind the last one there are new ones.
    """
    bounds, group = iter(shelves), list[str]()
    bound = next(bounds, None)
    for article in articles:
        while bound is not None and bound < article:
            if group:
                yield bound, group
                group = []
            bound = next(bounds, None)
        if len(group) == (_SHELF if bound is None else _MOST):
            part = _SHELF if bound is None else _MOST // 2
            yield group[part - 1], group[:part]
            group = group[part:]
        group.append(article)
    if group:
        yield bound or group[-1], group
