"""The messages between services. Events carry ids, not documents, and are hints: losing one only delays.

A message is a promise to a rolling deploy. Fields are added with a default and never renamed; unknown ones are
ignored. `tests/contract/messages/` holds golden files, from version 1.0 on.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from datetime import datetime
from typing import Literal, Self, TypedDict
from uuid import UUID, uuid4, uuid5

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.model.lane import Lane

MAX_BATCH_ITEMS = 50  # submissions or articles of a message, from whoever emits it
MAX_LISTINGS_PER_BATCH = 25  # a hop costs as much as rendering and putting one


class Message(BaseModel):
    """Envelope. Unknown fields are ignored, so that old workers survive a rolling deploy."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    message_id: UUID
    causation_id: UUID | None = None  # the message that led to this one
    trace_parent: str | None = None  # W3C Trace Context, as the sender's request had it; log lines carry it
    lane: Lane = Lane.LIVE
    begun_at: AwareDatetime | None = None  # when the endpoint took the submission (UTC); None without a submission
    schema_version: Literal[1] = 1


class Batch(Message, ABC):
    """A message that names 1..n items of one site. Each item succeeds, is retried or is dead-lettered on its own."""

    site: str
    run: str = ""  # of `pressline rebuild`; empty: of none

    @property
    @abstractmethod
    def items(self) -> tuple[str, ...]:
        """Return the names of the items: articles, listings or receipts."""

    @abstractmethod
    def only(self, items: Collection[str]) -> Self:
        """Return the same message for some of its items; the same items lead to the same id."""

    def _envelope(self, items: Collection[str]) -> Envelope:
        return follow_up(self, f"only:{','.join(sorted(items))}")


class Submission(BaseModel):
    """Raw bytes in the content bucket, and what was said of them when they were posted."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    receipt: str
    raw_key: str
    raw_range: tuple[int, int] | None = None  # (first byte, length) in an object that several items share
    content_type: str | None = None
    feed: str  # the sender's
    received_at: AwareDatetime
    can_take_down: bool = False  # the sender's token has the scope `takedown`
    canonical_site: str | None = None  # posted to several sites: the one whose article the others' are copies of


class SubmitArticles(Batch):
    """Read these raw bytes and accept what they hold."""

    submissions: tuple[Submission, ...]

    @property
    def items(self) -> tuple[str, ...]:
        """Return the receipts."""
        return tuple(each.receipt for each in self.submissions)

    def only(self, items: Collection[str]) -> Self:
        """Return the same message for some of its submissions."""
        some = tuple(each for each in self.submissions if each.receipt in items)
        return self.model_copy(update={**self._envelope(items), "submissions": some})


class ArticleRevision(BaseModel):
    """An article, and a revision that it has reached at least."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    article: str
    revision: str


class _Articles(Batch):
    articles: tuple[ArticleRevision, ...]

    @property
    def items(self) -> tuple[str, ...]:
        """Return the articles, each once."""
        return tuple(dict.fromkeys(each.article for each in self.articles))

    @property
    def revisions(self) -> dict[str, str]:
        """Return the latest revision that is named for each article."""
        named: dict[str, str] = {}
        for each in self.articles:
            named[each.article] = max(named.get(each.article, ""), each.revision)
        return named

    def only(self, items: Collection[str]) -> Self:
        """Return the same message for some of its articles."""
        some = tuple(each for each in self.articles if each.article in items)
        return self.model_copy(update={**self._envelope(items), "articles": some})


class ArticlesAccepted(_Articles):
    """Each of these articles has reached at least this revision."""


class ArticlesEnriched(_Articles):
    """The enriched objects of these revisions are in the content bucket.

    A rebuild begins here. With a `preview` (a folder of the content bucket) the pages are put there and go nowhere
    else; they are made with the theme that waits in the folder, if there is one.
    """

    preview: str | None = None


class PagesRendered(_Articles):
    """These articles' pages: a bundle (`page_bundle.py`) in base64, or the key of the object that holds it."""

    bundle: str | None = None
    bundle_key: str | None = None


class ArticlesPublished(_Articles):
    """Each of these articles' own page is live: it may enter the listings."""


class ArticleRemoved(Message):
    """This article's latest revision takes it down; `revision` is the one that says so.

    A withdrawal comes twice: the second time it waits until the listings (by their wanted version) show it no more.
    What it waits for is a hint as well: a message that is lost is emitted again without it, and the wait begins anew.
    """

    site: str
    article: str
    revision: str
    unlisted_at: AwareDatetime | None = None
    waits_for: dict[str, int] = Field(default_factory=dict)


class _Listings(Batch):
    listings: dict[str, int]

    @property
    def items(self) -> tuple[str, ...]:
        """Return the listings' names."""
        return tuple(self.listings)

    def only(self, items: Collection[str]) -> Self:
        """Return the same message for some of its listings."""
        some = {name: version for name, version in self.listings.items() if name in items}
        return self.model_copy(update={**self._envelope(items), "listings": some})


class ListingsStale(_Listings):
    """These listings show less than the index knows: by name, with the wanted version that the index had for each."""


class ListingsRendered(_Listings):
    """These listings' pages, each of the wanted version that it shows: a bundle, as in `PagesRendered`."""

    bundle: str | None = None
    bundle_key: str | None = None


class RepairPath(Message):
    """Look at this path of the public bucket: what is there, or is not there, is not as it should be.

    `article` is whose page or picture it should be, where anybody's.
    """

    site: str
    path: str
    article: str | None = None


class Envelope(TypedDict):
    """What a message says beside its items; most of it comes from its cause."""

    message_id: UUID
    causation_id: UUID | None
    trace_parent: str | None
    lane: Lane
    begun_at: datetime | None


def first_envelope(lane: Lane) -> Envelope:
    """Return the envelope of a message that has no cause."""
    return Envelope(message_id=uuid4(), causation_id=None, trace_parent=None, lane=lane, begun_at=None)


def follow_up(cause: Message, name: str, lane: Lane | None = None) -> Envelope:
    """Return the envelope of a follow-up, in its cause's lane unless another is named.

    The same cause and name lead to the same id, so that a repetition can be told.
    """
    return Envelope(
        message_id=uuid5(cause.message_id, name),
        causation_id=cause.message_id,
        trace_parent=cause.trace_parent,
        lane=lane or cause.lane,
        begun_at=cause.begun_at,
    )
