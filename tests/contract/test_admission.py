from __future__ import annotations

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from services.ingest.domain.refusal import BacklogFullError
from services.ingest.handler import Admission
from shared.model.lane import Lane
from shared.runtime.backlog.redis import RedisBacklog
from shared.runtime.errors import RedisUnavailableError

LIMIT = 3
SENDERS_LANES = {Lane.URGENT, Lane.LIVE, Lane.BULK}


class Clock:
    """A clock that the test sets."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def admission(redis: Redis, clock: Clock) -> Admission:
    return Admission(RedisBacklog(redis), LIMIT, clock)


def admits(admission: Admission) -> set[Lane]:
    taken = set()
    for lane in SENDERS_LANES:
        try:
            admission(lane)
        except BacklogFullError:
            continue
        taken.add(lane)
    return taken


def enqueue(redis: Redis, queue: str, count: int) -> None:
    redis.rpush(queue, *["{}"] * count)


def test_below_the_limit_every_lane_is_admitted(redis: Redis, admission: Admission) -> None:
    enqueue(redis, "render.live", LIMIT - 1)

    assert admits(admission) == SENDERS_LANES


def test_imports_are_refused_first(redis: Redis, admission: Admission) -> None:
    enqueue(redis, "enrich.bulk", 1)
    enqueue(redis, "publish.live", LIMIT - 1)

    assert admits(admission) == {Lane.URGENT, Lane.LIVE}


def test_news_is_refused_at_ten_times_the_limit_and_urgent_never(redis: Redis, admission: Admission) -> None:
    enqueue(redis, "enrich.live", LIMIT * 10)

    assert admits(admission) == {Lane.URGENT}


def test_messages_are_counted_once_a_second(redis: Redis, admission: Admission, clock: Clock) -> None:
    assert admits(admission) == SENDERS_LANES
    enqueue(redis, "enrich.live", LIMIT)
    assert admits(admission) == SENDERS_LANES

    clock.seconds = 1.0

    assert admits(admission) == {Lane.URGENT, Lane.LIVE}
    redis.flushall()
    clock.seconds = 2.0
    assert admits(admission) == SENDERS_LANES


def test_every_lane_is_admitted_while_redis_is_down(clock: Clock) -> None:
    away = RedisBacklog(Redis(port=1, retry=Retry(NoBackoff(), 0)))

    assert admits(Admission(away, LIMIT, clock)) == SENDERS_LANES


def test_after_an_error_redis_is_called_again_after_ten_seconds(clock: Clock) -> None:
    called_at: list[float] = []

    class Away(RedisBacklog):
        def total(self) -> int:
            called_at.append(clock.seconds)
            raise RedisUnavailableError

    admission = Admission(Away(Redis()), LIMIT, clock)
    for seconds in (0.0, 1.0, 9.9, 10.0):
        clock.seconds = seconds
        admits(admission)

    assert called_at == [0.0, 10.0]


def test_the_refusal_names_the_number_of_messages_and_the_limit(redis: Redis, admission: Admission) -> None:
    enqueue(redis, "enrich.bulk", LIMIT)

    with pytest.raises(BacklogFullError, match="3 messages wait; the lane bulk accepts no articles from 3 on"):
        admission(Lane.BULK)
