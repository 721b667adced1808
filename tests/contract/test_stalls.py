from __future__ import annotations

from collections.abc import Iterable

import pytest
from redis import Redis

from infra.local.ports import free_ports
from shared.model.lane import Lane
from shared.runtime.backlog.redis import RedisBacklog
from shared.runtime.celery_app import TIME_LIMIT_SECONDS
from shared.runtime.deliveries.redis import RedisDeliveries
from shared.runtime.watchdog import END_AFTER_SECONDS, UNWELL_AFTER_SECONDS, QueueWatch, Watchdog, count_waiting

NEWS = (Lane.URGENT, Lane.LIVE, Lane.LISTINGS)


class Scene:
    """A queue and a clock that the test moves."""

    def __init__(self) -> None:
        self.now, self.waiting = 0.0, 0
        self.watch = Watchdog(lambda: self.waiting, lambda: self.now)

    def after(self, seconds: float) -> float:
        """Advance the clock and check."""
        self.now += seconds
        return self.watch.stalled_seconds()


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_an_idle_worker_stays_healthy(scene: Scene) -> None:
    assert [scene.after(60) for _ in range(10)] == [0] * 10
    assert scene.watch.faults() == []


def test_a_worker_that_takes_no_message_becomes_unhealthy_and_then_ends(scene: Scene) -> None:
    scene.waiting = 3

    assert scene.after(UNWELL_AFTER_SECONDS) < END_AFTER_SECONDS
    assert "none was taken" in scene.watch.faults()[0]
    assert scene.after(END_AFTER_SECONDS) > END_AFTER_SECONDS


def test_a_busy_worker_with_a_full_queue_is_healthy(scene: Scene) -> None:
    scene.waiting = 10_000
    for _ in range(20):
        scene.after(TIME_LIMIT_SECONDS)
        assert scene.watch.faults() == []
        scene.watch.record_progress()


def test_the_longest_task_is_no_stall() -> None:
    assert TIME_LIMIT_SECONDS < UNWELL_AFTER_SECONDS < END_AFTER_SECONDS


@pytest.mark.parametrize(
    ("lanes", "waiting"), [(NEWS, 0), ((Lane.BULK,), 7), (tuple(Lane), 7), ((Lane.URGENT,), 0), ((Lane.LISTINGS,), 0)]
)
def test_a_worker_watches_only_its_own_lanes(redis: Redis, lanes: tuple[Lane, ...], waiting: int) -> None:
    redis.lpush("render.bulk", *["{}"] * 7)

    assert count_waiting(RedisBacklog(redis), "render", lanes) == waiting
    assert count_waiting(RedisBacklog(redis), "render", lanes, lambda: ["Redis refuses writes"]) == 0


def test_an_idle_worker_of_news_does_not_end_itself_during_an_import(redis: Redis) -> None:
    now = 0.0
    watch = Watchdog(lambda: count_waiting(RedisBacklog(redis), "render", NEWS), lambda: now)
    redis.lpush("render.bulk", *["{}"] * 10_000)

    for _ in range(10):
        now += END_AFTER_SECONDS
        assert watch.stalled_seconds() == 0
    redis.lpush("render.listings", "{}")
    now += END_AFTER_SECONDS
    assert watch.stalled_seconds() == END_AFTER_SECONDS


class Queues:
    """The queues and the clock of a watchdog outside the workers; the test moves both."""

    def __init__(self, redis: Redis) -> None:
        self.now = 0.0
        self.redis = redis
        self.watch = QueueWatch(RedisBacklog(redis), RedisDeliveries(redis), lambda: self.now)

    def fill(self, lane: str = "live", count: int = 1) -> None:
        """Put messages into a queue of render."""
        self.redis.lpush(f"render.{lane}", *["{}"] * count)

    def take(self, lanes: Iterable[Lane] = Lane) -> None:
        """Let a worker of render with these lanes begin a message."""
        RedisDeliveries(self.redis, lanes).begin("render", "x")

    def after(self, seconds: float) -> list[str]:
        """Advance the clock and check."""
        self.now += seconds
        return self.watch.faults()


@pytest.fixture
def queues(redis: Redis) -> Queues:
    return Queues(redis)


def test_a_service_that_takes_no_message_while_its_queue_fills_is_named(queues: Queues) -> None:
    queues.fill(count=12)

    assert queues.after(0) == []
    assert queues.after(UNWELL_AFTER_SECONDS - 1) == []
    assert queues.after(1) == ["render has taken nothing for 25 s while messages wait (12, live): check its worker"]
    queues.take()
    assert queues.after(1) == []


def test_two_distant_checks_find_no_stall_if_the_service_worked_in_between(queues: Queues) -> None:
    for _ in range(3):
        queues.fill()
        assert queues.after(3600) == []
        queues.take()


def test_messages_after_an_idle_night_are_no_stall_at_the_first_check(queues: Queues) -> None:
    assert queues.after(0) == []
    assert queues.after(36_000) == []
    queues.fill()
    assert queues.after(36_000) == []
    assert queues.after(UNWELL_AFTER_SECONDS) != []


def test_a_lane_that_waits_for_a_busy_one_is_no_stall(queues: Queues) -> None:
    queues.fill("bulk")
    queues.fill("urgent")
    for _ in range(10):
        queues.take()
        assert queues.after(UNWELL_AFTER_SECONDS - 1) == []


def test_a_stalled_bulk_process_is_found_although_the_news_process_works(queues: Queues) -> None:
    queues.fill("bulk", 3)
    queues.fill("live")
    faults = []
    for _ in range(3):
        queues.take(NEWS)
        faults = queues.after(UNWELL_AFTER_SECONDS - 1)

    assert faults == ["render has taken nothing for 48 s while messages wait (3, bulk): check its worker"]
    queues.take([Lane.BULK])
    assert queues.after(1) == []


def test_a_stalled_news_process_is_found_although_the_bulk_process_works(queues: Queues) -> None:
    queues.fill("bulk", 3)
    queues.fill("live", 2)
    queues.fill("listings")
    faults = []
    for _ in range(3):
        queues.take([Lane.BULK])
        faults = queues.after(UNWELL_AFTER_SECONDS - 1)

    assert faults == ["render has taken nothing for 48 s while messages wait (3, live and listings): check its worker"]


def test_one_worker_for_all_lanes_is_healthy_while_an_import_waits_for_news(queues: Queues) -> None:
    queues.fill("bulk", 3)
    for _ in range(10):
        queues.fill("live")
        queues.take()
        assert queues.after(UNWELL_AFTER_SECONDS - 1) == []


def test_an_emptied_or_unreachable_redis_is_no_stall(queues: Queues) -> None:
    queues.fill()
    queues.take()
    queues.after(0)
    queues.redis.flushall()
    queues.fill()
    assert queues.after(UNWELL_AFTER_SECONDS) == []

    away = Redis.from_url(f"redis://127.0.0.1:{free_ports(1)[0]}/0", decode_responses=True)
    assert QueueWatch(RedisBacklog(away), RedisDeliveries(away), lambda: 0).faults() == []


def test_a_queue_that_was_emptied_between_two_fillings_is_no_stall(queues: Queues) -> None:
    queues.fill()
    assert queues.after(0) == []
    queues.redis.delete("render.live")
    assert queues.after(1) == []
    queues.fill()
    assert queues.after(UNWELL_AFTER_SECONDS) == []
