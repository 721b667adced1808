"""Builds the clients and adapters of ingest, for the endpoint and for the worker."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache, partial
from time import monotonic

from services.ingest.adapters.event_streams import SharedEventStreams
from services.ingest.adapters.kept_answers import RedisKeptAnswers
from services.ingest.adapters.pillow_pictures import clean_picture
from services.ingest.adapters.rate_limits import RedisRateLimits
from services.ingest.adapters.readers import FORMATS, read_document
from services.ingest.adapters.step_processes import StepProcesses, start_process
from services.ingest.adapters.waiting import ReceiptWaiter
from services.ingest.domain.accepted import Accepted, DocumentOutcome, Submitted
from services.ingest.domain.assets import Asset
from services.ingest.domain.dry_runs import DryRunOutcome
from services.ingest.domain.formats import Format
from services.ingest.domain.pictures import StoredPicture
from services.ingest.domain.reasons import Reasons
from services.ingest.domain.refusal import BacklogFullError
from services.ingest.domain.states import ArticleState, ReceiptState
from services.ingest.handler import (
    HANDLERS,
    Admission,
    Fronts,
    IngestDeps,
    StoredAsset,
    accept_document,
    act,
    find_article_state,
    find_asset,
    find_receipt_state,
    store_asset,
    store_picture,
    submit,
    submit_batch,
    with_assets,
)
from services.ingest.handler.deps import Admit, admit_all
from services.ingest.handler.dry_run import DryRunDeps, dry_run
from services.ingest.handler.sources import Sources
from services.ingest.handler.why import Inspection, explain
from services.ingest.ports import SubmissionMetadata
from services.ingest.settings import IngestSettings
from shared.index.dry_run import DryRunIndex
from shared.index.redis import RedisIndex
from shared.messaging.messages import Message
from shared.model.history import StoredRevisions
from shared.model.lane import Lane
from shared.model.revision import ActionKind
from shared.reconcile.status_events import StatusEvents
from shared.runtime.backlog.redis import RedisBacklog
from shared.runtime.celery_app import PresslineCelery, create_app
from shared.runtime.dead_letters import DeadLetters
from shared.runtime.deliveries.redis import RedisDeliveries
from shared.runtime.dry_run import DryRun, DryRunQuarantine, DryRunReceipts
from shared.runtime.errors import PresslineError
from shared.runtime.event_log.redis import RedisEventLog
from shared.runtime.feed_secrets import FeedSecrets
from shared.runtime.hub_subscriptions import HubSubscriptions
from shared.runtime.inbox import new_batch_id
from shared.runtime.quarantine.redis import RedisQuarantine
from shared.runtime.receipts.redis import RedisReceipts
from shared.runtime.redis_client import quick_redis_client, redis_client, redis_faults
from shared.runtime.step_run import StepRunner
from shared.runtime.tokens import Tokens
from shared.runtime.watchdog import QueueWatch
from shared.site.sites import Feed, Site, load_sites
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
    """Return the endpoint's Celery app, which only emits, with short time-outs."""
    return create_app("endpoint", settings())


@cache
def content() -> S3ObjectStorage:
    """Return the content bucket."""
    return S3ObjectStorage(settings(), settings().content_bucket)


@cache
def receipts() -> RedisReceipts:
    """Return the receipts in Redis."""
    return RedisReceipts(redis_client(settings()))


@cache
def sites() -> dict[str, Site]:
    """Return the sites."""
    return load_sites(settings().sites_folder, settings().base_url)


def formats() -> tuple[Format, ...]:
    """Return the supported formats."""
    return FORMATS


@cache
def tokens() -> Tokens:
    """Return the bearer tokens."""
    return Tokens(content())


@cache
def hub_subscriptions() -> HubSubscriptions:
    """Return the subscriptions at WebSub hubs."""
    return HubSubscriptions(content())


@cache
def rate_limits() -> RedisRateLimits:
    """Return the rates of the tokens."""
    return RedisRateLimits(quick_redis_client(settings()), monotonic)


@cache
def kept_answers() -> RedisKeptAnswers:
    """Return the answers to requests with an `Idempotency-Key`."""
    return RedisKeptAnswers(quick_redis_client(settings()))


@cache
def feed_secrets() -> FeedSecrets:
    """Return the secrets of signed requests."""
    return FeedSecrets(content())


@cache
def dead_letters() -> DeadLetters:
    """Return the store of ingest's dead letters."""
    return DeadLetters("ingest", content(), receipts(), RedisQuarantine(redis_client(settings())))


@cache
def worker_deps() -> IngestDeps:
    """Return the dependencies of the worker's handler."""
    return _deps(app())


def dry_run_deps(dry_run: DryRun, of_endpoint: IngestDeps | None = None) -> IngestDeps:
    """Return the worker's or the endpoint's dependencies with adapters that report each write, and make none."""
    real = of_endpoint or worker_deps()
    storage, dry_receipts = dry_run.content(real.content), DryRunReceipts(real.receipts, dry_run.report)
    revisions = StoredRevisions(storage)
    return replace(
        real,
        content=storage,
        revisions=revisions,
        receipts=dry_receipts,
        dead_letters=DeadLetters(
            "ingest", storage, dry_receipts, DryRunQuarantine(RedisQuarantine(redis_client(settings())), dry_run.report)
        ),
        emit=lambda messages: dry_run.report(f"would emit {len([*messages])} message(s)"),
        sources=Sources(storage, revisions, real.executor),
    )


def step_runner() -> StepRunner:
    """Return the runner of the worker's step, for `pressline run`."""
    return StepRunner(HANDLERS, lambda _: worker_deps(), lambda _, dry_run: dry_run_deps(dry_run), app, settings)


@cache
def endpoint_deps() -> IngestDeps:
    """Return the dependencies of the endpoint's handler."""
    backlog = RedisBacklog(redis_client(settings()))
    return _deps(emitter(), admit=Admission(backlog, settings().backlog_limit, monotonic))


def _deps(celery: PresslineCelery, admit: Admit = admit_all) -> IngestDeps:
    revisions = StoredRevisions(content())
    executor = ThreadPoolExecutor(settings().api_threads, thread_name_prefix="store")
    return IngestDeps(
        content=content(),
        revisions=revisions,
        read_document=with_assets(read_document, content()),
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
    """Return the current time (UTC)."""
    return datetime.now(UTC)


def admit_lane(lane: Lane) -> None:
    """Return if the lane accepts one more article; raise `BacklogFullError` otherwise."""
    endpoint_deps().admit(lane)


def accept_bytes(raw: bytes, metadata: SubmissionMetadata) -> Accepted | DocumentOutcome:
    """Accept the articles of a document."""
    return accept_document(raw, metadata, new_batch_id(now()), endpoint_deps())


def dry_run_bytes(raw: bytes, requests: Sequence[SubmissionMetadata]) -> list[DryRunOutcome]:
    """Return the outcomes that a post would have at each site; change nothing."""
    run, events = DryRun(lambda _: None), list[Message]()
    deps = DryRunDeps(
        ingest=replace(dry_run_deps(run, endpoint_deps()), emit=events.extend),
        index=DryRunIndex(redis_client(settings()), run.report),
        public={each.site.id: inspection(each.site.id).public for each in requests},
        objects=run.objects,
        render=page_renderer(),
        events=events,
    )
    return dry_run(raw, requests, deps)


@cache
def page_renderer() -> StepProcesses:
    """Return the renderer of dry runs, in processes of enrich and render."""
    return StepProcesses(start_process(os.environ))


def act_on_article(kind: ActionKind, *, site: Site, article: str, by: str, why: str, received_at: datetime) -> Accepted:
    """Kill, withdraw or restore an article."""
    return act(kind, site=site, article=article, by=by, why=why, received_at=received_at, deps=endpoint_deps())


def submit_bytes(raw: bytes, metadata: SubmissionMetadata) -> Submitted:
    """Store the bytes of an article, for the worker to read."""
    return submit(raw, metadata, new_batch_id(now()), endpoint_deps())


def submit_lines(raws: Sequence[bytes], metadata: SubmissionMetadata) -> Sequence[Submitted | BacklogFullError]:
    """Store lines of articles, for the worker to read."""
    return submit_batch(raws, metadata, new_batch_id(now()), endpoint_deps())


def fronts() -> Fronts:
    """Return the fronts and their pins."""
    return Fronts(content=content(), revisions=StoredRevisions(content()), index=RedisIndex(redis_client(settings())))


def store_uploaded_picture(data: bytes, *, site: Site) -> StoredPicture:
    """Store an uploaded picture."""
    return store_picture(data, site, endpoint_deps())


def store_uploaded_asset(name: str, data: bytes | None, *, site: Site, feed: Feed) -> StoredAsset:
    """Store a picture under the sender's own name."""
    return store_asset(name, data, site, feed, endpoint_deps())


def find_stored_asset(name: str, site: str, feed: str) -> Asset | None:
    """Return an asset of a feed, or None."""
    return find_asset(name, site, feed, content())


def receipt_state(receipt: str) -> ReceiptState | None:
    """Return the state of a submission."""
    return find_receipt_state(receipt, endpoint_deps())


def awaited_receipt_state(receipt: str) -> ReceiptState | None:
    """Return the state of a submission for a sender that waits."""
    return find_receipt_state(receipt, endpoint_deps(), is_awaited=True)


def article_state(site: str, article: str) -> ArticleState | None:
    """Return the state of an article."""
    return find_article_state(sites()[site], article, endpoint_deps())


def reasons(url: str, site: Site) -> Reasons:
    """Return the provenance of a page, and why it is stale."""
    return explain(url, site, inspection(site.id))


@cache
def inspection(site: str) -> Inspection:
    """Return the sources of an explanation of a site's page."""
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
    """Return the waiter for requests that wait for their page."""
    return ReceiptWaiter(settings().redis_url, find)


@cache
def event_streams() -> SharedEventStreams:
    """Return the streams of status events."""
    return SharedEventStreams(status_events, max_streams=settings().max_event_streams)


def status_events() -> StatusEvents:
    """Return a new reader of the status events."""
    event_log = RedisEventLog(redis_client(settings()))
    return StatusEvents(event_log, content(), StoredRevisions(content()), sites(), now)


def faults() -> list[str]:
    """Return the faults that keep the endpoint from accepting; Redis is none, since articles are in the bucket."""
    try:
        store_time = parsedate_to_datetime(content().date())
    except PresslineError as error:
        return [f"the object store does not answer: {error}"]
    difference = abs(now() - store_time) - timedelta(seconds=1)  # the header has whole seconds
    if difference > timedelta(seconds=_CLOCK_TOLERANCE_SECONDS):
        return [f"this machine's clock and the store's differ by {difference.total_seconds():.0f} s"]
    return queue_watch().faults()


def delays() -> list[str]:
    """Return the reasons why Redis accepts no events now; the sweep emits them later."""
    return redis_faults(settings())


@cache
def queue_watch() -> QueueWatch:
    """Return the watch that finds services that consume no messages."""
    redis = redis_client(settings())
    return QueueWatch(RedisBacklog(redis), RedisDeliveries(redis), monotonic, delays)
