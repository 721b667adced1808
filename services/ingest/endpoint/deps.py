"""The endpoint's dependencies; `wiring` supplies them, tests supply fakes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import ParamSpec, Protocol, TypeVar

import anyio
import anyio.to_thread
from fastapi import Request
from pydantic import SecretStr

from services.ingest.domain.accepted import Accepted, DocumentOutcome, Submitted
from services.ingest.domain.assets import Asset
from services.ingest.domain.dry_runs import DryRunOutcome
from services.ingest.domain.formats import Format
from services.ingest.domain.pictures import StoredPicture
from services.ingest.domain.reasons import Reasons
from services.ingest.domain.refusal import BacklogFullError
from services.ingest.domain.states import ArticleState, ReceiptState
from services.ingest.handler import Fronts, StoredAsset
from services.ingest.ports import EventStreams, KeptAnswers, RateLimits, SubmissionMetadata
from services.ingest.settings import IngestSettings
from shared.model.lane import Lane
from shared.model.revision import ActionKind
from shared.runtime.hub_subscriptions import HubSubscriptions
from shared.runtime.tokens import TokenRecord
from shared.site.sites import Feed, Site

MAX_BATCH_BYTES = 256 * 1024 * 1024  # of one POST /v1/batches; at most three batches of its lines are in memory
BODY_TIMEOUT_SECONDS = 30.0  # a slower request is refused
RETRY_AFTER_SECONDS = 5  # the Retry-After of a 503

P = ParamSpec("P")
T = TypeVar("T")


class Admit(Protocol):
    """Checks whether a lane accepts articles."""

    def __call__(self, lane: Lane) -> None:
        """Return if the lane accepts one more article.

        Raises:
            BacklogFullError: too many messages wait.
        """
        ...


class AcceptArticle(Protocol):
    """Reads a document and commits the revisions of its articles."""

    def __call__(self, raw: bytes, metadata: SubmissionMetadata) -> Accepted | DocumentOutcome:
        """Return the status and the ids of the article, or the outcome of each entry.

        Raises:
            RefusedError: the article breaks a rule.
            BacklogFullError: too many messages wait.
            OutageError: the store is down; nothing was accepted.
        """
        ...


class DryRunDocument(Protocol):
    """Reads a document as for a post, and changes nothing."""

    def __call__(self, raw: bytes, requests: Sequence[SubmissionMetadata]) -> Sequence[DryRunOutcome]:
        """Return the outcome that a post would have at the site of each request; the first is the canonical one.

        Raises:
            RefusedError: the first site would refuse the document.
            BacklogFullError: too many messages wait.
            DryRunUnavailableError: other dry runs run, or this one took too long.
            OutageError: the store is down.
        """
        ...


class SubmitBytes(Protocol):
    """Stores bytes; the ingest worker reads them later."""

    def __call__(self, raw: bytes, metadata: SubmissionMetadata) -> Submitted:
        """Return the receipt, once the bytes are stored.

        Raises:
            BacklogFullError: too many messages wait.
            OutageError: the store is down; nothing was accepted.
        """
        ...


class SubmitLines(Protocol):
    """Stores lines together; the ingest worker reads them later."""

    def __call__(self, raws: Sequence[bytes], metadata: SubmissionMetadata) -> Sequence[Submitted | BacklogFullError]:
        """Return the receipt or the refusal of each line, once all accepted lines are stored.

        Raises:
            OutageError: the store is down; nothing was accepted.
        """
        ...


class ActOnArticle(Protocol):
    """Kills, withdraws or restores an article."""

    def __call__(
        self, kind: ActionKind, *, site: Site, article: str, by: str, why: str, received_at: datetime
    ) -> Accepted:
        """Return the status and the revision of the action.

        Raises:
            ArticleUnknownError: there is no such article.
            RefusedError: the article's state does not allow the action.
            OutageError: the store is down; the same request again completes the action.
        """
        ...


class StorePicture(Protocol):
    """Stores a picture by its digest."""

    def __call__(self, data: bytes, *, site: Site) -> StoredPicture:
        """Return the stored picture; `is_new` is false if the same bytes were stored before.

        Raises:
            RefusedError: unsupported or broken picture, or over a limit.
        """
        ...


class StoreAsset(Protocol):
    """Stores a picture under the sender's own name."""

    def __call__(self, name: str, data: bytes | None, *, site: Site, feed: Feed) -> StoredAsset:
        """Return the asset; `data` is None for a file that is too large.

        Raises:
            OutageError: the store is down.
        """
        ...


@dataclass(frozen=True, slots=True)
class EndpointDeps:
    """The dependencies of the routes. All except `wait` and `events` may block, so they run in threads."""

    settings: IngestSettings
    sites: Mapping[str, Site]
    formats: Sequence[Format]
    find_token: Callable[[str], TokenRecord | None]
    admit: Admit
    accept: AcceptArticle
    dry_run: DryRunDocument
    submit: SubmitBytes
    submit_lines: SubmitLines
    act: ActOnArticle
    fronts: Fronts
    store_picture: StorePicture
    wait: Callable[[str, float], Awaitable[ReceiptState | None]]  # receipt, seconds
    receipt: Callable[[str], ReceiptState | None]
    article: Callable[[str, str], ArticleState | None]  # site, article
    why: Callable[[str, Site], Reasons]  # address, site
    rate_limits: RateLimits
    kept_answers: KeptAnswers
    events: EventStreams
    ready: Callable[[], list[str]]  # faults, for operators; empty if the endpoint is ready
    find_feed_secrets: Callable[[str, str], tuple[SecretStr, ...]]  # site, feed
    store_asset: StoreAsset
    find_asset: Callable[[str, str, str], Asset | None]  # name, site, feed
    hub_subscriptions: HubSubscriptions | None = None  # None: no WebSub hub may call
    delays: Callable[[], list[str]] = list  # causes of a delay of publication, for operators
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    max_batch_bytes: int = MAX_BATCH_BYTES
    body_timeout_seconds: float = BODY_TIMEOUT_SECONDS
    retry_after_seconds: int = RETRY_AFTER_SECONDS


class Threads:
    """Runs blocking calls in a limited number of threads."""

    def __init__(self, max_threads: int) -> None:
        self._limiter = anyio.CapacityLimiter(max_threads)

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `call` in a thread and return its result."""
        return await anyio.to_thread.run_sync(partial(call, *args, **kwargs), limiter=self._limiter)


def deps_of(request: Request) -> EndpointDeps:
    """Return the dependencies of the request's app."""
    deps: EndpointDeps = request.app.state.deps
    return deps


def threads_of(request: Request) -> Threads:
    """Return the threads of the request's app."""
    threads: Threads = request.app.state.threads
    return threads


def batch_threads_of(request: Request) -> Threads:
    """Return the app's separate threads for batches, so that imports do not block news."""
    threads: Threads = request.app.state.batch_threads
    return threads
