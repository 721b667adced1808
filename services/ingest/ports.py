"""The ports of ingest: readers of formats, pictures, rates of tokens, kept answers, and streams of status events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from services.ingest.domain.document import Document
from services.ingest.domain.entries import Entry, Reading, SetAside
from services.ingest.domain.formats import Format
from services.ingest.domain.pictures import PublicPicture
from services.ingest.domain.refusal import Fault, RefusedError
from services.ingest.domain.report import Dropped, Report
from shared.messaging.messages import ArticlesAccepted
from shared.messaging.page_bundle import ArticlePage
from shared.model.lane import Lane
from shared.runtime.event_log import Position, StatusEvent
from shared.site.sites import Feed, Site

__all__ = [
    "Allowance",
    "CleanPicture",
    "Document",
    "Dropped",
    "Entry",
    "EventStream",
    "EventStreams",
    "Fault",
    "Format",
    "KeptAnswer",
    "KeptAnswers",
    "PublicPicture",
    "RateLimits",
    "ReadDocument",
    "Reader",
    "Reading",
    "ReadingContext",
    "RefusedError",
    "RenderPages",
    "RenderedPages",
    "Report",
    "SetAside",
    "SubmissionMetadata",
]


def no_assets(name: str) -> None:
    """Return None: the sender uploads no pictures under ids of its own."""


@dataclass(frozen=True, slots=True)
class ReadingContext:
    """The facts beside the bytes: the site, the sender's feed there, the time of receipt (UTC).

    `canonical_site`: the first site of the request, if this is a further one. `find_asset`: returns the digest of a
    picture that the sender uploaded under its own id (Superdesk's `media`), or None.
    """

    site: Site
    feed: Feed
    received_at: datetime
    canonical_site: str | None = None
    find_asset: Callable[[str], str | None] = no_assets


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionMetadata(ReadingContext):
    """The context, and the declared media type, the sender's right to remove articles, and the lane."""

    content_type: str | None
    may_take_down: bool
    lane: Lane = Lane.LIVE


class Reader(Protocol):
    """Reads one format."""

    @property
    def format(self) -> Format:
        """Return the facts about the format."""
        ...

    def recognises(self, document: Document) -> bool:
        """Return whether the document has this format, by its bytes alone; a faulty document counts too."""
        ...

    def read(self, document: Document, context: ReadingContext) -> Sequence[Entry]:
        """Return the entries of the document in its order: one of most formats, several of a feed or an export.

        A faulty entry among several is set aside as refused, so that it does not affect the others.

        Raises:
            RefusedError: the document, or its only entry, is no valid article; the faults have pointers and reasons.
        """
        ...


class ReadDocument(Protocol):
    """Reads any supported format."""

    def __call__(self, raw: bytes, content_type: str | None, context: ReadingContext) -> Sequence[Entry]:
        """Return the entries; at least one.

        Raises:
            RefusedError: unknown format, no entry, or the only entry is no valid article.
        """
        ...


class CleanPicture(Protocol):
    """Makes the public form of a picture."""

    def __call__(self, data: bytes) -> PublicPicture:
        """Return the picture upright, of one frame, with its colour profile and rights and no other metadata.

        Raises:
            RefusedError: unsupported or broken picture, or over a limit.
        """
        ...


@dataclass(frozen=True, slots=True)
class Allowance:
    """The decision on one request of a token, and the rest of the token's quota.

    `seconds`: of an allowed request, until the whole quota is free again; of a refused one, until the next is allowed.
    """

    is_allowed: bool
    quota: int
    window_seconds: int
    left: int
    seconds: int


class RateLimits(Protocol):
    """Counts the requests of tokens."""

    def take(self, token_sha256: str, requests_per_minute: int) -> Allowance | None:
        """Count one request and return its allowance; None if the counter is down. Never raises."""
        ...


class KeptAnswer(BaseModel):
    """An answer to a request with an `Idempotency-Key`; without a status, the request is being handled."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    fingerprint: str
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""  # base64


class KeptAnswers(Protocol):
    """Keeps answers by token and key. No method raises: a request without Redis is handled as one without a key."""

    def claim(self, key: str, fingerprint: str, seconds: int) -> KeptAnswer | None:
        """Claim a key for a request, for so long; return the present entry if the key is taken, otherwise None."""
        ...

    def keep(self, key: str, answer: KeptAnswer) -> None:
        """Keep the answer to the request that has the key."""
        ...

    def release(self, key: str) -> None:
        """Free the key."""


class EventStream(Protocol):
    """The status events for one client, after one position."""

    @property
    def position(self) -> Position:
        """Return the position that the client has reached."""
        ...

    async def next_events(self, wait_seconds: float) -> Sequence[tuple[Position, StatusEvent]] | None:
        """Return the next events, none after a wait without events, or None once the stream has ended.

        A stream ends if its client is too slow for the bounded buffer, or if the endpoint stops.

        Raises:
            RedisUnavailableError: Redis does not answer.
            StorageUnavailableError: the store does not answer.
        """
        ...

    def close(self) -> None:
        """End the stream."""
        ...


class EventStreams(Protocol):
    """The streams of all clients."""

    async def open(self, after: Position | None) -> EventStream:
        """Return a stream of the events after a position, or of new events.

        Raises:
            StreamsFullError: there are as many streams as the settings allow.
            RedisUnavailableError: Redis does not answer.
            StorageUnavailableError: the store does not answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class RenderedPages:
    """Pages with their bytes, and the reasons why articles have none."""

    pages: tuple[tuple[ArticlePage, bytes], ...] = ()
    problems: tuple[str, ...] = ()


class RenderPages(Protocol):
    """Renders the pages of accepted articles, and writes nothing."""

    def __call__(self, message: ArticlesAccepted, objects: Mapping[str, bytes]) -> RenderedPages:
        """Return the pages.

        `objects`: those of the content bucket that a dry run wrote, by key; they are not in the bucket.

        Raises:
            DryRunUnavailableError: other dry runs run, or this one took too long.
        """
        ...
