from __future__ import annotations

import json

import pytest

from services.ingest.domain.states import ReceiptState
from services.ingest.handler import find_article_state, find_receipt_state
from shared.messages import Message
from shared.receipts import Outcome
from tests.functional.conftest import Line, an_article


def submitted(line: Line, raw: bytes) -> str:
    return line.submit(raw).receipt


def state_after_a_flush(line: Line, receipt: str) -> ReceiptState:
    line.redis.flushall()
    state = find_receipt_state(receipt, line.intake)
    assert state is not None
    return state


def bury(line: Line, message: Message, reason: str) -> None:
    error = RuntimeError(reason)
    line.intake.letters.bury("enrich.ArticleAccepted", message.model_dump(mode="json"), error, attempts=6, at=line.now)


def test_a_receipt_of_something_that_was_not_read_yet_outlives_redis(line: Line) -> None:
    receipt = submitted(line, json.dumps(an_article()).encode())

    state = state_after_a_flush(line, receipt)

    assert (state.status, state.stages[0].at) == (Outcome.ACCEPTED, line.now)


def test_a_receipt_of_something_that_was_read_later_outlives_redis(line: Line) -> None:
    receipt = submitted(line, json.dumps(an_article()).encode())
    line.tick()

    state = state_after_a_flush(line, receipt)

    assert (state.receipt, state.status) == (receipt, Outcome.LIVE)
    assert state.article
    assert state.pages
    assert state.report is not None


@pytest.mark.parametrize("is_flushed", [False, True])
def test_a_refused_submission_tells_each_fault_and_where_it_was(line: Line, *, is_flushed: bool) -> None:
    receipt = submitted(line, json.dumps(an_article(headline="", slug="../x")).encode())
    line.run()
    if is_flushed:
        line.redis.flushall()

    state = find_receipt_state(receipt, line.intake)

    assert state is not None
    assert state.status is Outcome.REFUSED
    assert {fault.pointer for fault in state.faults} == {"/headline", "/slug"}
    assert "/headline" in (state.reason or "")


def test_an_article_that_was_given_up_says_so_also_from_the_bucket_alone(line: Line) -> None:
    accepted = line.post()
    (message,) = line.queue
    line.queue.clear()
    bury(line, message, "it was not to be")

    state = state_after_a_flush(line, accepted.receipt)
    article = find_article_state(line.site, accepted.article, line.intake)

    assert state.status is Outcome.FAILED
    assert f"in dead letter {message.message_id}" in (state.reason or "")
    assert "it was not to be" not in (state.reason or "")
    assert article is not None
    assert article.status is Outcome.FAILED


def test_a_failure_is_told_although_redis_was_away_when_it_happened(line: Line) -> None:
    accepted = line.post()
    (message,) = line.queue
    line.queue.clear()
    bury(line, message, "it was not to be")
    line.redis.hset(f"receipt:{accepted.receipt}", "status", "accepted")  # what was to be told was lost
    line.redis.hdel(f"receipt:{accepted.receipt}", "stage:failed")
    line.now = line.now.replace(minute=line.now.minute + 1)

    assert line.receipt_status(accepted.receipt) == "failed"


def test_a_failure_that_was_replayed_ends_live_also_from_the_bucket_alone(line: Line) -> None:
    accepted = line.post()
    (message,) = line.queue
    bury(line, message, "it was not to be")
    line.tick()

    assert state_after_a_flush(line, accepted.receipt).status is Outcome.LIVE


def test_a_submission_that_was_given_up_is_told_until_it_is_replayed(line: Line) -> None:
    receipt = submitted(line, json.dumps(an_article()).encode())
    (message,) = line.queue
    line.queue.clear()
    bury(line, message, "it was not to be")

    assert state_after_a_flush(line, receipt).status is Outcome.FAILED

    line.queue.append(message)  # replayed
    line.tick()
    assert state_after_a_flush(line, receipt).status is Outcome.LIVE


def test_a_message_of_no_site_is_buried_all_the_same(line: Line) -> None:
    key = line.intake.letters.bury("ingest.X", {"receipt": "r"}, RuntimeError("x"), attempts=1, at=line.now)

    assert line.content.find(key) is not None


def test_a_message_with_nonsense_for_names_is_buried_all_the_same(line: Line) -> None:
    nonsense = {"site": "\ud800", "article": 5, "revision": ["x" * 10_000]}

    key = line.intake.letters.bury("ingest.X", nonsense, RuntimeError("x"), attempts=1, at=line.now)

    assert line.content.find(key) is not None


def test_a_withdrawal_that_came_after_a_kill_is_told_killed(line: Line) -> None:
    line.post()
    line.post(status="canceled", body="", version_created="2026-11-01T11:00:00Z")
    withheld = line.post(status="withheld", body="", version_created="2026-11-01T11:30:00Z")
    line.tick()

    assert line.receipt_status(withheld.receipt) == "killed"
    assert state_after_a_flush(line, withheld.receipt).status is Outcome.KILLED


def test_nobody_knows_a_receipt_that_was_never_given(line: Line) -> None:
    assert find_receipt_state("0" * 32, line.intake) is None
    assert find_receipt_state(f"epn.{'a' * 26}.{'0' * 17}-{'0' * 10}-000", line.intake) is None
