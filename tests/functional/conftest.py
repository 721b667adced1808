"""The whole line in one process: real handlers, a real Redis, buckets in memory, a clock that the test moves."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import pytest
from PIL import Image
from redis import Redis

from infra.local.settings import PROJECT
from services.enrich.handler import Enrichment
from services.enrich.handler import handle as enrich
from services.ingest.adapters.pillow_pictures import clean_picture
from services.ingest.adapters.readers import read_article
from services.ingest.domain.accepted import Accepted, Submitted
from services.ingest.handler import Intake, accept, act, find_receipt_state, submit
from services.ingest.handler import handle as read_submission
from services.ingest.handler.sources import Sources
from services.publish.handler import (
    Publisher,
    clear_away,
    enter_listings,
    keep_records,
    mend_path,
    publish_listings,
    publish_page,
    publish_pages,
    remove_article,
)
from services.publish.handler.live_records import LiveRecords
from services.render.adapters.minijinja_theme import MinijinjaTheme
from services.render.adapters.zipped_theme import unzipped_theme
from services.render.handler import (
    Renderer,
    keep_texts,
    render_article,
    render_listing,
    render_listings,
    render_pages,
)
from services.render.ports import Theme
from services.scheduler.handler import Clockwork, release_due, restore_index, say_stale_pages, sweep
from shared import keys
from shared.dead_letters import DeadLetters
from shared.errors import EdgeUnavailableError, RetryableError
from shared.history import StoredRevisions
from shared.index.redis import RedisIndex
from shared.live import LiveRecord, read_record
from shared.marks.redis import RedisMarks
from shared.messages import (
    ArticleAccepted,
    ArticleEnriched,
    ArticlePublished,
    ArticleRemoved,
    KeepRecords,
    KeepTexts,
    Lane,
    ListingsRendered,
    ListingsStale,
    ListingStale,
    MendPath,
    Message,
    PageRendered,
    PagesRendered,
    RebuildPages,
    SubmitArticle,
)
from shared.rebuilds.redis import RedisRebuilds
from shared.receipts.redis import RedisReceipts
from shared.revision import ActionKind
from shared.sites import Site, load_sites
from shared.storage.memory import MemoryObjectStorage

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
THEMES = PROJECT / "services" / "render" / "themes"
_MOST_DELIVERIES = 20_000  # until a line is quiet


@dataclass
class FakeEdge:
    """Remembers what it was told to forget."""

    public: MemoryObjectStorage
    purged: list[str] = field(default_factory=list)
    purged_hard: list[str] = field(default_factory=list)
    shows: int | None = None
    shows_at: dict[str, int] = field(default_factory=dict)  # by the path of an address
    is_down: bool = False  # to readers; purges succeed
    asked: list[str] = field(default_factory=list)

    def purge(self, surrogate_keys: Iterable[str], *, soft: bool = False) -> None:
        """Remember the keys."""
        self.purged.extend(surrogate_keys)
        if not soft:
            self.purged_hard.extend(surrogate_keys)

    def find_status(self, url: str) -> int | None:
        """Return what the object says of itself, as an edge without a cache would; or what the test has it show."""
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

    def close(self) -> None:
        """Do nothing."""


@dataclass
class NotedBacklog:
    """Queues of which the test says since when something waits in them."""

    since: datetime | None = None
    messages: int = 0

    def waiting(self, service: str) -> dict[Lane, int]:
        return dict.fromkeys(Lane, 0)

    def total(self) -> int:
        return self.messages

    def next_up(self, service: str, lane: Lane) -> None:
        return None

    def waits_since(self, lane: Lane) -> datetime | None:
        return self.since


class Line:
    """All handlers, and the messages that are on their way between them."""

    def __init__(
        self, redis: Redis, *, listing_interval_seconds: float = 0.002, first_wait_seconds: float = 0.005
    ) -> None:
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
        marks = RedisMarks(redis, first_wait_seconds=first_wait_seconds)
        revisions, clock = StoredRevisions(self.content), lambda: self.now
        self.index = index
        executor = ThreadPoolExecutor(2)
        self.intake = Intake(
            content=self.content,
            revisions=revisions,
            read_article=read_article,
            clean_picture=clean_picture,
            receipts=receipts,
            marks=marks,
            letters=DeadLetters("ingest", self.content, receipts, marks),
            emit=self.take,
            sites=sites,
            clock=clock,
            executor=executor,
            sources=Sources(self.content, revisions, executor),
        )
        self.enrichment = Enrichment(content=self.content, revisions=revisions, receipts=receipts, clock=clock)
        self.theme: Theme = MinijinjaTheme(THEMES / "epn")
        self.renderer = Renderer(
            content=self.content,
            public=self.public,
            revisions=revisions,
            index=index,
            receipts=receipts,
            rebuilds=RedisRebuilds(redis),
            sites=sites,
            theme_of=lambda _: self.theme,
            trial_theme=self._trial_theme,
            clock=clock,
            name="render/1",
            readers=ThreadPoolExecutor(4),
            kept_assets={},
        )
        self.publisher = Publisher(
            content=self.content,
            public=self.public,
            records=LiveRecords(self.content),
            revisions=revisions,
            index=index,
            marks=marks,
            receipts=receipts,
            rebuilds=RedisRebuilds(redis),
            edge=self.edge,
            sites=sites,
            clock=clock,
            known_assets=set(),
            writers=ThreadPoolExecutor(4),
        )
        self.backlog = NotedBacklog()
        self.clockwork = Clockwork(
            content=self.content,
            revisions=revisions,
            index=index,
            marks=marks,
            backlog=self.backlog,
            sites=sites,
            clock=clock,
            sweep_minutes=15,
        )
        restore_index(self.site, self.clockwork)

    def _trial_theme(self, key: str) -> Theme:
        return unzipped_theme(self.content.get(key).body)

    def take(self, messages: Iterable[Message]) -> None:
        """Put messages on their way."""
        self.queue.extend(messages)

    def post(self, *, may_take_down: bool = True, **article: Any) -> Accepted:
        """Post an article in our own form, some of its fields filled in; a moment passes."""
        self.now += timedelta(milliseconds=1)
        raw = json.dumps(an_article(**article)).encode()
        return accept(
            raw,
            content_type="application/json",
            site=self.site,
            feed=self.site.feeds[0],
            received_at=self.now,
            may_take_down=may_take_down,
            intake=self.intake,
        )

    def submit(self, raw: bytes, *, lane: Lane = Lane.LIVE, may_take_down: bool = False) -> Submitted:
        """Post bytes that are to be read later."""
        return submit(
            raw,
            content_type="application/json",
            site=self.site,
            feed=self.site.feeds[0],
            received_at=self.now,
            may_take_down=may_take_down,
            receipt=uuid4(),
            intake=self.intake,
            lane=lane,
        )

    def act(self, kind: ActionKind, article: str, *, by: str = "lawyer", why: str = "") -> Accepted:
        """Kill, withdraw or restore an article; a moment passes."""
        self.now += timedelta(milliseconds=1)
        return act(kind, site=self.site, article=article, by=by, why=why, received_at=self.now, intake=self.intake)

    def deliver(self, message: Message) -> tuple[Message, ...]:  # noqa: C901, PLR0912 -- a table of handlers is a table
        """Have one message handled by the service that consumes it; return what follows."""
        self.now += timedelta(microseconds=10)
        match message:
            case SubmitArticle():
                read_submission(message, self.intake)
                return ()
            case ArticleAccepted():
                return enrich(message, self.enrichment)
            case ArticleEnriched():
                return render_article(message, self.renderer)
            case ListingStale():
                return render_listing(message, self.renderer)
            case ListingsStale():
                return render_listings(message, self.renderer)
            case ListingsRendered():
                return publish_listings(message, self.publisher)
            case PageRendered():
                return publish_page(message, self.publisher)
            case ArticlePublished():
                return enter_listings(message, self.publisher)
            case ArticleRemoved():
                return remove_article(message, self.publisher)
            case MendPath():
                return mend_path(message, self.publisher)
            case RebuildPages():
                return render_pages(message, self.renderer)
            case KeepTexts():
                return keep_texts(message, self.renderer)
            case KeepRecords():
                keep_records(message, self.publisher)
                return ()
            case PagesRendered():
                follows = publish_pages(message, self.publisher)
                clear_away(message, self.publisher)
                return follows
            case _:
                raise AssertionError(message)

    def run(self, *, disorder: random.Random | None = None) -> None:
        """Deliver until nothing is on its way; with `disorder`, in any order, and some of them twice."""
        delivered = 0
        while self.queue:
            delivered += 1
            assert delivered < _MOST_DELIVERIES, f"it comes to no end: {self.queue}"
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
        """Let the scheduler do its rounds, and the workers theirs, until no listing is behind."""
        for _ in range(200):
            self.queue.extend(release_due(self.site, self.clockwork))
            restore_index(self.site, self.clockwork)
            self.queue.extend(say_stale_pages(self.site, self.clockwork))
            if not self.queue and (not until_quiet or not self.index.behind(self.site)):
                return
            self.run()
        raise AssertionError(self.index.behind(self.site))

    def sweep(self) -> None:
        """Let the scheduler look for what was lost."""
        self.queue.extend(sweep(self.site, self.clockwork))

    def record(self, article: str) -> LiveRecord:
        """Return what is recorded of an article's public state."""
        record, _ = read_record(self.content, "epn", article)
        return record

    def page(self, path: str) -> str:
        """Return what readers find at a path of the public bucket."""
        return self.public.get(path).body.decode()

    def page_of(self, article: str) -> str:
        """Return an article's page as readers find it."""
        path = self.record(article).path
        assert path is not None, "the article is not live"
        return self.page(path)

    def status_at(self, path: str) -> str:
        """Return the HTTP status that readers get at a path."""
        return self.public.get(path).head.metadata["status"]

    def receipt_status(self, receipt: str) -> str:
        """Return what a sender is told of a submission."""
        state = find_receipt_state(receipt, self.intake)
        assert state is not None
        return state.status

    def site_bytes(self) -> dict[str, tuple[bytes, str]]:
        """Return the public bucket: bytes and status by path."""
        paths = self.public.list_keys("")
        return {path: (self.public.get(path).body, self.status_at(path)) for path in paths}


def said_listings(line: Line) -> list[ListingStale]:
    """Return what the scheduler says of listings in one round."""
    said = say_stale_pages(line.site, line.clockwork)
    return [each for each in said if isinstance(each, ListingStale)]


def an_article(**fields: Any) -> dict[str, Any]:
    """Return an article in our own form; None leaves a field out."""
    article: dict[str, Any] = {
        "source": "desk",
        "source_id": "story-1",
        "version_created": "2026-11-01T10:00:00Z",
        "headline": "Ferry returns to Port Almina",
        "standfirst": "The first crossing in nine years left at dawn.",
        "section": "world",
        "language": "en",
        "body": "<p>The ferry left at dawn with forty people on board.</p><h2>Why now</h2><p>The pier was mended.</p>",
    }
    return {name: value for name, value in (article | fields).items() if value is not None}


@pytest.fixture
def line(redis: Redis) -> Iterator[Line]:
    built = Line(redis)
    yield built
    built.intake.executor.shutdown()


@pytest.fixture
def new_line(redis: Redis) -> partial[Line]:
    """Make one line after another, each on an empty Redis."""

    def make() -> Line:
        redis.flushall()
        return Line(redis)

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
