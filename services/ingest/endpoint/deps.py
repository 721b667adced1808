"""What the endpoint needs from the rest of the service; wiring gives it, tests give fakes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import ParamSpec, Protocol, TypeVar

import anyio
import anyio.to_thread
from fastapi import Request

from services.ingest.domain.accepted import Accepted, Submitted
from services.ingest.domain.pictures import StoredPicture
from services.ingest.domain.reasons import Reasons
from services.ingest.domain.refusal import BacklogFullError
from services.ingest.domain.states import ArticleState, ReceiptState
from services.ingest.handler import Fronts
from services.ingest.ports import SubmissionMetadata
from services.ingest.settings import IngestSettings
from shared.model.lane import Lane
from shared.model.revision import ActionKind
from shared.runtime.tokens import TokenRecord
from shared.site.sites import Site

MAX_BATCH_BYTES = 256 * 1024 * 1024  # of one POST /v1/batches; its lines are held in three batches at most
BODY_TIMEOUT_SECONDS = 30.0  # a sender that is slower is dropped
RETRY_AFTER_SECONDS = 5  # the wait that a sender is told while the store is down, or too much waits

P = ParamSpec("P")
T = TypeVar("T")


class Admit(Protocol):
    """Says whether a lane has room."""

    def __call__(self, lane: Lane) -> None:
        """Return where it takes one more.

        Raises:
            BacklogFullError: too much waits to be published.
        """
        ...


class AcceptArticle(Protocol):
    """Reads bytes and commits the revision that they hold."""

    def __call__(self, raw: bytes, metadata: SubmissionMetadata) -> Accepted:
        """Return under which ids the article lives on.

        Raises:
            RefusedError: it cannot be taken as it is.
            BacklogFullError: too much waits to be published before it.
            OutageError: the store is down; nothing was accepted.
        """
        ...


class SubmitBytes(Protocol):
    """Stores bytes for the ingest worker to read."""

    def __call__(self, raw: bytes, metadata: SubmissionMetadata) -> Submitted:
        """Return the receipt, once the bytes are safe.

        Raises:
            BacklogFullError: too much waits to be published before them.
            OutageError: the store is down; nothing was accepted.
        """
        ...


class SubmitLines(Protocol):
    """Stores lines together for the ingest worker to read."""

    def __call__(self, raws: Sequence[bytes], metadata: SubmissionMetadata) -> Sequence[Submitted | BacklogFullError]:
        """Return the receipt of each, once their bytes are safe, or why there is no room for it.

        Raises:
            OutageError: the store is down; nothing was accepted.
        """
        ...


class ActOnArticle(Protocol):
    """Kills, withdraws or restores an article."""

    def __call__(
        self, kind: ActionKind, *, site: Site, article: str, by: str, why: str, received_at: datetime
    ) -> Accepted:
        """Return the revision that says so.

        Raises:
            ArticleUnknownError: there is no such article.
            RefusedError: it makes no sense as the article stands.
            OutageError: the store is down; sent again, what is left to be done is done.
        """
        ...


class StorePicture(Protocol):
    """Stores a picture by its digest."""

    def __call__(self, data: bytes, *, site: Site) -> StoredPicture:
        """Return what was stored; `is_new` is false where it was there.

        Raises:
            RefusedError: not a picture that can be shown, or over a limit.
        """
        ...


@dataclass(frozen=True, slots=True)
class EndpointDeps:
    """The collaborators. All but `wait` may block: they run in threads."""

    settings: IngestSettings
    sites: Mapping[str, Site]
    find_token: Callable[[str], TokenRecord | None]
    admit: Admit
    accept: AcceptArticle
    submit: SubmitBytes
    submit_lines: SubmitLines
    act: ActOnArticle
    fronts: Fronts
    store_picture: StorePicture
    wait: Callable[[str, float], Awaitable[ReceiptState | None]]  # receipt, seconds
    receipt: Callable[[str], ReceiptState | None]
    article: Callable[[str, str], ArticleState | None]  # site, article
    why: Callable[[str, Site], Reasons]  # address, site
    ready: Callable[[], list[str]]  # what is down, in plain words; empty when all is well
    delays: Callable[[], list[str]] = list  # causes of a delay of publication, in plain words
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    max_batch_bytes: int = MAX_BATCH_BYTES
    body_timeout_seconds: float = BODY_TIMEOUT_SECONDS
    retry_after_seconds: int = RETRY_AFTER_SECONDS


class Threads:
    """Runs blocking calls in threads, so many at a time and no more."""

    def __init__(self, most: int) -> None:
        self._limiter = anyio.CapacityLimiter(most)

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `call` returns."""
        return await anyio.to_thread.run_sync(partial(call, *args, **kwargs), limiter=self._limiter)


def deps_of(request: Request) -> EndpointDeps:
    """Return the collaborators of the app that serves the request."""
    deps: EndpointDeps = request.app.state.deps
    return deps


def threads_of(request: Request) -> Threads:
    """Return the threads of the app that serves the request."""
    threads: Threads = request.app.state.threads
    return threads


def batch_threads_of(request: Request) -> Threads:
    """Return the threads that the app keeps for batches, so that no import takes those of the news."""
    threads: Threads = request.app.state.batch_threads
    return threads
