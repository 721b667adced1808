"""The only place of ingest that builds clients and picks adapters: for the endpoint and for the worker."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache, partial
from time import monotonic

from services.ingest.adapters.pillow_pictures import clean_picture
from services.ingest.adapters.readers import read_article
from services.ingest.adapters.waiting import ReceiptWaiter
from services.ingest.domain.accepted import Accepted, Submitted
from services.ingest.domain.pictures import StoredPicture
from services.ingest.domain.reasons import Reasons
from services.ingest.domain.refusal import BacklogFullError
from services.ingest.domain.states import ArticleState, ReceiptState
from services.ingest.handler import (
    HANDLERS,
    Admission,
    Fronts,
    IngestDeps,
    accept,
    act,
    find_article_state,
    find_receipt_state,
    store_picture,
    submit,
    submit_batch,
)
from services.ingest.handler.deps import Admit, admit_all
from services.ingest.handler.sources import Sources
from services.ingest.handler.why import Inspection, explain
from services.ingest.ports import SubmissionMetadata
from services.ingest.settings import IngestSettings
from shared.index.redis import RedisIndex
from shared.model.history import StoredRevisions
from shared.model.lane import Lane
from shared.model.revision import ActionKind
from shared.runtime.backlog.redis import RedisBacklog
from shared.runtime.celery_app import PresslineCelery, create_app
from shared.runtime.dead_letters import DeadLetters
from shared.runtime.deliveries.redis import RedisDeliveries
from shared.runtime.dry_run import DryRunMarks, DryRunReceipts, DryRunStorage, Report
from shared.runtime.errors import PresslineError
from shared.runtime.inbox import new_batch_id
from shared.runtime.quarantine.redis import RedisQuarantine
from shared.runtime.receipts.redis import RedisReceipts
from shared.runtime.redis_client import redis_client, redis_faults
from shared.runtime.step_run import StepRunner
from shared.runtime.tokens import Tokens
from shared.runtime.watchdog import QueueWatch
from shared.site.sites import Site, load_sites
from shared.storage.s3 import S3ObjectStorage, public_storage

_CLOCK_TOLERANCE_SECONDS = 5.0  # between this clock and the store's


@cache
def settings() -> IngestSettings:
    """Return the settings, read once."""
    return IngestSettings()


@cache
def app() -> PresslineCelery:
    """Return the worker's Celery app."""
    return create_app("ingest", settings(), dead_letters)


@cache
def emitter() -> PresslineCelery:
    """Return the endpoint's Celery app: it only emits, and does not wait long for a broker that is away."""
    return create_app("endpoint", settings())


@cache
def content() -> S3ObjectStorage:
    """Return the content bucket."""
    return S3ObjectStorage(settings(), settings().content_bucket)


@cache
def receipts() -> RedisReceipts:
    """Return where receipts are kept."""
    return RedisReceipts(redis_client(settings()))


@cache
def sites() -> dict[str, Site]:
    """Return the sites."""
    return load_sites(settings().sites_folder, settings().base_url)


@cache
def tokens() -> Tokens:
    """Return the bearer tokens."""
    return Tokens(content())


@cache
def dead_letters() -> DeadLetters:
    """Return where ingest's dead letters go."""
    return DeadLetters("ingest", content(), receipts(), RedisQuarantine(redis_client(settings())))


@cache
def worker_deps() -> IngestDeps:
    """Return what the worker's handler needs."""
    return _deps(app())


def dry_run_deps(report: Report) -> IngestDeps:
    """Return the same with adapters that report each write instead of making it."""
    real = worker_deps()
    storage, own = DryRunStorage(real.content, "content", report), DryRunReceipts(real.receipts, report)
    stored = StoredRevisions(storage)
    return replace(
        real,
        content=storage,
        revisions=stored,
        receipts=own,
        dead_letters=DeadLetters(
            "ingest", storage, own, DryRunMarks(RedisQuarantine(redis_client(settings())), report)
        ),
        emit=lambda messages: report(f"would emit {len([*messages])} message(s)"),
        sources=Sources(storage, stored, real.executor),
    )


def step_runner() -> StepRunner:
    """Return what runs the worker's step by hand."""
    return StepRunner(HANDLERS, lambda _: worker_deps(), lambda _, report: dry_run_deps(report), app, settings)


@cache
def endpoint_deps() -> IngestDeps:
    """Return what the endpoint's handler needs."""
    backlog = RedisBacklog(redis_client(settings()))
    return _deps(emitter(), admit=Admission(backlog, settings().backlog_limit, monotonic))


def _deps(celery: PresslineCelery, admit: Admit = admit_all) -> IngestDeps:
    revisions = StoredRevisions(content())
    executor = ThreadPoolExecutor(settings().api_threads, thread_name_prefix="store")
    return IngestDeps(
        content=content(),
        revisions=revisions,
        read_article=read_article,
        clean_picture=partial(clean_picture, max_bytes=settings().max_picture_bytes),
        receipts=receipts(),
        dead_letters=dead_letters(),
        emit=celery.emit,
        sites=sites(),
        clock=now,
        executor=executor,
        sources=Sources(content(), revisions, executor),
        admit=admit,
    )


def now() -> datetime:
    """Return this moment (UTC)."""
    return datetime.now(UTC)


def admit_lane(lane: Lane) -> None:
    """Return where the lane has room for one more."""
    endpoint_deps().admit(lane)


def accept_article(raw: bytes, metadata: SubmissionMetadata) -> Accepted:
    """Accept what was posted."""
    return accept(raw, metadata, endpoint_deps())


def act_on_article(kind: ActionKind, *, site: Site, article: str, by: str, why: str, received_at: datetime) -> Accepted:
    """Kill, withdraw or restore an article."""
    return act(kind, site=site, article=article, by=by, why=why, received_at=received_at, deps=endpoint_deps())


def submit_bytes(raw: bytes, metadata: SubmissionMetadata) -> Submitted:
    """Store what was posted, for the worker to read."""
    return submit(raw, metadata, new_batch_id(now()), endpoint_deps())


def submit_lines(raws: Sequence[bytes], metadata: SubmissionMetadata) -> Sequence[Submitted | BacklogFullError]:
    """Store what was posted as lines, for the worker to read."""
    return submit_batch(raws, metadata, new_batch_id(now()), endpoint_deps())


def fronts() -> Fronts:
    """Return what pins articles to fronts."""
    return Fronts(content=content(), revisions=StoredRevisions(content()), index=RedisIndex(redis_client(settings())))


def store_uploaded_picture(data: bytes, *, site: Site) -> StoredPicture:
    """Keep an uploaded picture."""
    return store_picture(data, site, endpoint_deps())


def receipt_state(receipt: str) -> ReceiptState | None:
    """Return the state of a submission."""
    return find_receipt_state(receipt, endpoint_deps())


def awaited_receipt_state(receipt: str) -> ReceiptState | None:
    """Return the state of a submission whose sender waits for it."""
    return find_receipt_state(receipt, endpoint_deps(), is_awaited=True)


def article_state(site: str, article: str) -> ArticleState | None:
    """Return how an article stands."""
    return find_article_state(sites()[site], article, endpoint_deps())


def reasons(url: str, site: Site) -> Reasons:
    """Return why a page is as it is."""
    return explain(url, site, inspection(site.id))


@cache
def inspection(site: str) -> Inspection:
    """Return what explaining a page of a site looks at."""
    redis = redis_client(settings())
    return Inspection(
        content=content(),
        public=public_storage(settings(), sites()[site]),
        revisions=StoredRevisions(content()),
        index=RedisIndex(redis),
        quarantine=RedisQuarantine(redis),
        backlog=RedisBacklog(redis),
        sites=sites(),
        clock=now,
    )


def waiter(find: Callable[[str], Awaitable[ReceiptState | None]]) -> ReceiptWaiter:
    """Return what lets a request wait for its page."""
    return ReceiptWaiter(settings().redis_url, find)


def faults() -> list[str]:
    """Return what keeps the endpoint from accepting. Redis does not: what is accepted lies in the bucket."""
    try:
        store_time = parsedate_to_datetime(content().date())
    except PresslineError as error:
        return [f"the object store does not answer: {error}"]
    apart = abs(now() - store_time) - timedelta(seconds=1)  # the header counts whole seconds
    if apart > timedelta(seconds=_CLOCK_TOLERANCE_SECONDS):
        return [f"this machine's clock and the store's are {apart.total_seconds():.0f} s apart"]
    return queue_watch().faults()


def delays() -> list[str]:
    """Return why Redis takes no events now: the sweep publishes later what is accepted meanwhile."""
    return redis_faults(settings())


@cache
def queue_watch() -> QueueWatch:
    """Return what sees that a service takes nothing."""
    redis = redis_client(settings())
    return QueueWatch(RedisBacklog(redis), RedisDeliveries(redis), monotonic, delays)
