"""What becomes of a message whose handler fails: retried, or kept with its reason, never dropped."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any
from uuid import UUID

import pytest
from redis import Redis
from structlog.testing import capture_logs

from infra.local.ports import free_ports
from shared import deadline, keys
from shared.celery_app import TIME_LIMIT_SECONDS, PresslineCelery, create_app
from shared.celery_task import LONGEST_RETRY_WAIT_SECONDS, MOST_ATTEMPTS, MOST_ATTEMPTS_OF_THE_RETRYABLE
from shared.dead_letters import DeadLetters
from shared.deadline import peer_call
from shared.errors import PermanentError, StorageConflictError, StorageUnavailableError
from shared.marks.redis import RedisMarks
from shared.messages import Lane, ListingsStale
from shared.receipts import Outcome, Receipt
from shared.receipts.redis import RedisReceipts
from shared.settings import ServiceSettings
from shared.storage.memory import MemoryObjectStorage

PAYLOAD = {"message_id": "6f1c1b5e-8c0e-4f0e-9a55-0d3a1b2c3d4e", "site": "epn", "article": "a", "revision": "1"}

DOWN = StorageUnavailableError("down")


class Bench:
    """An app whose one task does as it is told, and the bucket where its dead letters go."""

    def __init__(self, redis: Redis, redis_url: str) -> None:
        self.content = MemoryObjectStorage()
        self.receipts, self.marks = RedisReceipts(redis), RedisMarks(redis)
        letters = DeadLetters("render", self.content, self.receipts, self.marks)
        self.app: PresslineCelery = create_app("render", ServiceSettings(redis_url=redis_url), lambda: letters)
        self.runs = 0

    def run(self, error: Exception | None, payload: dict[str, Any] = PAYLOAD, name: str = "render.") -> None:
        """Have a task fail with an error (or not) until Celery is done with it."""

        def do(payload: dict[str, Any]) -> None:
            self.runs += 1
            if error is not None:
                raise error

        name += f"{id(do)}" if name.endswith(".") else ""
        self.app.task(name=name, shared=False)(do).apply(args=(payload,), task_id=payload["message_id"])

    def die(self, times: int) -> None:
        """Leave behind what a process leaves that dies while it runs the message."""
        for _ in range(times):
            self.app.deliveries.begin("render", f"{PAYLOAD['message_id']}.")

    def letters(self) -> list[dict[str, Any]]:
        """Return the dead letters."""
        return [json.loads(self.content.get(key).body) for key in self.content.list_keys("dead-letters/render/")]

    def letter(self) -> dict[str, Any]:
        """Return the one dead letter."""
        (letter,) = self.letters()
        return letter


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
    template = "undefined value (in card.html:3)\n" + "{{ card.headline }} Another article's headline\n" * 100

    bench.run(PermanentError(template))

    receipt = bench.receipts.find("epn.a.1")
    assert receipt is not None
    assert receipt.status is Outcome.FAILED
    letter = bench.letter()["id"]
    assert receipt.reason == f"the article could not be rendered; the operators find the cause in dead letter {letter}"
    assert "Another article's headline" in bench.letter()["reason"]


def test_an_error_that_nobody_foresaw_is_tried_again_and_then_kept(bench: Bench) -> None:
    bench.run(ZeroDivisionError("a bug"))

    assert bench.runs == MOST_ATTEMPTS
    assert bench.letter()["attempts"] == MOST_ATTEMPTS


def test_a_store_that_is_down_for_ten_minutes_is_waited_out_and_nothing_is_buried(bench: Bench) -> None:
    def fail(payload: dict[str, Any]) -> None:
        bench.runs += 1
        if sum(line["wait_seconds"] for line in lines if "wait_seconds" in line) < 600:
            raise DOWN

    with capture_logs() as lines:
        bench.app.task(name="render.outage", shared=False)(fail).apply(args=(PAYLOAD,))

    assert bench.runs > MOST_ATTEMPTS_OF_THE_RETRYABLE
    assert max(line["wait_seconds"] for line in lines if "wait_seconds" in line) == LONGEST_RETRY_WAIT_SECONDS
    assert bench.letters() == []


def test_a_task_whose_peers_are_slow_gives_up_in_time_and_is_tried_again_as_after_an_outage(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def call_slow_peers(payload: dict[str, Any]) -> None:
        bench.runs += 1
        began = now[0]
        for _ in range(5):
            with peer_call():
                now[0] += 4 if bench.runs <= MOST_ATTEMPTS_OF_THE_RETRYABLE else 0
        assert now[0] - began < TIME_LIMIT_SECONDS

    now = [0.0]
    monkeypatch.setattr(deadline, "monotonic", lambda: now[0])
    bench.app.task(name="render.slow-peers", shared=False)(call_slow_peers).apply(args=(PAYLOAD,))

    assert bench.runs == MOST_ATTEMPTS_OF_THE_RETRYABLE + 1
    assert bench.letters() == []


def test_a_message_that_killed_its_process_three_times_is_kept_at_its_fourth_delivery_without_being_run(
    bench: Bench,
) -> None:
    bench.die(times=3)
    bench.run(None)

    letter = bench.letter()
    assert bench.runs == 0
    assert (letter["error"], letter["attempts"], letter["payload"]) == ("WorkerKilledError", 3, PAYLOAD)


def test_a_message_that_killed_its_process_twice_is_run_once_more(bench: Bench) -> None:
    bench.die(times=2)
    bench.run(None)

    assert bench.runs == 1
    assert bench.letters() == []


def test_what_travelled_together_and_killed_its_process_goes_on_in_parts(bench: Bench, redis: Redis) -> None:
    bundle = ListingsStale(
        message_id=UUID(PAYLOAD["message_id"]), site="epn", lane=Lane.BULK, listings={"a": 1, "b": 2}
    )
    bench.die(times=1)

    bench.run(None, bundle.model_dump(mode="json"), name="render.ListingsStale")

    waiting = [json.loads(each)["body"] for each in redis.lrange("render.bulk", 0, -1)]
    sent = [json.loads(b64decode(body))[0][0] for body in reversed(waiting)]
    assert [(each["listing"], each["changed"]) for each in sent] == [("a", 1), ("b", 2)]
    assert bench.runs == 0
    assert bench.letters() == []
    assert redis.keys("deliveries:*") == []


@pytest.mark.parametrize("error", [None, PermanentError("x"), StorageConflictError("x"), ZeroDivisionError("x")])
def test_a_process_that_survives_its_message_leaves_no_count(
    bench: Bench, redis: Redis, error: Exception | None
) -> None:
    bench.die(times=2)
    bench.run(error)

    assert redis.keys("deliveries:*") == []


def test_while_redis_is_away_nothing_is_counted_and_the_message_is_run(redis: Redis) -> None:
    nobody = f"redis://127.0.0.1:{free_ports(1)[0]}/0"
    bench = Bench(redis, nobody)

    bench.run(None)

    assert bench.runs == 1


def test_a_deadly_message_that_cannot_be_kept_yet_is_given_back_with_its_count(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put(*_: object, **__: object) -> None:
        raise DOWN

    bench.die(times=3)
    with monkeypatch.context() as outage:
        outage.setattr(bench.content, "put", put)
        bench.run(None)
    assert bench.letters() == []
    bench.run(None)

    assert bench.letter()["error"] == "WorkerKilledError"
    assert bench.runs == 0


def test_what_is_kept_is_parked_so_that_it_is_not_said_again_for_ever(bench: Bench) -> None:
    bench.run(PermanentError("x"))
    bench.run(PermanentError("x"), PAYLOAD | {"article": None, "listing": "home", "changed": 7})

    assert bench.marks.is_parked("epn", "a", "1")
    assert not bench.marks.is_parked("epn", "a", "2")
    assert bench.marks.is_parked("epn", "listing:home", 7)
    assert not bench.marks.is_parked("epn", "listing:home", 8)


def test_a_submission_that_is_kept_is_no_longer_in_the_inbox(bench: Bench) -> None:
    inbox = keys.inbox_key("epn", "r")
    bench.content.put(inbox, b"{}")

    bench.run(PermanentError("x"), PAYLOAD | {"receipt": "r"}, name="ingest.SubmitArticle")

    assert bench.content.find(inbox) is None


def test_hostile_text_makes_no_letter_large_and_none_unwritable(bench: Bench) -> None:
    payload = PAYLOAD | {"message_id": "../../elsewhere", "article": "\ud800"}
    bench.run(PermanentError("\ud800" + "x" * 1_000_000), payload)

    letter = bench.letter()
    assert len(letter["reason"]) < 3_000
    assert len(letter["traceback"]) < 30_000
    assert letter["payload"] == payload
    assert "/" not in letter["id"]
