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
    """Seconds that the test lets pass."""

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


def let_wait(redis: Redis, queue: str, count: int) -> None:
    redis.rpush(queue, *["{}"] * count)


def test_everything_is_admitted_while_little_waits(redis: Redis, admission: Admission) -> None:
    let_wait(redis, "render.live", LIMIT - 1)

    assert admits(admission) == SENDERS_LANES


def test_imports_are_sent_away_first(redis: Redis, admission: Admission) -> None:
    let_wait(redis, "enrich.bulk", 1)
    let_wait(redis, "publish.live", LIMIT - 1)

    assert admits(admission) == {Lane.URGENT, Lane.LIVE}


def test_news_is_sent_away_at_ten_times_as_much_and_what_is_urgent_never(redis: Redis, admission: Admission) -> None:
    let_wait(redis, "enrich.live", LIMIT * 10)

    assert admits(admission) == {Lane.URGENT}


def test_what_waits_is_counted_once_a_second(redis: Redis, admission: Admission, clock: Clock) -> None:
    assert admits(admission) == SENDERS_LANES
    let_wait(redis, "enrich.live", LIMIT)
    assert admits(admission) == SENDERS_LANES

    clock.seconds = 1.0

    assert admits(admission) == {Lane.URGENT, Lane.LIVE}
    redis.flushall()
    clock.seconds = 2.0
    assert admits(admission) == SENDERS_LANES


def test_nobody_is_sent_away_because_redis_is(clock: Clock) -> None:
    away = RedisBacklog(Redis(port=1, retry=Retry(NoBackoff(), 0)))

    assert admits(Admission(away, LIMIT, clock)) == SENDERS_LANES


def test_a_redis_that_is_away_is_asked_again_after_ten_seconds(clock: Clock) -> None:
    asked: list[float] = []

    class Away(RedisBacklog):
        def total(self) -> int:
            asked.append(clock.seconds)
            raise RedisUnavailableError

    admission = Admission(Away(Redis()), LIMIT, clock)
    for seconds in (0.0, 1.0, 9.9, 10.0):
        clock.seconds = seconds
        admits(admission)

    assert asked == [0.0, 10.0]


def test_the_sender_is_told_how_much_waits(redis: Redis, admission: Admission) -> None:
    let_wait(redis, "enrich.bulk", LIMIT)

    with pytest.raises(BacklogFullError, match="3 messages wait to be published, and the lane bulk takes no more"):
        admission(Lane.BULK)
