"""The whole pipeline in one process: real handlers, a real Redis, buckets in memory, a clock that the test moves."""

from __future__ import annotations

import io
import json
import random
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import pytest
from PIL import Image
from redis import Redis

from infra.local.settings import PROJECT
from services.enrich.handler import EnrichDeps
from services.ingest.adapters.pillow_pictures import clean_picture
from services.ingest.adapters.readers import read_document
from services.ingest.domain.accepted import Accepted, Submitted
from services.ingest.handler import IngestDeps, accept, act, find_receipt_state, submit
from services.ingest.handler.sources import Sources
from services.ingest.ports import SubmissionMetadata
from services.publish.handler import PublishDeps
from services.publish.handler.live_records import LiveRecords
from services.publish.ports import ServedPage
from services.render.adapters.minijinja_theme import MinijinjaTheme
from services.render.adapters.zipped_theme import unzipped_theme
from services.render.handler import RenderDeps
from services.render.ports import Theme
from services.scheduler.handler import SchedulerDeps, emit_stale_pages, release_due, restore_index, sweep
from shared.index.redis import RedisIndex
from shared.messaging import handling
from shared.messaging.handling import Handlers, Result
from shared.messaging.messages import Batch, ListingsRendered, ListingsStale, Message, PagesRendered
from shared.messaging.page_bundle import ArticlePage, ListingPage, bundle_fields, read_bundle
from shared.messaging.pipeline import WORKERS, Step, steps_for
from shared.model.history import StoredRevisions
from shared.model.lane import Lane
from shared.model.live_record import LiveRecord, read_record
from shared.model.revision import ActionKind
from shared.runtime.backoff.redis import RedisBackoff
from shared.runtime.dead_letters import DeadLetters
from shared.runtime.errors import EdgeUnavailableError, RetryableError
from shared.runtime.event_log.redis import RedisEventLog
from shared.runtime.quarantine.redis import RedisQuarantine
from shared.runtime.rebuild_runs.redis import RedisRuns
from shared.runtime.receipts.redis import RedisReceipts
from shared.site import keys
from shared.site.sites import Site, load_sites
from shared.storage.memory import MemoryObjectStorage

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
THEMES = PROJECT / "services" / "render" / "themes"
HANDLERS: Handlers = {
    step: handler
    for service in WORKERS
    for step, handler in import_module(f"services.{service}.handler").HANDLERS.items()
}
"""The same tables from which the workers make their tasks."""
_MAX_DELIVERIES = 20_000  # until no message is queued


@dataclass
class FakeEdge:
    """Records purges and status checks."""

    public: MemoryObjectStorage
    purged: list[str] = field(default_factory=list)
    purged_hard: list[str] = field(default_factory=list)
    shows: int | None = None
    shows_at: dict[str, int] = field(default_factory=dict)  # by the path of an address
    is_down: bool = False  # to readers; purges succeed
    asked: list[str] = field(default_factory=list)
    stale_at: dict[str, bytes] = field(default_factory=dict)  # bytes that it still serves, by path
    read_back: list[str] = field(default_factory=list)  # paths of whole pages that were requested

    def purge(self, surrogate_keys: Iterable[str], *, soft: bool = False) -> None:
        """Remember the keys."""
        self.purged.extend(surrogate_keys)
        if not soft:
            self.purged_hard.extend(surrogate_keys)

    def find_status(self, url: str) -> int | None:
        """Return the object's status, as an edge without a cache would, or the status that the test set."""
        assert url.isascii(), f"no HTTP client takes {url}"
        self.asked.append(url)
        if self.is_down:
            raise EdgeUnavailableError(url)
        address = urlsplit(url).path
        if address in self.shows_at:
            return self.shows_at[address]
        path = unquote(address.removeprefix("/"))
        path = f"{path}{keys.INDEX_DOCUMENT}" if path.endswith("/") or not path else path
        head = self.public.find_head(path)
        return self.shows or (int(head.metadata["status"]) if head else 404)

    def find_page(self, url: str) -> ServedPage | None:
        """Return the object's bytes, or the bytes that the test set."""
        if self.is_down:
            raise EdgeUnavailableError(url)
        path = unquote(urlsplit(url).path.removeprefix("/"))
        path = f"{path}{keys.INDEX_DOCUMENT}" if path.endswith("/") or not path else path
        self.read_back.append(path)
        found = self.public.find(path)
        if found is None or path in self.stale_at:
            return ServedPage(200 if found else 404, self.stale_at.get(path, b""))
        return ServedPage(int(found.head.metadata["status"]), found.body)

    def close(self) -> None:
        """Do nothing."""


@dataclass
class NotedBacklog:
    """Queues whose length the test sets."""

    messages: int = 0

    def waiting(self, service: str) -> dict[Lane, int]:
        return dict.fromkeys(Lane, 0)

    def total(self) -> int:
        return self.messages

    def unfinished(self, lane: Lane) -> int:
        return self.messages


class AtOnce(Executor):
    """Runs a call when it is submitted: buckets in memory need no threads, and tests stay deterministic."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 -- the future carries it, as a pool's does
            future.set_exception(error)
        return future


class LastingBackoff(RedisBackoff):
    """Waits that last until the test ends them (`Pipeline.end_waits`)."""

    def begin(self, site: str, waits: Mapping[str, timedelta]) -> set[str]:
        return super().begin(site, dict.fromkeys(waits, timedelta(hours=1)))


class Pipeline:
    """All handlers, and the messages that are queued between them."""

    def __init__(self, redis: Redis, *, listing_interval_seconds: float = 0.002) -> None:
        self.redis = redis
        self.now = NOON
        self.queue: list[Message] = []
        self.content, self.public = MemoryObjectStorage(), MemoryObjectStorage()
        self.edge = FakeEdge(self.public)
        sites = {
            name: site.model_copy(update={"listing_interval_seconds": listing_interval_seconds})
            for name, site in load_sites(PROJECT / "infra" / "sites", "http://edge.test").items()
        }
        self.site: Site = sites["epn"]
        receipts, index = RedisReceipts(redis), RedisIndex(redis)
        quarantine = RedisQuarantine(redis)
        revisions, clock = StoredRevisions(self.content), lambda: self.now
        self.index = index
        executor = AtOnce()
        self.ingest_deps = IngestDeps(
            content=self.content,
            revisions=revisions,
            read_document=read_document,
            clean_picture=clean_picture,
            receipts=receipts,
            dead_letters=DeadLetters("ingest", self.content, receipts, quarantine),
            emit=self.take,
            sites=sites,
            clock=clock,
            executor=executor,
            sources=Sources(self.content, revisions, executor),
        )
        self.enrich_deps = EnrichDeps(
            content=self.content,
            revisions=revisions,
            receipts=receipts,
            runs=RedisRuns(redis),
            executor=executor,
            clock=clock,
        )
        self.theme: Theme = MinijinjaTheme(THEMES / "epn")
        self.render_deps = RenderDeps(
            content=self.content,
            public=self.public,
            revisions=revisions,
            index=index,
            receipts=receipts,
            runs=RedisRuns(redis),
            sites=sites,
            theme_of=lambda _: self.theme,
            preview_theme=self._preview_theme,
            clock=clock,
            name="render/1",
            readers=executor,
            stored_assets={},
        )
        self.publish_deps = PublishDeps(
            content=self.content,
            public=self.public,
            records=LiveRecords(self.content),
            revisions=revisions,
            index=index,
            quarantine=quarantine,
            receipts=receipts,
            event_log=RedisEventLog(redis),
            runs=RedisRuns(redis),
            edge=self.edge,
            sites=sites,
            clock=clock,
            known_assets=set(),
            writers=executor,
            reads_back=True,
        )
        self.backlog = NotedBacklog()
        self.scheduler_deps = SchedulerDeps(
            content=self.content,
            revisions=revisions,
            index=index,
            quarantine=quarantine,
            backoff=LastingBackoff(redis),
            backlog=self.backlog,
            sites=sites,
            clock=clock,
            first_wait=timedelta(0),
        )
        self.deps: dict[str, object] = {
            "ingest": self.ingest_deps,
            "enrich": self.enrich_deps,
            "render": self.render_deps,
            "publish": self.publish_deps,
        }
        restore_index(self.site, self.scheduler_deps)

    def _preview_theme(self, key: str) -> Theme:
        return unzipped_theme(self.content.get(key).body)

    def take(self, messages: Iterable[Message]) -> None:
        """Queue messages."""
        self.queue.extend(messages)

    def post(self, *, may_take_down: bool = True, **article: Any) -> Accepted:
        """Post an article in Pressline's own format, with default fields; the clock moves on by 1 ms."""
        self.now += timedelta(milliseconds=1)
        raw = json.dumps(an_article(**article)).encode()
        return accept(
            raw,
            SubmissionMetadata(
                content_type="application/json",
                site=self.site,
                feed=self.site.feeds[0],
                received_at=self.now,
                may_take_down=may_take_down,
            ),
            self.ingest_deps,
        )

    def submit(self, raw: bytes, *, lane: Lane = Lane.LIVE, may_take_down: bool = False) -> Submitted:
        """Submit bytes that ingest reads later."""
        return submit(
            raw,
            SubmissionMetadata(
                content_type="application/json",
                site=self.site,
                feed=self.site.feeds[0],
                received_at=self.now,
                may_take_down=may_take_down,
                lane=lane,
            ),
            uuid4(),
            self.ingest_deps,
        )

    def act(self, kind: ActionKind, article: str, *, by: str = "lawyer", why: str = "") -> Accepted:
        """Kill, withdraw or restore an article; the clock moves on by 1 ms."""
        self.now += timedelta(milliseconds=1)
        return act(kind, site=self.site, article=article, by=by, why=why, received_at=self.now, deps=self.ingest_deps)

    def deliver(self, message: Message) -> tuple[Message, ...]:
        """Handle one message in every step that consumes it; return the follow-ups.

        Unprocessed items of a batch follow too, and failed items with a retryable error. The error of a single item is
        raised.
        """
        self.now += timedelta(microseconds=10)
        return tuple(each for step in steps_for(type(message)) for each in self._deliver_to(step, message))

    def handle(self, message: Message) -> Result:
        """Handle one message in the one step that consumes it; return the handler's result."""
        (step,) = steps_for(type(message))
        return HANDLERS[step](message, self.deps[step.service])

    def _deliver_to(self, step: Step, message: Message) -> tuple[Message, ...]:
        result = HANDLERS[step](message, self.deps[step.service])
        for error in result.failed.values():
            if not isinstance(message, Batch) or len(message.items) == 1 or not isinstance(error, RetryableError):
                raise error
        again = [message.only(items) for items in (result.rest, result.failed) if items and isinstance(message, Batch)]
        return (*result.emits, *again)

    def run(self, *, disorder: random.Random | None = None) -> None:
        """Deliver until the queue is empty; with `disorder`, in any order, and some messages twice."""
        delivered = 0
        while self.queue:
            delivered += 1
            assert delivered < _MAX_DELIVERIES, f"the queue does not become empty: {self.queue[:3]}"
            position = disorder.randrange(len(self.queue)) if disorder else 0
            message = self.queue[position]
            is_repeated = disorder is not None and disorder.random() < 0.25
            if not is_repeated:
                del self.queue[position]
            try:
                self.queue.extend(self.deliver(message))
            except RetryableError:
                self.now += timedelta(milliseconds=200)
                self.queue.append(message)

    def tick(self, *, until_quiet: bool = True) -> None:
        """Run the scheduler's jobs and all workers until no page is stale."""
        for _ in range(200):
            self.queue.extend(release_due(self.site, self.scheduler_deps))
            restore_index(self.site, self.scheduler_deps)
            self.queue.extend(emit_stale_pages(self.site, self.scheduler_deps))
            if not self.queue and (not until_quiet or not self.index.stale_versions(self.site)):
                return
            self.run()
        raise AssertionError(self.index.stale_versions(self.site))

    def sweep(self) -> None:
        """Run the sweep: it re-emits lost events."""
        self.queue.extend(sweep(self.site, self.scheduler_deps))

    def end_waits(self) -> None:
        """End all backoffs, so that the scheduler may re-emit its messages."""
        for key in self.redis.scan_iter("backoff:*"):
            self.redis.delete(key)

    def let_events_travel(self) -> None:
        """Let the scheduler wait a minute before it re-emits an event, as it does in production."""
        self.scheduler_deps = replace(self.scheduler_deps, first_wait=timedelta(minutes=1))

    def record(self, article: str) -> LiveRecord:
        """Return an article's record."""
        record, _ = read_record(self.content, "epn", article)
        return record

    def page(self, path: str) -> str:
        """Return the body of an object of the public bucket."""
        return self.public.get(path).body.decode()

    def page_of(self, article: str) -> str:
        """Return the body of an article's page."""
        path = self.record(article).path
        assert path is not None, "the article is not live"
        return self.page(path)

    def status_at(self, path: str) -> str:
        """Return the HTTP status that readers get at a path."""
        return self.public.get(path).head.metadata["status"]

    def receipt_status(self, receipt: str) -> str:
        """Return the status in a receipt, as its sender reads it."""
        state = find_receipt_state(receipt, self.ingest_deps)
        assert state is not None
        return state.status

    def site_bytes(self) -> dict[str, tuple[bytes, str]]:
        """Return the public bucket: bytes and status by path."""
        paths = self.public.list_keys("")
        return {path: (self.public.get(path).body, self.status_at(path)) for path in paths}


def pages_in(message: Message) -> list[ArticlePage | ListingPage]:
    """Return the descriptions of the pages that a message carries."""
    if isinstance(message, PagesRendered):
        found = read_bundle(message, ArticlePage, MemoryObjectStorage())
        return [page for page, _ in found if page.article in message.items]
    if isinstance(message, ListingsRendered):
        listings = read_bundle(message, ListingPage, MemoryObjectStorage())
        return [page for page, _ in listings if page.listing in message.items]
    return []


def page_in(message: Message) -> ArticlePage | ListingPage:
    """Return the description of the one page that a message carries."""
    (page,) = pages_in(message)
    return page


def with_page(message: PagesRendered, **update: object) -> PagesRendered:
    """Return a message with changed fields of its one page."""
    ((page, body),) = read_bundle(message, ArticlePage, MemoryObjectStorage())
    return message.model_copy(
        update=dict(bundle_fields([(page.model_copy(update=update), body)], MemoryObjectStorage(), NOON))
    )


def next_page_of_article(pipeline: Pipeline) -> PagesRendered:
    """Deliver until the next message is `PagesRendered`; remove it from the queue and return it."""
    while True:
        message = pipeline.queue.pop(0)
        if isinstance(message, PagesRendered):
            return message
        pipeline.queue.extend(pipeline.deliver(message))


def stale_listings(pipeline: Pipeline) -> list[ListingsStale]:
    """Return the messages about listings that the scheduler emits in one round."""
    return [
        each for each in emit_stale_pages(pipeline.site, pipeline.scheduler_deps) if isinstance(each, ListingsStale)
    ]


def an_article(**fields: Any) -> dict[str, Any]:
    """Return an article in Pressline's own format; None omits a field."""
    article: dict[str, Any] = {
        "source": "desk",
        "source_id": "story-1",
        "version_created": "2026-11-01T10:00:00Z",
        "headline": "Ferry returns to Port Almina",
        "standfirst": "The first crossing in nine years left at dawn.",
        "section": "world",
        "language": "en",
        "body": "<p>The ferry left at dawn with forty people on board.</p><h2>Why now</h2><p>The pier is repaired.</p>",
    }
    return {name: value for name, value in (article | fields).items() if value is not None}


@pytest.fixture(autouse=True)
def no_batch_ends_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a batch end when it is done, however slow the machine: its seconds do not pass."""
    monkeypatch.setattr(handling, "monotonic", lambda: 0.0)


@pytest.fixture
def pipeline(redis: Redis) -> Iterator[Pipeline]:
    built = Pipeline(redis)
    yield built
    built.ingest_deps.executor.shutdown()


@pytest.fixture
def new_pipeline(redis: Redis) -> partial[Pipeline]:
    """Make one pipeline after another, each on an empty Redis."""

    def make() -> Pipeline:
        redis.flushall()
        return Pipeline(redis)

    return partial(make)


def a_png(color: tuple[int, int, int]) -> bytes:
    """Return a real PNG of one colour, 8 pixels wide and 6 high."""
    out = io.BytesIO()
    Image.new("RGB", (8, 6), color).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def a_picture() -> bytes:
    """A real PNG."""
    return a_png((20, 60, 120))


ARTICLES = 7
"""The number of articles of `site`."""


@pytest.fixture
def other_theme(tmp_path: Path) -> Theme:
    """The same theme with an additional word at the foot of every page."""
    return a_theme(tmp_path, "Made anew")


def a_theme(folder: Path, word: str) -> MinijinjaTheme:
    shutil.copytree(THEMES / "epn", folder / "epn")
    for template in (folder / "epn").rglob("*.html"):
        text = template.read_text(encoding="utf-8")
        template.write_text(text.replace("</body>", f"<p>{word}</p></body>"), encoding="utf-8")
    return MinijinjaTheme(folder / "epn")


@pytest.fixture
def site(pipeline: Pipeline) -> list[str]:
    """Publish seven articles in two sections; return their ids."""
    articles = [
        pipeline.post(
            source_id=f"story-{number}", headline=f"Story {number}", section=("world", "sport")[number % 2]
        ).article
        for number in range(ARTICLES)
    ]
    pipeline.run()
    pipeline.tick()
    pipeline.public.puts.clear()
    pipeline.edge.purged.clear()
    return articles
