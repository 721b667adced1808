"""The messages between services. Events are hints: a lost event only causes a delay.

Events carry ids, not documents. Only rendered pages travel in a message, as a bundle.

A message must survive a rolling deploy. Fields are added with a default and never renamed; unknown fields are
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

MAX_BATCH_ITEMS = 50  # submissions or articles of one message
MAX_LISTINGS_PER_BATCH = 25  # one message costs as much as the rendering and the PUT of one listing


class Message(BaseModel):
    """Envelope. Unknown fields are ignored, so that old workers survive a rolling deploy."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    message_id: UUID
    causation_id: UUID | None = None  # the message that caused this one
    trace_parent: str | None = None  # W3C Trace Context of the sender's request, for log lines
    lane: Lane = Lane.LIVE
    begun_at: AwareDatetime | None = None  # arrival of the submission at the endpoint (UTC); None without one
    schema_version: Literal[1] = 1


class Batch(Message, ABC):
    """A message that names 1..n items of one site. Each item succeeds, is retried or is dead-lettered on its own."""

    site: str
    run: str = ""  # id of the `pressline rebuild` run; empty: no run

    @property
    @abstractmethod
    def items(self) -> tuple[str, ...]:
        """Return the names of the items: articles, listings or receipts."""

    @abstractmethod
    def only(self, items: Collection[str]) -> Self:
        """Return the same message for some of its items; the same items give the same message id."""

    def _envelope(self, items: Collection[str]) -> Envelope:
        return follow_up(self, f"only:{','.join(sorted(items))}")


class Submission(BaseModel):
    """Raw bytes in the content bucket, and the metadata of their request."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    receipt: str
    raw_key: str
    raw_range: tuple[int, int] | None = None  # (first byte, length) in an object that several items share
    content_type: str | None = None
    feed: str  # id of the sender's feed
    received_at: AwareDatetime
    can_take_down: bool = False  # the sender's token has the scope `takedown`
    canonical_site: str | None = None  # of a POST to several sites: the site that has the original article
    token_name: str = ""  # the sender's token and request, for the audit log
    request_id: str | None = None


class SubmitArticles(Batch):
    """Read these raw bytes and accept the articles in them."""

    submissions: tuple[Submission, ...]

    @property
    def items(self) -> tuple[str, ...]:
        """Return the receipts."""
        return tuple(each.receipt for each in self.submissions)

    def only(self, items: Collection[str]) -> Self:
        """Return the same message for some of its submissions."""
        selected = tuple(each for each in self.submissions if each.receipt in items)
        return self.model_copy(update={**self._envelope(items), "submissions": selected})


class ArticleRevision(BaseModel):
    """An article and a revision; the article has reached this revision or a later one."""

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
        """Return the latest named revision of each article."""
        latest: dict[str, str] = {}
        for each in self.articles:
            latest[each.article] = max(latest.get(each.article, ""), each.revision)
        return latest

    def only(self, items: Collection[str]) -> Self:
        """Return the same message for some of its articles."""
        selected = tuple(each for each in self.articles if each.article in items)
        return self.model_copy(update={**self._envelope(items), "articles": selected})


class ArticlesAccepted(_Articles):
    """Each of these articles has at least this revision."""


class ArticlesEnriched(_Articles):
    """The enriched objects of these revisions are in the content bucket.

    A rebuild begins here. `preview` is a folder of the content bucket. With it, the pages are put into that folder, not
    into the public bucket, and are rendered with the folder's theme, if it has one.
    """

    preview: str | None = None


class PagesRendered(_Articles):
    """The rendered pages of these articles: a bundle (`page_bundle.py`) in base64, or the key of its object."""

    bundle: str | None = None
    bundle_key: str | None = None


class ArticlesPublished(_Articles):
    """The page of each of these articles is live, so the article may enter the listings."""


class ArticleRemoved(Message):
    """The latest revision of this article, `revision`, removes it.

    A withdrawal is emitted twice. The second message waits until the listings in `waits_for` have published their
    wanted versions, without the article. `waits_for` is a hint: a lost message is re-emitted without it, and the wait
    begins again.
    """

    site: str
    article: str
    revision: str
    unlisted_at: AwareDatetime | None = None  # when the article left the index
    waits_for: dict[str, int] = Field(default_factory=dict)


class _Listings(Batch):
    listings: dict[str, int]

    @property
    def items(self) -> tuple[str, ...]:
        """Return the listings' names."""
        return tuple(self.listings)

    def only(self, items: Collection[str]) -> Self:
        """Return the same message for some of its listings."""
        selected = {name: version for name, version in self.listings.items() if name in items}
        return self.model_copy(update={**self._envelope(items), "listings": selected})


class ListingsStale(_Listings):
    """These listings are stale: by name, with the wanted version of each."""


class ListingsRendered(_Listings):
    """The rendered pages of these listings, with the version that each shows: a bundle, as in `PagesRendered`."""

    bundle: str | None = None
    bundle_key: str | None = None


class RepairPath(Message):
    """Compare this path of the public bucket with the record, and repair it.

    `article` is the article that owns the page or picture, if one does.
    """

    site: str
    path: str
    article: str | None = None


class Envelope(TypedDict):
    """The fields of a message beside its items; most come from its cause."""

    message_id: UUID
    causation_id: UUID | None
    trace_parent: str | None
    lane: Lane
    begun_at: datetime | None


def first_envelope(lane: Lane) -> Envelope:
    """Return the envelope of a message without a cause."""
    return Envelope(message_id=uuid4(), causation_id=None, trace_parent=None, lane=lane, begun_at=None)


def follow_up(cause: Message, name: str, lane: Lane | None = None) -> Envelope:
    """Return the envelope of a follow-up, in its cause's lane by default.

    The same cause and name give the same message id, so that a repetition is recognised.
    """
    return Envelope(
        message_id=uuid5(cause.message_id, name),
        causation_id=cause.message_id,
        trace_parent=cause.trace_parent,
        lane=lane or cause.lane,
        begun_at=cause.begun_at,
    )
