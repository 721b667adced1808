from __future__ import annotations

import json
from datetime import timedelta

import pytest

from services.ingest.domain.states import ReceiptState
from services.ingest.handler import find_article_state, find_receipt_state
from shared.messaging.messages import Message
from shared.runtime.receipts import ReceiptStatus
from tests.functional.conftest import Pipeline, an_article


def submitted(pipeline: Pipeline, raw: bytes) -> str:
    return pipeline.submit(raw).receipt


def state_after_a_flush(pipeline: Pipeline, receipt: str) -> ReceiptState:
    pipeline.redis.flushall()
    state = find_receipt_state(receipt, pipeline.ingest_deps)
    assert state is not None
    return state


def bury(pipeline: Pipeline, message: Message, reason: str) -> None:
    error = RuntimeError(reason)
    pipeline.ingest_deps.dead_letters.bury(
        "enrich.ArticleAccepted", message.model_dump(mode="json"), error, attempts=6, at=pipeline.now
    )


def test_a_receipt_of_an_unread_submission_survives_the_loss_of_redis(pipeline: Pipeline) -> None:
    receipt = submitted(pipeline, json.dumps(an_article()).encode())

    state = state_after_a_flush(pipeline, receipt)

    assert (state.status, state.stages[0].at) == (ReceiptStatus.ACCEPTED, pipeline.now)


def test_a_receipt_of_a_submission_that_was_read_later_survives_the_loss_of_redis(pipeline: Pipeline) -> None:
    receipt = submitted(pipeline, json.dumps(an_article()).encode())
    pipeline.tick()

    state = state_after_a_flush(pipeline, receipt)

    assert (state.receipt, state.status) == (receipt, ReceiptStatus.LIVE)
    assert state.article
    assert state.pages
    assert state.report is not None


@pytest.mark.parametrize("is_flushed", [False, True])
def test_a_refused_submission_lists_each_fault_with_its_place(pipeline: Pipeline, *, is_flushed: bool) -> None:
    receipt = submitted(pipeline, json.dumps(an_article(headline="", slug="../x")).encode())
    pipeline.run()
    if is_flushed:
        pipeline.redis.flushall()

    state = find_receipt_state(receipt, pipeline.ingest_deps)

    assert state is not None
    assert state.status is ReceiptStatus.REFUSED
    assert {fault.pointer for fault in state.faults} == {"/headline", "/slug"}
    assert "/headline" in (state.reason or "")


def test_a_dead_lettered_article_is_failed_even_by_the_content_bucket_alone(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    (message,) = pipeline.queue
    pipeline.queue.clear()
    bury(pipeline, message, "the reason")

    state = state_after_a_flush(pipeline, accepted.receipt)
    article = find_article_state(pipeline.site, accepted.article, pipeline.ingest_deps)

    assert state.status is ReceiptStatus.FAILED
    assert f"in dead letter {message.message_id}" in (state.reason or "")
    assert "the reason" not in (state.reason or "")
    assert article is not None
    assert article.status is ReceiptStatus.FAILED


def test_a_failure_is_reported_even_if_redis_was_down_when_it_happened(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    (message,) = pipeline.queue
    pipeline.queue.clear()
    bury(pipeline, message, "the reason")
    pipeline.redis.hset(f"receipt:{accepted.receipt}", "status", "accepted")  # the report of the failure was lost
    pipeline.redis.hdel(f"receipt:{accepted.receipt}", "stage:failed")
    pipeline.now = pipeline.now.replace(minute=pipeline.now.minute + 1)

    assert pipeline.receipt_status(accepted.receipt) == "failed"


def test_a_replayed_failure_ends_live_even_by_the_content_bucket_alone(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    (message,) = pipeline.queue
    bury(pipeline, message, "the reason")
    pipeline.tick()

    assert state_after_a_flush(pipeline, accepted.receipt).status is ReceiptStatus.LIVE


def test_a_dead_lettered_submission_is_failed_until_it_is_replayed(pipeline: Pipeline) -> None:
    receipt = submitted(pipeline, json.dumps(an_article()).encode())
    (message,) = pipeline.queue
    pipeline.queue.clear()
    bury(pipeline, message, "the reason")

    assert state_after_a_flush(pipeline, receipt).status is ReceiptStatus.FAILED

    pipeline.queue.append(message)  # replayed
    pipeline.tick()
    assert state_after_a_flush(pipeline, receipt).status is ReceiptStatus.LIVE


def test_a_message_without_a_site_becomes_a_dead_letter_too(pipeline: Pipeline) -> None:
    key = pipeline.ingest_deps.dead_letters.bury(
        "ingest.X", {"receipt": "r"}, RuntimeError("x"), attempts=1, at=pipeline.now
    )

    assert pipeline.content.find(key) is not None


def test_a_message_with_malformed_ids_becomes_a_dead_letter_too(pipeline: Pipeline) -> None:
    nonsense = {"site": "\ud800", "article": 5, "revision": ["x" * 10_000]}

    key = pipeline.ingest_deps.dead_letters.bury("ingest.X", nonsense, RuntimeError("x"), attempts=1, at=pipeline.now)

    assert pipeline.content.find(key) is not None


def test_the_receipt_of_a_withdrawal_after_a_kill_says_killed(pipeline: Pipeline) -> None:
    pipeline.post()
    pipeline.post(status="canceled", body="", version_created="2026-11-01T11:00:00Z")
    withheld = pipeline.post(status="withheld", body="", version_created="2026-11-01T11:30:00Z")
    pipeline.tick()

    assert pipeline.receipt_status(withheld.receipt) == "killed"
    assert state_after_a_flush(pipeline, withheld.receipt).status is ReceiptStatus.KILLED


def test_an_unknown_receipt_is_not_found(pipeline: Pipeline) -> None:
    assert find_receipt_state("0" * 32, pipeline.ingest_deps) is None
    assert find_receipt_state(f"epn.{'a' * 26}.{'0' * 17}-{'0' * 10}-000", pipeline.ingest_deps) is None


def test_a_receipt_has_each_stage_on_the_way_with_its_time(pipeline: Pipeline) -> None:
    embargo = pipeline.now + timedelta(hours=1)
    receipt = pipeline.post(embargo_until=embargo.isoformat()).receipt
    accepted_at = pipeline.now
    pipeline.now = embargo + timedelta(seconds=1)
    pipeline.tick()

    state = find_receipt_state(receipt, pipeline.ingest_deps)

    assert state is not None
    names = ["accepted", "scheduled", "enriched", "rendered", "published", "live"]
    assert [stage.name for stage in state.stages] == names
    assert [stage.at for stage in state.stages][:2] == [accepted_at] * 2
    assert all(stage.at > embargo for stage in state.stages[2:])
