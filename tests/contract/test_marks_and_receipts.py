from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from shared.marks.redis import RedisMarks
from shared.messages import Lane
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


def test_a_subject_that_was_told_of_is_not_told_of_again_before_its_time(redis: Redis) -> None:
    marks = RedisMarks(redis, first_wait_seconds=60)
    marks.set_pending("epn", "a", Lane.LIVE)

    assert marks.may_tell("epn", ["a", "another"], {}) == {"another": ""}


def test_each_time_that_a_subject_is_told_of_the_next_is_twice_as_far_off(redis: Redis) -> None:
    marks = RedisMarks(redis, first_wait_seconds=60)
    waits = []
    for attempt in range(3):
        if attempt:
            redis.set("told:epn:a", f"{attempt - 1} 0 0 live")  # its time has come
        token = marks.may_tell("epn", ["a"], {})["a"]
        assert marks.tell("epn", "a", Lane.LIVE, token) is True
        _, told, until, _ = str(redis.get("told:epn:a")).split(" ")
        waits.append((int(until) - int(told)) / 1000)

    assert waits == [60, 120, 240]


def test_of_two_schedulers_one_tells(redis: Redis) -> None:
    marks = RedisMarks(redis)
    token = marks.may_tell("epn", ["a"], {})["a"]

    assert [marks.tell("epn", "a", Lane.LIVE, token) for _ in range(2)] == [True, False]


def test_what_may_still_wait_in_its_lane_is_not_told_of_again(redis: Redis) -> None:
    marks = RedisMarks(redis)
    told = NOW.timestamp() * 1000
    redis.set("told:epn:a", f"0 {told:.0f} {told:.0f} bulk")
    an_hour = timedelta(hours=1)

    assert marks.may_tell("epn", ["a"], {Lane.BULK: NOW - an_hour}) == {}
    assert "a" in marks.may_tell("epn", ["a"], {Lane.BULK: NOW + an_hour, Lane.LIVE: NOW - an_hour})


def test_a_lower_decision_does_not_replace_a_higher_one(redis: Redis) -> None:
    marks = RedisMarks(redis)
    marks.decide("epn", "p", "2", "two")
    marks.decide("epn", "p", "1", "one")

    assert marks.decided("epn", "p") == ("2", "two")
    assert marks.decided("epn", "q") is None


def test_what_is_parked_is_not_said_again_but_newer_is(redis: Redis) -> None:
    marks = RedisMarks(redis)
    marks.park("epn", "a", "2", 60)
    marks.park("epn", "a", "1", 60)  # an older letter that comes late opens nothing
    marks.park("epn", "listing:home", 9, 60)

    assert [marks.is_parked("epn", "a", revision) for revision in ("1", "2", "3")] == [True, True, False]
    assert [marks.is_parked("epn", "listing:home", number) for number in (9, 10)] == [True, False]
    assert marks.is_parked("epn", "another", "1") is False
    assert 0 < int(str(redis.ttl("parked:epn:a"))) <= 60


def test_what_is_replayed_may_be_said_again(redis: Redis) -> None:
    marks = RedisMarks(redis)
    marks.park("epn", "a", "2", 60)

    marks.unpark("epn", "a")

    assert marks.is_parked("epn", "a", "2") is False


def test_a_stage_that_comes_late_does_not_undo_the_end(receipts: RedisReceipts) -> None:
    receipts.settle("r", Outcome.LIVE, NOW, url="http://edge.test/x/")
    receipts.note("r", Outcome.RENDERED, NOW + timedelta(seconds=1))

    assert status(receipts) is Outcome.LIVE


@pytest.mark.parametrize("late", [Outcome.SUPERSEDED, Outcome.FAILED])
def test_what_was_live_stays_live_whatever_is_said_of_it_later(receipts: RedisReceipts, late: Outcome) -> None:
    receipts.settle("r", Outcome.LIVE, NOW, url="http://edge.test/")
    receipts.settle("r", late, NOW)

    assert status(receipts) is Outcome.LIVE


def test_a_failure_that_was_replayed_ends_live(receipts: RedisReceipts) -> None:
    receipts.settle("r", Outcome.FAILED, NOW, reason="x")
    receipts.settle("r", Outcome.LIVE, NOW)

    assert status(receipts) is Outcome.LIVE


def test_an_unknown_receipt_is_none(receipts: RedisReceipts) -> None:
    assert receipts.find("nobody") is None
