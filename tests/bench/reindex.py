"""Time of a reindex after a loss of Redis: `python -m tests.bench.reindex [--articles 10000]`.

Starts SeaweedFS and valkey, puts synthetic records, empties Redis, and lets one scheduler restore the index.
"""

from __future__ import annotations

import argparse
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter, process_time

from pydantic import SecretStr

from infra.local.ports import free_ports
from infra.local.servers import SeaweedPorts, prepare_buckets, start_seaweed, start_valkey
from services.scheduler.handler import SchedulerDeps, restore_index
from shared.index.redis import RedisIndex
from shared.model.card import Card
from shared.model.history import StoredRevisions
from shared.model.live_record import LiveRecord, PageRecord
from shared.model.revision import revision_id
from shared.runtime.backlog.redis import RedisBacklog
from shared.runtime.backoff.redis import RedisBackoff
from shared.runtime.quarantine.redis import RedisQuarantine
from shared.runtime.redis_client import redis_client
from shared.runtime.settings import ServiceSettings
from shared.site import keys
from shared.site.sites import Site, load_sites
from shared.storage import Etag
from shared.storage.s3 import S3ObjectStorage

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def a_record(site: Site, number: int) -> LiveRecord:
    """Return the record of a synthetic live article."""
    article = keys.article_id(site.id, "bench", str(number))
    created, section = NOON - timedelta(minutes=number), site.sections[number % len(site.sections)].id
    revision = revision_id(created, None)
    path = f"{section}/{created:%Y/%m/%d}/a-synthetic-story-{article[:6]}/index.html"
    card = Card(
        article=article,
        path=path,
        headline=f"A synthetic story, number {number}, of some length",
        standfirst="What happened, in a sentence as long as such a sentence usually is in a newspaper's front page.",
        byline="A. Reporter",
        section=section,
        created_at=created,
    )
    page = PageRecord(order=revision, sha256="0" * 64, etag=Etag('"0"'))
    return LiveRecord(
        site=site.id, article=article, claimed=(path,), revision=revision, path=path, pages={path: page}, card=card
    )


def fill(content: S3ObjectStorage, site: Site, articles: int) -> None:
    """Put the records, and a revision for each."""

    def put(number: int) -> None:
        record = a_record(site, number)
        content.put(keys.live_key(site.id, record.article), record.model_dump_json(indent=1).encode())
        content.put(keys.revision_key(site.id, record.article, record.revision or ""), b"{}")

    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(put, range(articles)):
            pass


def main() -> None:
    """Measure once and print the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=10_000)
    articles = parser.parse_args().articles
    with tempfile.TemporaryDirectory(prefix="pressline-bench-") as name:
        folder = Path(name)
        valkey = start_valkey(folder, free_ports(1)[0])
        store = start_seaweed(folder, SeaweedPorts.free(), "key", "secret", "public")
        try:
            prepare_buckets(store.url, "key", "secret", ["content", "public"])
            settings = ServiceSettings(
                redis_url=valkey.url,
                s3_endpoint=store.url,
                s3_access_key="key",
                s3_secret_key=SecretStr("secret"),
                content_bucket="content",
                public_bucket="public",
            )
            measure(settings, articles)
        finally:
            valkey.stop()
            store.stop()


def measure(settings: ServiceSettings, articles: int) -> None:
    """Fill the store, restore the index, and print the times."""
    content, redis = S3ObjectStorage(settings, settings.content_bucket), redis_client(settings)
    sites = load_sites(settings.sites_folder, settings.base_url)
    site = next(iter(sites.values()))
    scheduler_deps = SchedulerDeps(
        content=content,
        revisions=StoredRevisions(content),
        index=RedisIndex(redis),
        quarantine=RedisQuarantine(redis),
        backoff=RedisBackoff(redis),
        backlog=RedisBacklog(redis),
        sites=sites,
        clock=lambda: datetime.now(UTC),
        first_wait=timedelta(seconds=10),
    )
    started = perf_counter()
    fill(content, site, articles)
    print(f"{articles} articles put in {perf_counter() - started:.1f} s")  # noqa: T201 -- its output
    redis.flushall()
    started, cpu_before = perf_counter(), process_time()
    while scheduler_deps.index.complete_until(site) is None:
        restore_index(site, scheduler_deps)
    seconds = perf_counter() - started
    print(f"reindexed {articles} in {seconds:.1f} s, {process_time() - cpu_before:.1f} s of this process")  # noqa: T201
    print(f"Redis: {int(redis.info('memory')['used_memory']) / articles / 1024:.2f} KB an article")  # noqa: T201


if __name__ == "__main__":
    main()
