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
from shared.handling import Result
from shared.index import Snapshot
from shared.index.redis import RedisIndex
from shared.listings import HOME, Listing, standing
from shared.messages import ListingsStale
from shared.sites import Site
from tests.functional.conftest import Line


class OwnRedis:
    """A valkey that may be stopped, and started again from an older file of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_ports(1)[0]
        self._server: Server = start_valkey(folder, self._port)
        self.client = Redis.from_url(self._server.url, decode_responses=True)

    def keep_file(self) -> None:
        """Put a copy of the append-only file aside."""
        shutil.copytree(self._folder / "redis", self._folder / "kept")

    def restart_from_kept_file(self) -> None:
        """Stop the server and start it with the file that was put aside."""
        self._server.stop()
        shutil.rmtree(self._folder / "redis")
        shutil.copytree(self._folder / "kept", self._folder / "redis")
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
def own_line(own_redis: OwnRedis) -> Iterator[Line]:
    built = Line(own_redis.client)
    yield built
    built.intake.executor.shutdown()


def an_hour_passes(line: Line) -> None:
    for _ in range(6):
        line.now += timedelta(minutes=10)
        line.sweep()
        line.tick()


def flush(line: Line, server: OwnRedis) -> None:
    server.client.flushall()


def lose_the_last_second(line: Line, server: OwnRedis) -> None:
    server.restart_from_kept_file()


def go_back_an_hour(line: Line, server: OwnRedis) -> None:
    an_hour_passes(line)
    server.restart_from_kept_file()


@pytest.mark.parametrize("lose", [flush, lose_the_last_second, go_back_an_hour])
def test_a_lost_redis_loses_nothing_and_shows_readers_nothing_old(
    own_line: Line, own_redis: OwnRedis, lose: Callable[[Line, OwnRedis], None]
) -> None:
    line = own_line
    kept = [line.post(source_id=f"story-{number}", headline=f"Story {number}") for number in range(4)]
    line.tick()
    line.sweep()
    line.tick()
    own_redis.keep_file()
    lost_event = _what_the_file_lacks(line)
    lose(line, own_redis)
    line.queue.clear()
    before = line.site_bytes()

    # While the index is not whole, an old message renders nothing, and nobody asks for more.
    listings = dict.fromkeys(standing(line.site), 1)
    line.take([ListingsStale(message_id=uuid4(), site="epn", listings=listings)])
    line.take(emit_stale_pages(line.site, line.clockwork))
    line.run()
    assert line.site_bytes() == before

    line.tick()
    assert line.site_bytes() == before  # listings, made again from the bucket, are the same bytes
    assert "Story 0, corrected" in line.page("index.html")
    assert "Story 1" not in line.page("index.html")

    line.sweep()
    line.tick()
    assert line.receipt_status(lost_event.receipt) == "live"
    assert "Accepted and never announced" in line.page("index.html")
    assert {line.receipt_status(each.receipt) for each in kept} <= {"live", "superseded", "killed"}


def _what_the_file_lacks(line: Line) -> Accepted:
    """Publish a correction, a kill and a new article; accept another whose event is lost."""
    later = "2026-11-01T10:30:00Z"
    line.post(source_id="story-0", headline="Story 0, corrected", version_created=later)
    line.post(source_id="story-1", headline="Story 1", status="canceled", version_created=later)
    line.post(source_id="story-9", headline="Story 9", version_created=later)
    line.tick()
    accepted = line.post(source_id="late", headline="Accepted and never announced", version_created=later)
    line.queue.clear()
    return accepted


def test_a_receipt_that_an_old_file_brings_back_tells_what_became_of_it(own_line: Line, own_redis: OwnRedis) -> None:
    accepted = own_line.post()
    own_redis.keep_file()
    own_line.tick()
    assert own_line.receipt_status(accepted.receipt) == "live"

    own_redis.restart_from_kept_file()
    own_line.sweep()
    own_line.tick()

    assert own_line.receipt_status(accepted.receipt) == "live"


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A round of the restore takes in two articles."""
    monkeypatch.setattr(restoring, "_BATCH", 2)
    monkeypatch.setattr(restoring, "_SLICE_SECONDS", 0.0)


@pytest.mark.usefixtures("small_steps")
def test_a_scheduler_killed_in_the_middle_of_a_restore_is_followed_by_one_that_goes_on(line: Line) -> None:
    for number in range(5):
        line.post(source_id=f"story-{number}", headline=f"Story {number}")
    line.tick()
    line.redis.flushall()
    restore_index(line.site, line.clockwork)
    line.redis.delete("index:epn:restorer")  # its lease has ended
    other = replace(line.clockwork, index=RedisIndex(line.redis))

    done = []
    for _ in range(4):
        restore = line.index.find_restore(line.site)
        assert restore is not None
        done.append(restore.done)
        restore_index(line.site, other)

    assert done == [2, 4, 5, 5]
    assert line.index.whole_until(line.site) is not None


def test_a_restarted_redis_costs_what_the_journal_names_and_not_the_archive(line: Line) -> None:
    for number in range(5):
        line.post(source_id=f"story-{number}")
    line.tick()
    line.now += timedelta(minutes=10)
    line.sweep()
    line.post(source_id="recent")
    line.tick()
    line.redis.hset("index:epn:whole", "run_id", "another")

    restore_index(line.site, line.clockwork)

    restore = line.index.find_restore(line.site)
    assert restore is not None
    assert (restore.done, line.index.whole_until(line.site)) == (1, restore.minute)


def test_a_restore_goes_its_rounds_apart_from_embargoes_and_the_sweep() -> None:
    assert restore_index in tasks.RESTORE
    assert restore_index not in (*tasks.TICK, *tasks.SWEEP)


@pytest.mark.usefixtures("small_steps")
def test_two_schedulers_do_not_both_work_at_a_restore(line: Line) -> None:
    for number in range(5):
        line.post(source_id=f"story-{number}")
    line.tick()
    line.redis.flushall()

    restore_index(line.site, line.clockwork)
    restore_index(line.site, replace(line.clockwork, index=RedisIndex(line.redis)))

    restore = line.index.find_restore(line.site)
    assert restore is not None
    assert restore.done == 2


@pytest.mark.usefixtures("small_steps")
def test_what_goes_live_or_is_killed_during_a_restore_is_as_it_should_be_afterwards(line: Line) -> None:
    posted = [line.post(source_id=f"story-{number}", headline=f"Story {number}") for number in range(6)]
    line.tick()
    line.redis.flushall()
    restore_index(line.site, line.clockwork)

    later = "2026-11-01T10:30:00Z"
    for number in range(0, 6, 2):
        line.post(source_id=f"story-{number}", headline=f"Mended {number}", version_created=later)
        line.post(source_id=f"story-{number + 1}", status="canceled", version_created=later)
        line.run()
        restore_index(line.site, line.clockwork)
    line.tick()

    front = line.page("index.html")
    assert [f"Mended {number}" in front for number in (0, 2, 4)] == [True] * 3
    assert "Story" not in front
    assert len(line.index.revisions(line.site, [each.article for each in posted])) == 6


def test_a_listing_taken_out_of_a_reindexed_index_is_published_again_with_the_same_bytes(line: Line) -> None:
    line.post(headline="Still here")
    line.tick()
    before = line.site_bytes()

    line.index.forget(line.site)
    assert HOME not in line.index.published(line.site)
    line.tick()

    assert line.site_bytes() == before
    assert HOME in line.index.published(line.site)


def test_a_redis_emptied_just_before_a_listing_is_read_empties_no_front_page(line: Line) -> None:
    class EmptiedIndex(RedisIndex):
        def read(self, site: Site, listing: Listing, *, pins: Sequence[str] = ()) -> Snapshot:
            line.redis.flushall()
            return super().read(site, listing, pins=pins)

    line.post(headline="Last good front page")
    line.tick()
    line.index.touch(line.site, HOME)
    stale = ListingsStale(message_id=uuid4(), site="epn", listings={HOME: 1})

    assert render_listings(stale, replace(line.renderer, index=EmptiedIndex(line.redis))) == Result()
