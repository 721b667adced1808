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


def test_a_quarantine_holds_up_to_a_version_and_not_for_a_newer_one(redis: Redis) -> None:
    marks = RedisMarks(redis)
    marks.park("epn", "a", "2", 60)
    marks.park("epn", "a", "1", 60)  # an older letter that comes late opens nothing
    marks.park("epn", "listing:home", 9, 60)

    assert [marks.is_parked("epn", "a", revision) for revision in ("1", "2", "3")] == [True, True, False]
    assert [marks.is_parked("epn", "listing:home", number) for number in (9, 10)] == [True, False]
    assert marks.is_parked("epn", "another", "1") is False
    assert 0 < int(str(redis.ttl("parked:epn:a"))) <= 60


def test_a_replayed_subject_leaves_quarantine(redis: Redis) -> None:
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
