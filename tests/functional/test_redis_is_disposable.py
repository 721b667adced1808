from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from redis import Redis

from infra.local.ports import free_ports
from infra.local.servers import Server, start_valkey
from services.ingest.domain.accepted import Accepted
from services.render.handler import render_listings
from services.scheduler import tasks
from services.scheduler.handler import emit_stale_pages, restore_index
from services.scheduler.handler import restore as restoring
from shared.index import Snapshot
from shared.index.redis import RedisIndex
from shared.messaging.handling import Result
from shared.messaging.messages import ListingsStale
from shared.site.listings import HOME, Listing, permanent_listings
from shared.site.sites import Site
from tests.functional.conftest import Pipeline


class OwnRedis:
    """A valkey that can be restarted from an older copy of its file."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_ports(1)[0]
        self._server: Server = start_valkey(folder, self._port)
        self.client = Redis.from_url(self._server.url, decode_responses=True)

    def copy_file(self) -> None:
        """Copy the append-only file."""
        shutil.copytree(self._folder / "redis", self._folder / "copy")

    def restart_from_copy(self) -> None:
        """Stop the server and start it with the copied file."""
        self._server.stop()
        shutil.rmtree(self._folder / "redis")
        shutil.copytree(self._folder / "copy", self._folder / "redis")
        self._server = start_valkey(self._folder, self._port)

    def stop(self) -> None:
        self.client.close()
        self._server.stop()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    server = OwnRedis(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def own_pipeline(own_redis: OwnRedis) -> Iterator[Pipeline]:
    built = Pipeline(own_redis.client)
    yield built
    built.ingest_deps.executor.shutdown()


def pass_an_hour(pipeline: Pipeline) -> None:
    for _ in range(6):
        pipeline.now += timedelta(minutes=10)
        pipeline.sweep()
        pipeline.tick()


def flush(pipeline: Pipeline, server: OwnRedis) -> None:
    server.client.flushall()


def lose_the_last_second(pipeline: Pipeline, server: OwnRedis) -> None:
    server.restart_from_copy()


def go_back_an_hour(pipeline: Pipeline, server: OwnRedis) -> None:
    pass_an_hour(pipeline)
    server.restart_from_copy()


@pytest.mark.parametrize("lose", [flush, lose_the_last_second, go_back_an_hour])
def test_the_loss_of_redis_loses_no_article_and_shows_readers_no_old_page(
    own_pipeline: Pipeline, own_redis: OwnRedis, lose: Callable[[Pipeline, OwnRedis], None]
) -> None:
    pipeline = own_pipeline
    posted_first = [pipeline.post(source_id=f"story-{number}", headline=f"Story {number}") for number in range(4)]
    pipeline.tick()
    pipeline.sweep()
    pipeline.tick()
    own_redis.copy_file()
    lost_event = _publish_after_the_copy(pipeline)
    lose(pipeline, own_redis)
    pipeline.queue.clear()
    before = pipeline.site_bytes()

    # While the index is incomplete, an old message renders nothing, and no listing is emitted.
    listings = dict.fromkeys(permanent_listings(pipeline.site), 1)
    pipeline.take([ListingsStale(message_id=uuid4(), site="epn", listings=listings)])
    pipeline.take(emit_stale_pages(pipeline.site, pipeline.scheduler_deps))
    pipeline.run()
    assert pipeline.site_bytes() == before

    pipeline.tick()
    assert pipeline.site_bytes() == before  # the listings of the restored index have the same bytes
    assert "Story 0, corrected" in pipeline.page("index.html")
    assert "Story 1" not in pipeline.page("index.html")

    pipeline.sweep()
    pipeline.tick()
    assert pipeline.receipt_status(lost_event.receipt) == "live"
    assert "Accepted, event lost" in pipeline.page("index.html")
    assert {pipeline.receipt_status(each.receipt) for each in posted_first} <= {"live", "superseded", "killed"}


def _publish_after_the_copy(pipeline: Pipeline) -> Accepted:
    """Publish a correction, a kill and a new article; accept one more, whose event is lost."""
    later = "2026-11-01T10:30:00Z"
    pipeline.post(source_id="story-0", headline="Story 0, corrected", version_created=later)
    pipeline.post(source_id="story-1", headline="Story 1", status="canceled", version_created=later)
    pipeline.post(source_id="story-9", headline="Story 9", version_created=later)
    pipeline.tick()
    accepted = pipeline.post(source_id="late", headline="Accepted, event lost", version_created=later)
    pipeline.queue.clear()
    return accepted


def test_a_receipt_from_an_old_redis_file_becomes_live(own_pipeline: Pipeline, own_redis: OwnRedis) -> None:
    accepted = own_pipeline.post()
    own_redis.copy_file()
    own_pipeline.tick()
    assert own_pipeline.receipt_status(accepted.receipt) == "live"

    own_redis.restart_from_copy()
    own_pipeline.sweep()
    own_pipeline.tick()

    assert own_pipeline.receipt_status(accepted.receipt) == "live"


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Load two articles per step of a restore."""
    monkeypatch.setattr(restoring, "_ARTICLES_PER_BATCH", 2)
    monkeypatch.setattr(restoring, "_MAX_ROUND_SECONDS", 0.0)


@pytest.mark.usefixtures("small_steps")
def test_a_restore_continues_after_its_scheduler_was_killed(pipeline: Pipeline) -> None:
    for number in range(5):
        pipeline.post(source_id=f"story-{number}", headline=f"Story {number}")
    pipeline.tick()
    pipeline.redis.flushall()
    restore_index(pipeline.site, pipeline.scheduler_deps)
    pipeline.redis.delete("index:epn:restorer")  # its lease has ended
    other = replace(pipeline.scheduler_deps, index=RedisIndex(pipeline.redis))

    done = []
    for _ in range(4):
        restore = pipeline.index.find_restore(pipeline.site)
        assert restore is not None
        done.append(restore.done)
        restore_index(pipeline.site, other)

    assert done == [2, 4, 5, 5]
    assert pipeline.index.complete_until(pipeline.site) is not None


def test_a_restore_after_a_restart_reads_only_the_articles_of_the_journal(pipeline: Pipeline) -> None:
    for number in range(5):
        pipeline.post(source_id=f"story-{number}")
    pipeline.tick()
    pipeline.now += timedelta(minutes=10)
    pipeline.sweep()
    pipeline.post(source_id="recent")
    pipeline.tick()
    pipeline.redis.hset("index:epn:complete", "run_id", "another")

    restore_index(pipeline.site, pipeline.scheduler_deps)

    restore = pipeline.index.find_restore(pipeline.site)
    assert restore is not None
    assert (restore.done, pipeline.index.complete_until(pipeline.site)) == (1, restore.minute)


def test_a_restore_runs_apart_from_embargoes_and_the_sweep() -> None:
    assert restore_index in tasks.RESTORE
    assert restore_index not in (*tasks.TICK, *tasks.SWEEP)


@pytest.mark.usefixtures("small_steps")
def test_only_one_of_two_schedulers_works_on_a_restore(pipeline: Pipeline) -> None:
    for number in range(5):
        pipeline.post(source_id=f"story-{number}")
    pipeline.tick()
    pipeline.redis.flushall()

    restore_index(pipeline.site, pipeline.scheduler_deps)
    restore_index(pipeline.site, replace(pipeline.scheduler_deps, index=RedisIndex(pipeline.redis)))

    restore = pipeline.index.find_restore(pipeline.site)
    assert restore is not None
    assert restore.done == 2


@pytest.mark.usefixtures("small_steps")
def test_articles_published_or_killed_during_a_restore_are_correct_afterwards(pipeline: Pipeline) -> None:
    posted = [pipeline.post(source_id=f"story-{number}", headline=f"Story {number}") for number in range(6)]
    pipeline.tick()
    pipeline.redis.flushall()
    restore_index(pipeline.site, pipeline.scheduler_deps)

    later = "2026-11-01T10:30:00Z"
    for number in range(0, 6, 2):
        pipeline.post(source_id=f"story-{number}", headline=f"Corrected {number}", version_created=later)
        pipeline.post(source_id=f"story-{number + 1}", status="canceled", version_created=later)
        pipeline.run()
        restore_index(pipeline.site, pipeline.scheduler_deps)
    pipeline.tick()

    front = pipeline.page("index.html")
    assert [f"Corrected {number}" in front for number in (0, 2, 4)] == [True] * 3
    assert "Story" not in front
    assert len(pipeline.index.revisions(pipeline.site, [each.article for each in posted])) == 6


def test_a_reindex_publishes_a_listing_again_with_the_same_bytes(pipeline: Pipeline) -> None:
    pipeline.post(headline="Still here")
    pipeline.tick()
    before = pipeline.site_bytes()

    pipeline.index.clear(pipeline.site)
    assert HOME not in pipeline.index.published_versions(pipeline.site)
    pipeline.tick()

    assert pipeline.site_bytes() == before
    assert HOME in pipeline.index.published_versions(pipeline.site)


def test_the_loss_of_redis_before_a_listing_is_read_empties_no_front_page(pipeline: Pipeline) -> None:
    class EmptiedIndex(RedisIndex):
        def read(self, site: Site, listing: Listing, *, pins: Sequence[str] = ()) -> Snapshot:
            pipeline.redis.flushall()
            return super().read(site, listing, pins=pins)

    pipeline.post(headline="Last good front page")
    pipeline.tick()
    pipeline.index.mark_stale(pipeline.site, HOME)
    stale = ListingsStale(message_id=uuid4(), site="epn", listings={HOME: 1})

    assert render_listings(stale, replace(pipeline.render_deps, index=EmptiedIndex(pipeline.redis))) == Result()
