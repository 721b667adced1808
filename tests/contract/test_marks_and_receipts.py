from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from shared.marks.redis import RedisMarks
from shared.receipts import Outcome, Receipt
from shared.receipts.redis import RedisReceipts

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def receipts(redis: Redis) -> RedisReceipts:
    found = RedisReceipts(redis)
    found.open(Receipt(receipt="r", site="epn", article="a", revision="1"))
    return found


def status(receipts: RedisReceipts) -> Outcome:
    receipt = receipts.find("r")
    assert receipt is not None
    return receipt.status


def waits_ms(redis: Redis) -> float:
    """Return how long the mark that was just set says to wait."""
    seconds, microseconds = redis.time()
    _, until = str(redis.get("pending:epn:a")).split(" ")
    return float(until) - (seconds * 1000 + microseconds / 1000)


def test_an_article_on_its_way_is_not_taken_again_before_its_time(redis: Redis) -> None:
    marks = RedisMarks(redis, first_wait_seconds=60)
    marks.set_pending("epn", "a")

    assert marks.take_pending("epn", "a") is False
    assert marks.take_pending("epn", "another") is True


def test_each_time_that_an_article_is_taken_the_next_is_twice_as_far_off(redis: Redis) -> None:
    marks = RedisMarks(redis, first_wait_seconds=60)
    waits = []
    for attempt in range(3):
        if attempt:
            redis.set("pending:epn:a", f"{attempt - 1} 0")  # its time has come
        assert marks.take_pending("epn", "a") is True
        waits.append(round(waits_ms(redis) / 1000, -1))

    assert waits == [60, 120, 240]


def test_a_lower_decision_does_not_replace_a_higher_one(redis: Redis) -> None:
    marks = RedisMarks(redis)
    marks.decide("epn", "p", "2", "two")
    marks.decide("epn", "p", "1", "one")

    assert marks.decided("epn", "p") == ("2", "two")
    assert marks.decided("epn", "q") is None


def test_a_stage_that_comes_late_does_not_undo_the_end(receipts: RedisReceipts) -> None:
    receipts.settle("r", Outcome.LIVE, NOW, url="http://edge.test/x/")
    receipts.note("r", Outcome.RENDERED, NOW + timedelta(seconds=1))

    assert status(receipts) is Outcome.LIVE


def test_what_was_live_is_not_called_superseded_by_a_late_message(receipts: RedisReceipts) -> None:
    receipts.settle("r", Outcome.LIVE, NOW)
    receipts.settle("r", Outcome.SUPERSEDED, NOW)

    assert status(receipts) is Outcome.LIVE


def test_a_failure_that_was_replayed_ends_live(receipts: RedisReceipts) -> None:
    receipts.settle("r", Outcome.FAILED, NOW, reason="x")
    receipts.settle("r", Outcome.LIVE, NOW)

    assert status(receipts) is Outcome.LIVE


def test_an_unknown_receipt_is_none(receipts: RedisReceipts) -> None:
    assert receipts.find("nobody") is None
