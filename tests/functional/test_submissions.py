"""Lines that are stored together and read later: after any loss each is live or has a reason."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta

import pytest

from services.ingest.domain.accepted import Submitted
from services.ingest.domain.tracing import trace_parent
from services.ingest.handler import find_receipt_state, submissions, submit_batch
from services.ingest.ports import SubmissionMetadata
from shared.messaging.messages import SubmitArticles
from shared.model.lane import Lane
from shared.runtime.inbox import new_batch_id
from shared.storage import StoredObject
from tests.functional.conftest import Pipeline, an_article

LINES = [json.dumps(an_article(source_id=f"story-{n}", headline=f"Story {n}")).encode() for n in range(12)]
BAD = b'{"headline": ""}'


def submit_lines(pipeline: Pipeline, lines: list[bytes]) -> list[str]:
    """Submit lines in one request; return their receipts."""
    outcomes = submit_batch(
        lines,
        SubmissionMetadata(
            content_type="application/json",
            site=pipeline.site,
            feed=pipeline.site.feeds[0],
            received_at=pipeline.now,
            may_take_down=False,
            lane=Lane.BULK,
        ),
        new_batch_id(pipeline.now),
        pipeline.ingest_deps,
    )
    return [each.receipt for each in outcomes if isinstance(each, Submitted)]


@pytest.mark.parametrize("is_flushed", [False, True], ids=["redis remembers", "redis forgot"])
def test_each_line_of_a_batch_is_live_or_has_a_reason(pipeline: Pipeline, *, is_flushed: bool) -> None:
    receipts = submit_lines(pipeline, [*LINES[:5], BAD, *LINES[5:]])
    pipeline.run()
    pipeline.tick()
    if is_flushed:
        pipeline.redis.flushall()

    assert Counter(pipeline.receipt_status(each) for each in receipts) == {"live": 12, "refused": 1}
    refused = find_receipt_state(receipts[5], pipeline.ingest_deps)
    assert refused is not None
    assert "/headline" in {fault.pointer for fault in refused.faults}
    assert list(pipeline.content.list_keys("inbox/")) == []


def test_the_sweep_emits_only_the_lines_without_an_outcome(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submissions, "MAX_SLICE_SECONDS", -1.0)  # the time is over at once
    monkeypatch.setattr(submissions, "ITEMS_PER_SLICE", 8)
    receipts = submit_lines(pipeline, LINES)
    (message,) = pipeline.queue
    pipeline.queue.clear()
    pipeline.take(
        each for each in pipeline.deliver(message) if not isinstance(each, SubmitArticles)
    )  # the rest is lost
    pipeline.run()
    pipeline.now += timedelta(minutes=1)

    assert {pipeline.receipt_status(each) for each in receipts[submissions.ITEMS_PER_SLICE :]} == {"accepted"}
    pipeline.sweep()

    (again,) = (each for each in pipeline.queue if isinstance(each, SubmitArticles))
    assert again.items == tuple(receipts[submissions.ITEMS_PER_SLICE :])
    pipeline.run()
    pipeline.tick()
    assert Counter(pipeline.receipt_status(each) for each in receipts) == {"live": 12}


def test_the_sweep_deletes_an_inbox_entry_once_every_line_has_an_outcome(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "shared.runtime.inbox.delete_finished_entries", lambda *_: None
    )  # the process died before this call
    submit_lines(pipeline, [*LINES, BAD])
    pipeline.run()
    pipeline.now += timedelta(minutes=1)
    assert len(list(pipeline.content.list_keys("inbox/"))) == 1

    pipeline.sweep()

    assert list(pipeline.content.list_keys("inbox/")) == []
    assert [each for each in pipeline.queue if isinstance(each, SubmitArticles)] == []


def test_for_a_full_lane_the_sweep_reads_and_emits_only_the_oldest_batch(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(key: str) -> StoredObject | None:
        read.append(key)
        return found(key)

    batches = []
    for each in LINES:
        batches.append(submit_lines(pipeline, [each]))
        pipeline.now += timedelta(seconds=1)
    news = pipeline.submit(json.dumps(an_article(headline="News")).encode()).receipt
    pipeline.queue.clear()  # all messages are lost
    pipeline.now += timedelta(minutes=1)
    pipeline.backlog.messages = 1_000
    read: list[str] = []
    found = pipeline.content.find
    monkeypatch.setattr(pipeline.content, "find", find)

    pipeline.sweep()

    emitted = [each.items for each in pipeline.queue if isinstance(each, SubmitArticles)]
    assert emitted == [(news,), tuple(batches[0])]
    assert len([key for key in read if key.startswith("inbox/")]) == 2


@pytest.mark.parametrize("is_read_later", [False, True])
def test_every_message_that_follows_a_request_carries_its_trace(pipeline: Pipeline, *, is_read_later: bool) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    token = trace_parent.set(trace)
    try:
        _ = pipeline.submit(LINES[0]) if is_read_later else pipeline.post()
    finally:
        trace_parent.reset(token)

    seen: Counter[str] = Counter()
    while pipeline.queue:
        message = pipeline.queue.pop(0)
        assert message.trace_parent == trace
        seen[type(message).__name__] += 1
        pipeline.take(pipeline.deliver(message))

    assert seen["PagesRendered"] == 1
    assert seen["ListingsRendered"] > 0
