"""Sites whose archives were never published: what publishing them leaves in the index and in the buckets is made."""

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

A_DAY = 100
WHOLE = 500
"""So many of the newest have all of their objects: of older ones no operation reads more than the index has."""

_WRITERS = 32
_AT_ONCE = 100
_AHEAD = 1000  # articles in the index whose objects are not put yet
_BY_DATE = frozenset({ListingKind.DAY, ListingKind.MONTH, ListingKind.RAIL_DAY, ListingKind.SITEMAP})


@dataclass(frozen=True, slots=True)
class Filled:
    """How long a site's state took to make, and how much of Redis it takes."""

    articles: int
    seconds: float
    redis_bytes: int


def write_sites(folder: Path, names: list[str]) -> None:
    """Write sites that differ in name only. A listing may come every fifth of a second: the bench waits for each."""
    folder.mkdir()
    epn = (PROJECT / "infra" / "sites" / "epn.toml").read_text("utf-8")
    epn = epn.replace("listing_interval_seconds = 1.0", "listing_interval_seconds = 0.2")
    for name in names:
        (folder / f"{name}.toml").write_text(epn.replace('id = "epn"', f'id = "{name}"\nprefix = "{name}/"'), "utf-8")


class Filler:
    """The index and the buckets, filled by the functions that the services fill them by."""

    def __init__(self, settings: ServiceSettings, console: Console) -> None:
        self._settings, self._console = settings, console
        self._content = S3ObjectStorage(settings, settings.content_bucket)
        self._redis = redis_client(settings)
        self._index = RedisIndex(self._redis)

    def fill(self, site: Site, number: int) -> Filled:
        """Make a site's state, as if its articles had gone live one after the other, and mark the index as whole."""
        now, started, before = datetime.now(UTC), perf_counter(), used_bytes(self._redis)
        restore = self._index.begin_restore(site, now)
        if restore is None:
            raise RuntimeError(f"something else makes the index of {site.id} whole")
        self._make(site, number, now)
        self._count_as_published(site, now)
        self._index.mark_complete(site, restore.minute, restore.token)
        return Filled(number, perf_counter() - started, used_bytes(self._redis) - before)

    def _make(self, site: Site, number: int, newest: datetime) -> None:
        public = public_storage(self._settings, site)
        told = stories(site, number, newest=newest, a_day=A_DAY)
        made = iter(track(told, f"{number:,}", number, console=self._console, transient=True))
        oldest_whole, puts = number - WHOLE, deque[Future[None]]()
        with ThreadPoolExecutor(_WRITERS) as pool:
            for place, (story, record) in enumerate(self._listed(site, made)):
                if place < oldest_whole:
                    puts.append(pool.submit(put_record, record, self._content))
                else:
                    puts.append(pool.submit(put_story, story, record, self._content, public))
                while len(puts) > _AHEAD or (puts and puts[0].done()):
                    puts.popleft().result()
            while puts:
                puts.popleft().result()

    def _listed(self, site: Site, made: Iterator[Story]) -> Iterator[tuple[Story, LiveRecord]]:
        """Enter each story into the index, as what its page shows was read there before; yield it and its record."""
        while batch := [(story, record_of(story, site)) for story in islice(made, _AT_ONCE)]:
            with self._redis.pipeline(transaction=False) as pipe:
                index = RedisIndex(cast("Redis", _Later(self._redis, pipe)))
                for _, record in batch:
                    if record.card and record.revision:
                        index.choose_related(site, record.card)
                        index.upsert(site, record.card, record.revision)
                answers = pipe.execute()
            for (story, record), (_, related, _) in zip(batch, answers[::2], strict=True):
                yield story, record.model_copy(update={"shows": {article: digest for article, digest, _ in related}})

    def _count_as_published(self, site: Site, now: datetime) -> None:
        """Mark the pages of past days as published; all others are left to the services."""
        yesterday = f"{now - timedelta(days=1):%Y-%m-%d}"
        for page, number in self._index.stale_versions(site).items():
            listing = find_listing(site, page)
            if listing and listing.kind in _BY_DATE and "" < listing.value < yesterday[: len(listing.value)]:
                self._index.set_published(site, page, number)


@dataclass(frozen=True, slots=True)
class _Later:
    """A client whose scripts run with others in one exchange: waiting for each would take most of the time."""

    redis: Redis
    pipe: Pipeline

    def register_script(self, text: str) -> Callable[..., tuple[str | list[str], ...]]:
        """Return what takes a script's arguments, and answers as if nothing were related, stale or missing."""
        script = self.redis.register_script(text)

        def put_off(*, args: list[str], client: None = None) -> tuple[str | list[str], ...]:
            script(args=args, client=client or self.pipe)
            return ("0", [], []) if text == scripts.CHOOSE_RELATED else ([], [])

        return put_off


def used_bytes(redis: Redis) -> int:
    """Return how much memory Redis uses."""
    return int(redis.info("memory")["used_memory"])
