"""A message whose handler fails is retried or dead-lettered with its reason, and never dropped."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID, uuid4

import pytest
from redis import Redis
from structlog.testing import capture_logs

from infra.local.ports import free_ports
from shared.messaging.handling import Result
from shared.messaging.messages import ArticleRevision, ArticlesEnriched, Batch, ListingsStale, Message
from shared.messaging.pipeline import RENDER_ARTICLES, RENDER_LISTINGS, Step
from shared.model.lane import Lane
from shared.runtime import deadline
from shared.runtime.celery_app import TIME_LIMIT_SECONDS, PresslineCelery, create_app
from shared.runtime.celery_task import MAX_ATTEMPTS, MAX_RETRY_WAIT_SECONDS, MAX_RETRYABLE_ATTEMPTS
from shared.runtime.dead_letters import DeadLetters
from shared.runtime.deadline import peer_call
from shared.runtime.errors import (
    PeersTooSlowError,
    PermanentError,
    RedisUnavailableError,
    StorageConflictError,
    StorageUnavailableError,
    TaskTooSlowError,
)
from shared.runtime.quarantine.redis import RedisQuarantine
from shared.runtime.rebuild_runs import RunOutcome
from shared.runtime.receipts import Receipt, ReceiptStatus
from shared.runtime.receipts.redis import RedisReceipts
from shared.runtime.settings import ServiceSettings
from shared.storage.memory import MemoryObjectStorage

A_AND_B = ArticlesEnriched(
    message_id=UUID("6f1c1b5e-8c0e-4f0e-9a55-0d3a1b2c3d4e"),
    site="epn",
    lane=Lane.BULK,
    run="r1",
    articles=(ArticleRevision(article="a", revision="1"), ArticleRevision(article="b", revision="1")),
)
A = A_AND_B.model_copy(update={"articles": A_AND_B.articles[:1]})
PAYLOAD: dict[str, Any] = A.model_dump(mode="json")

DOWN = StorageUnavailableError("down")


class Bench:
    """An app with a render task that fails on demand, and the bucket of its dead letters."""

    def __init__(self, redis: Redis, redis_url: str) -> None:
        self.content, self.redis = MemoryObjectStorage(), redis
        self.receipts, self.quarantine = RedisReceipts(redis), RedisQuarantine(redis)
        dead_letters = DeadLetters("render", self.content, self.receipts, self.quarantine)
        self.app: PresslineCelery = create_app("render", ServiceSettings(redis_url=redis_url), lambda: dead_letters)
        self.app.register({RENDER_ARTICLES: self._handle, RENDER_LISTINGS: self._handle}, lambda site: site)
        self.handled: list[tuple[str, ...]] = []
        self.do: Callable[[Any, object], Result]

    @property
    def runs(self) -> int:
        """Return how often a message was handled."""
        return len(self.handled)

    def run(self, error: Exception | None, payload: dict[str, Any] = PAYLOAD) -> None:
        """Let a message fail with an error (or succeed) until Celery is done with it."""

        def do(message: Batch, _: object) -> Result:
            if error is not None:
                raise error
            return Result()

        self.handle(do, payload)

    def handle(self, do: Callable[[Any, object], Result], payload: dict[str, Any] = PAYLOAD) -> None:
        """Handle a message until Celery is done with it."""

        self.do = do
        step = RENDER_LISTINGS if "listings" in payload else RENDER_ARTICLES
        self.app.tasks[step.task_name].apply(args=(payload,), task_id=payload["message_id"])

    def _handle(self, message: Batch, deps: object) -> Result:
        self.handled.append(message.items)
        return self.do(message, deps)

    def waiting(self) -> list[dict[str, Any]]:
        """Return the messages in the bulk lane, oldest first."""
        bodies = [json.loads(each)["body"] for each in self.redis.lrange("render.bulk", 0, -1)]
        return [json.loads(b64decode(body))[0][0] for body in reversed(bodies)]

    def die(self, times: int) -> None:
        """Leave the count of a process that dies while it handles the message."""
        for _ in range(times):
            self.app.deliveries.begin("render", f"{PAYLOAD['message_id']}.")

    def dead_letters(self) -> list[dict[str, Any]]:
        """Return the dead letters."""
        return [json.loads(self.content.get(key).body) for key in self.content.list_keys("dead-letters/render/")]

    def letter(self) -> dict[str, Any]:
        """Return the one dead letter."""
        (letter,) = self.dead_letters()
        return letter


@pytest.fixture
def bench(redis: Redis, redis_url: str) -> Bench:
    return Bench(redis, redis_url)


def test_a_permanent_error_is_dead_lettered_at_once_with_payload_and_reason(bench: Bench) -> None:
    bench.run(PermanentError("the reason"))

    letter = bench.letter()
    assert bench.runs == 1
    assert (letter["error"], letter["reason"], letter["payload"]) == ("PermanentError", "the reason", PAYLOAD)
    assert "PermanentError" in letter["traceback"]


def test_the_receipt_of_a_dead_letter_is_failed_with_a_reason(bench: Bench) -> None:
    bench.receipts.open(Receipt(receipt="epn.a.1", site="epn", article="a", revision="1"))
    template = "undefined value (in card.html:3)\n" + "{{ card.headline }} Another article's headline\n" * 100

    bench.run(PermanentError(template))

    receipt = bench.receipts.find("epn.a.1")
    assert receipt is not None
    assert receipt.status is ReceiptStatus.FAILED
    letter = bench.letter()["id"]
    assert receipt.reason == f"the article could not be rendered; the operators find the cause in dead letter {letter}"
    assert "Another article's headline" in bench.letter()["reason"]


def test_an_unexpected_error_is_retried_and_then_dead_lettered(bench: Bench) -> None:
    bench.run(ZeroDivisionError("a bug"))

    assert bench.runs == MAX_ATTEMPTS
    assert bench.letter()["attempts"] == MAX_ATTEMPTS


def test_a_store_that_is_down_for_ten_minutes_makes_no_dead_letter(bench: Bench) -> None:
    def fail(message: Batch, _: object) -> Result:
        if sum(line["wait_seconds"] for line in lines if "wait_seconds" in line) < 600:
            raise DOWN
        return Result()

    with capture_logs() as lines:
        bench.handle(fail)

    assert bench.runs > MAX_RETRYABLE_ATTEMPTS
    assert max(line["wait_seconds"] for line in lines if "wait_seconds" in line) == MAX_RETRY_WAIT_SECONDS
    assert bench.dead_letters() == []


def test_a_task_with_slow_peers_stops_in_time_and_is_retried_as_after_an_outage(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def call_slow_peers(message: Batch, _: object) -> Result:
        began = now[0]
        for _ in range(5):
            with peer_call():
                now[0] += 4 if bench.runs <= MAX_RETRYABLE_ATTEMPTS else 0
        assert now[0] - began < TIME_LIMIT_SECONDS
        return Result()

    now = [0.0]
    monkeypatch.setattr(deadline, "monotonic", lambda: now[0])
    bench.handle(call_slow_peers)

    assert bench.runs == MAX_RETRYABLE_ATTEMPTS + 1
    assert bench.dead_letters() == []


def test_a_message_that_killed_its_process_three_times_is_dead_lettered_without_a_fourth_run(
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
    assert bench.dead_letters() == []


def test_a_batch_that_killed_its_process_is_split_in_halves(bench: Bench) -> None:
    bench.die(times=1)

    bench.run(None, A_AND_B.model_dump(mode="json"))

    assert [each["articles"] for each in bench.waiting()] == [
        [{"article": "a", "revision": "1"}],
        [{"article": "b", "revision": "1"}],
    ]
    assert bench.runs == 0
    assert bench.dead_letters() == []
    assert bench.redis.keys("deliveries:*") == []


def test_an_item_that_cannot_succeed_is_dead_lettered_alone_and_reported_to_its_run(bench: Bench) -> None:
    bench.handle(lambda *_: Result(failed={"b": PermanentError("the reason")}), A_AND_B.model_dump(mode="json"))

    assert bench.letter()["payload"]["articles"] == [{"article": "b", "revision": "1"}]
    assert bench.app.runs.reported("epn", "r1", ["a", "b"]) == {"b": RunOutcome.FAILED}
    assert bench.handled == [("a", "b")]
    assert bench.waiting() == []


def test_only_the_unfinished_items_are_retried(bench: Bench) -> None:
    bench.handle(lambda *_: Result(failed={"b": DOWN}), A_AND_B.model_dump(mode="json"))

    (again,) = bench.waiting()
    assert again["articles"] == [{"article": "b", "revision": "1"}]
    assert again["message_id"] != PAYLOAD["message_id"]
    assert bench.handled == [("a", "b")]


def test_the_items_that_were_not_begun_wait_in_the_queue_of_the_same_step(bench: Bench) -> None:
    bench.handle(lambda *_: Result(rest=("b",)), A_AND_B.model_dump(mode="json"))

    (rest,) = bench.waiting()
    assert rest["articles"] == [{"article": "b", "revision": "1"}]
    assert bench.handled == [("a", "b")]


def test_follow_ups_are_emitted_although_an_item_failed(bench: Bench) -> None:
    follows = A.model_copy(update={"message_id": uuid4()})

    bench.handle(lambda *_: Result((follows,), {"b": PermanentError("x")}), A_AND_B.model_dump(mode="json"))

    assert [each["message_id"] for each in bench.waiting()] == [str(follows.message_id)]


@pytest.mark.parametrize("error", [None, PermanentError("x"), StorageConflictError("x"), ZeroDivisionError("x")])
def test_a_process_that_survives_its_message_leaves_no_count(
    bench: Bench, redis: Redis, error: Exception | None
) -> None:
    bench.die(times=2)
    bench.run(error)

    assert redis.keys("deliveries:*") == []


def test_while_redis_is_down_the_message_is_handled_without_a_count(redis: Redis) -> None:
    nobody = f"redis://127.0.0.1:{free_ports(1)[0]}/0"
    bench = Bench(redis, nobody)

    bench.run(None)

    assert bench.runs == 1


def test_a_killing_message_that_cannot_be_stored_yet_is_requeued_with_its_count(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put(*_: object, **__: object) -> None:
        raise DOWN

    bench.die(times=3)
    with monkeypatch.context() as outage:
        outage.setattr(bench.content, "put", put)
        bench.run(None)
    assert bench.dead_letters() == []
    bench.run(None)

    assert bench.letter()["error"] == "WorkerKilledError"
    assert bench.runs == 0


def test_a_dead_lettered_item_goes_into_quarantine(bench: Bench) -> None:
    listing = ListingsStale(message_id=uuid4(), site="epn", listings={"home": 7})
    bench.run(PermanentError("x"))
    bench.run(PermanentError("x"), listing.model_dump(mode="json"))

    assert bench.quarantine.is_quarantined("epn", "a", "1")
    assert not bench.quarantine.is_quarantined("epn", "a", "2")
    assert bench.quarantine.is_quarantined("epn", "listing:home", 7)
    assert not bench.quarantine.is_quarantined("epn", "listing:home", 8)


def test_hostile_text_makes_no_dead_letter_too_large_or_unwritable(bench: Bench) -> None:
    payload = PAYLOAD | {"message_id": "../../elsewhere", "articles": [{"article": "\ud800", "revision": "1"}]}
    bench.run(PermanentError("\ud800" + "x" * 1_000_000), payload)

    letter = bench.letter()
    assert len(letter["reason"]) < 3_000
    assert len(letter["traceback"]) < 30_000
    assert letter["payload"] == payload
    assert "/" not in letter["id"]


def test_a_message_is_requeued_if_redis_refuses_a_partial_retry(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def send_nothing(_: Step, messages: Iterable[Message], **__: Any) -> None:
        if list(messages):
            raise RedisUnavailableError

    monkeypatch.setattr(bench.app, "send", send_nothing)
    bench.do = lambda *_: Result(failed={"b": DOWN})
    payload = A_AND_B.model_dump(mode="json")

    done = bench.app.tasks[RENDER_ARTICLES.task_name].apply(args=(payload,), task_id=payload["message_id"])

    assert str(done.state) == "REJECTED"


def test_an_outage_is_not_counted_as_an_attempt(bench: Bench) -> None:
    def do(*_: Any) -> Result:
        if bench.runs <= MAX_RETRYABLE_ATTEMPTS + 5:
            raise DOWN
        if bench.runs == MAX_RETRYABLE_ATTEMPTS + 6:
            raise StorageConflictError
        return Result()

    bench.handle(do)

    assert bench.dead_letters() == []


@pytest.mark.parametrize("error", [PeersTooSlowError("x"), TaskTooSlowError("x")])
def test_a_batch_that_ran_out_of_time_is_split_in_halves(bench: Bench, error: Exception) -> None:
    bench.run(error, A_AND_B.model_dump(mode="json"))

    assert [[each["article"] for each in sent["articles"]] for sent in bench.waiting()] == [["a"], ["b"]]
    assert bench.runs == 1
