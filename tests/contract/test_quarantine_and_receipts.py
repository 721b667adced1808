"""Quarantine and receipts in Redis."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from shared.runtime.quarantine.redis import RedisQuarantine
from shared.runtime.receipts import Receipt, ReceiptStatus
from shared.runtime.receipts.redis import RedisReceipts

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def receipts(redis: Redis) -> RedisReceipts:
    found = RedisReceipts(redis)
    found.open(Receipt(receipt="r", site="epn", article="a", revision="1"))
    return found


def status(receipts: RedisReceipts) -> ReceiptStatus:
    receipt = receipts.find("r")
    assert receipt is not None
    return receipt.status


def test_a_quarantine_holds_up_to_a_version_and_not_for_a_newer_one(redis: Redis) -> None:
    quarantine = RedisQuarantine(redis)
    quarantine.add("epn", "a", "2", 60)
    quarantine.add("epn", "a", "1", 60)  # a late, older dead letter does not shorten the quarantine
    quarantine.add("epn", "listing:home", 9, 60)

    assert [quarantine.is_quarantined("epn", "a", revision) for revision in ("1", "2", "3")] == [True, True, False]
    assert [quarantine.is_quarantined("epn", "listing:home", number) for number in (9, 10)] == [True, False]
    assert quarantine.is_quarantined("epn", "another", "1") is False
    assert 0 < int(str(redis.ttl("quarantine:epn:a"))) <= 60


def test_a_replayed_subject_leaves_quarantine(redis: Redis) -> None:
    quarantine = RedisQuarantine(redis)
    quarantine.add("epn", "a", "2", 60)

    quarantine.release("epn", "a")

    assert quarantine.is_quarantined("epn", "a", "2") is False


def test_a_late_stage_does_not_replace_a_final_status(receipts: RedisReceipts) -> None:
    receipts.finalise("r", ReceiptStatus.LIVE, NOW, url="http://edge.test/x/")
    receipts.note("r", ReceiptStatus.RENDERED, NOW + timedelta(seconds=1))

    assert status(receipts) is ReceiptStatus.LIVE


@pytest.mark.parametrize("late", [ReceiptStatus.SUPERSEDED, ReceiptStatus.FAILED])
def test_a_live_receipt_ignores_a_late_superseded_or_failed(receipts: RedisReceipts, late: ReceiptStatus) -> None:
    receipts.finalise("r", ReceiptStatus.LIVE, NOW, url="http://edge.test/")
    receipts.finalise("r", late, NOW)

    assert status(receipts) is ReceiptStatus.LIVE


def test_a_failed_receipt_becomes_live_after_a_replay(receipts: RedisReceipts) -> None:
    receipts.finalise("r", ReceiptStatus.FAILED, NOW, reason="x")
    receipts.finalise("r", ReceiptStatus.LIVE, NOW)

    assert status(receipts) is ReceiptStatus.LIVE


def test_an_unknown_receipt_is_none(receipts: RedisReceipts) -> None:
    assert receipts.find("nobody") is None
