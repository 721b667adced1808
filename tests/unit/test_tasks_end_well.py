"""What becomes of a message whose handler fails: retried, or kept with its reason, never dropped."""

from __future__ import annotations

import json
from typing import Any

import pytest
from redis import Redis

from shared.celery_app import MOST_ATTEMPTS, PresslineCelery, create_app
from shared.dead_letters import DeadLetters
from shared.errors import OutageError, PermanentError
from shared.receipts import Outcome, Receipt
from shared.receipts.redis import RedisReceipts
from shared.settings import ServiceSettings
from shared.storage.memory import MemoryObjectStorage

PAYLOAD = {"message_id": "6f1c1b5e-8c0e-4f0e-9a55-0d3a1b2c3d4e", "site": "epn", "article": "a", "revision": "1"}


class Bench:
    """An app whose one task fails as it is told, and the bucket where its dead letters go."""

    def __init__(self, redis: Redis, redis_url: str) -> None:
        self.content = MemoryObjectStorage()
        self.receipts = RedisReceipts(redis)
        letters = DeadLetters("render", self.content, self.receipts)
        self.app: PresslineCelery = create_app("render", ServiceSettings(redis_url=redis_url), lambda: letters)
        self.runs = 0

    def run(self, error: Exception) -> None:
        """Have a task fail with an error until Celery is done with it."""

        def fail(payload: dict[str, Any]) -> None:
            self.runs += 1
            raise error

        self.app.task(name=f"render.fail-{id(error)}")(fail).apply(args=(PAYLOAD,))

    def letter(self) -> dict[str, Any]:
        """Return the one dead letter."""
        (key,) = self.content.list_keys("dead-letters/render/")
        found: dict[str, Any] = json.loads(self.content.get(key).body)
        return found


@pytest.fixture
def bench(redis: Redis, redis_url: str) -> Bench:
    return Bench(redis, redis_url)


def test_a_permanent_error_is_kept_at_once_with_payload_and_reason(bench: Bench) -> None:
    bench.run(PermanentError("the reason"))

    letter = bench.letter()
    assert bench.runs == 1
    assert (letter["error"], letter["reason"], letter["payload"]) == ("PermanentError", "the reason", PAYLOAD)
    assert "PermanentError" in letter["traceback"]


def test_its_receipt_says_that_it_failed_and_why(bench: Bench) -> None:
    bench.receipts.open(Receipt(receipt="epn.a.1", site="epn", article="a", revision="1"))

    bench.run(PermanentError("the reason"))

    receipt = bench.receipts.find("epn.a.1")
    assert receipt is not None
    assert receipt.status is Outcome.FAILED
    assert "the reason" in (receipt.reason or "")


def test_an_error_that_nobody_foresaw_is_tried_again_and_then_kept(bench: Bench) -> None:
    bench.run(ZeroDivisionError("a bug"))

    assert bench.runs == MOST_ATTEMPTS
    assert bench.letter()["attempts"] == MOST_ATTEMPTS


def test_an_outage_is_waited_out_however_long_and_buries_nothing(bench: Bench) -> None:
    class StoreDownForAWhileError(OutageError):
        """A store that is down for the first fifty tries."""

    def fail(payload: dict[str, Any]) -> None:
        bench.runs += 1
        if bench.runs <= 50:
            raise StoreDownForAWhileError

    bench.app.task(name="render.outage")(fail).apply(args=(PAYLOAD,))

    assert bench.runs == 51
    assert list(bench.content.list_keys("dead-letters/")) == []
