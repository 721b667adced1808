"""Sites with synthetic archives: the index and the buckets are filled as publication would fill them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import cast

from redis import Redis
from redis.client import Pipeline
from rich.console import Console
from rich.progress import track

from infra.local.settings import PROJECT
from shared.index import scripts
from shared.index.redis import RedisIndex
from shared.model.live_record import LiveRecord
from shared.runtime.redis_client import redis_client
from shared.runtime.settings import ServiceSettings
from shared.site.listings import ListingKind, find_listing
from shared.site.sites import Site
from shared.storage.s3 import S3ObjectStorage, public_storage
from tests.bench.archive import Story, put_record, put_story, record_of, stories

ARTICLES_PER_DAY = 100
COMPLETE_ARTICLES = 500
"""The newest articles have all their objects; of older articles the operations read only the index."""

_WRITER_THREADS = 32
_BATCH_SIZE = 100
_MAX_PENDING_PUTS = 1000  # articles in the index without their objects
_BY_DATE = frozenset({ListingKind.DAY, ListingKind.MONTH, ListingKind.RAIL_DAY, ListingKind.SITEMAP})


@dataclass(frozen=True, slots=True)
class Filled:
    """The result of filling a site: articles, time, and memory in Redis."""

    articles: int
    seconds: float
    redis_bytes: int


def write_sites(folder: Path, names: list[str]) -> None:
    """Write sites that differ only in name; their listings may be published every 0.2 s."""
    folder.mkdir()
    epn = (PROJECT / "infra" / "sites" / "epn.toml").read_text("utf-8")
    epn = epn.replace("listing_interval_seconds = 1.0", "listing_interval_seconds = 0.2")
    for name in names:
        (folder / f"{name}.toml").write_text(epn.replace('id = "epn"', f'id = "{name}"\nprefix = "{name}/"'), "utf-8")


class Filler:
    """Fills the index and the buckets with the functions of the services."""

    def __init__(self, settings: ServiceSettings, console: Console) -> None:
        self._settings, self._console = settings, console
        self._content = S3ObjectStorage(settings, settings.content_bucket)
        self._redis = redis_client(settings)
        self._index = RedisIndex(self._redis)

    def fill(self, site: Site, number: int) -> Filled:
        """Fill a site as if its articles had gone live one after the other, and mark the index complete."""
        now, started, before = datetime.now(UTC), perf_counter(), used_bytes(self._redis)
        restore = self._index.begin_restore(site, now)
        if restore is None:
            raise RuntimeError(f"another process restores the index of {site.id}")
        self._make(site, number, now)
        self._count_as_published(site, now)
        self._index.mark_complete(site, restore.minute, restore.token)
        return Filled(number, perf_counter() - started, used_bytes(self._redis) - before)

    def _make(self, site: Site, number: int, newest: datetime) -> None:
        public = public_storage(self._settings, site)
        planned = stories(site, number, newest=newest, articles_per_day=ARTICLES_PER_DAY)
        tracked = iter(track(planned, f"{number:,}", number, console=self._console, transient=True))
        first_complete, puts = number - COMPLETE_ARTICLES, deque[Future[None]]()
        with ThreadPoolExecutor(_WRITER_THREADS) as pool:
            for place, (story, record) in enumerate(self._index_batches(site, tracked)):
                if place < first_complete:
                    puts.append(pool.submit(put_record, record, self._content))
                else:
                    puts.append(pool.submit(put_story, story, record, self._content, public))
                while len(puts) > _MAX_PENDING_PUTS or (puts and puts[0].done()):
                    puts.popleft().result()
            while puts:
                puts.popleft().result()

    def _index_batches(self, site: Site, tracked: Iterator[Story]) -> Iterator[tuple[Story, LiveRecord]]:
        """Choose each story's related articles, index the story, and yield it with its record."""
        while batch := [(story, record_of(story, site)) for story in islice(tracked, _BATCH_SIZE)]:
            with self._redis.pipeline(transaction=False) as pipe:
                index = RedisIndex(cast("Redis", _PipelinedRedis(self._redis, pipe)))
                for _, record in batch:
                    if record.card and record.revision:
                        index.choose_related(site, record.card)
                        index.upsert(site, record.card, record.revision)
                answers = pipe.execute()
            for (story, record), (_, related, _) in zip(batch, answers[::2], strict=True):
                yield story, record.model_copy(update={"shows": {article: digest for article, digest, _ in related}})

    def _count_as_published(self, site: Site, now: datetime) -> None:
        """Mark the listings of past days as published; the services publish the others."""
        yesterday = f"{now - timedelta(days=1):%Y-%m-%d}"
        for page, number in self._index.stale_versions(site).items():
            listing = find_listing(site, page)
            if listing and listing.kind in _BY_DATE and "" < listing.value < yesterday[: len(listing.value)]:
                self._index.set_published(site, page, number)


@dataclass(frozen=True, slots=True)
class _PipelinedRedis:
    """A client that pipelines scripts: a round trip per script would take most of the time."""

    redis: Redis
    pipe: Pipeline

    def register_script(self, text: str) -> Callable[..., tuple[str | list[str], ...]]:
        """Return a function that queues a script; it answers as if no article were related, stale or missing."""
        script = self.redis.register_script(text)

        def run_later(*, args: list[str], client: None = None) -> tuple[str | list[str], ...]:
            script(args=args, client=client or self.pipe)
            return ("0", [], []) if text == scripts.CHOOSE_RELATED else ([], [])

        return run_later


def used_bytes(redis: Redis) -> int:
    """Return the memory that Redis uses."""
    return int(redis.info("memory")["used_memory"])
