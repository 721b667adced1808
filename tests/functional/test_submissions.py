"""Lines that are stored together and read later: each is live, or says why not, whatever is lost in between."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta

import pytest

from services.ingest.domain.accepted import Submitted
from services.ingest.domain.tracing import trace_parent
from services.ingest.handler import find_receipt_state, submissions, submit_batch
from services.ingest.ports import SubmissionMetadata
from shared.inbox import new_batch_id
from shared.messages import Lane, SubmitArticles
from shared.storage import StoredObject
from tests.functional.conftest import Line, an_article

LINES = [json.dumps(an_article(source_id=f"story-{n}", headline=f"Story {n}")).encode() for n in range(12)]
BAD = b'{"headline": ""}'


def submit_lines(line: Line, lines: list[bytes]) -> list[str]:
    """Submit lines together; return their receipts."""
    outcomes = submit_batch(
        lines,
        SubmissionMetadata(
            content_type="application/json",
            site=line.site,
            feed=line.site.feeds[0],
            received_at=line.now,
            may_take_down=False,
            lane=Lane.BULK,
        ),
        new_batch_id(line.now),
        line.intake,
    )
    return [each.receipt for each in outcomes if isinstance(each, Submitted)]


@pytest.mark.parametrize("is_flushed", [False, True], ids=["redis remembers", "redis forgot"])
def test_each_line_of_a_batch_is_live_or_says_why_not(line: Line, *, is_flushed: bool) -> None:
    receipts = submit_lines(line, [*LINES[:5], BAD, *LINES[5:]])
    line.run()
    line.tick()
    if is_flushed:
        line.redis.flushall()

    assert Counter(line.receipt_status(each) for each in receipts) == {"live": 12, "refused": 1}
    refused = find_receipt_state(receipts[5], line.intake)
    assert refused is not None
    assert "/headline" in {fault.pointer for fault in refused.faults}
    assert list(line.content.list_keys("inbox/")) == []


def test_the_sweep_emits_the_lines_without_an_outcome_alone(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submissions, "MOST_SECONDS", 0.0)
    monkeypatch.setattr(submissions, "SIDE_BY_SIDE", 8)
    receipts = submit_lines(line, LINES)
    (message,) = line.queue
    line.queue.clear()
    line.take(each for each in line.deliver(message) if not isinstance(each, SubmitArticles))  # the rest is lost
    line.run()
    line.now += timedelta(minutes=1)

    assert {line.receipt_status(each) for each in receipts[submissions.SIDE_BY_SIDE :]} == {"accepted"}
    line.sweep()

    (again,) = (each for each in line.queue if isinstance(each, SubmitArticles))
    assert again.items == tuple(receipts[submissions.SIDE_BY_SIDE :])
    line.run()
    line.tick()
    assert Counter(line.receipt_status(each) for each in receipts) == {"live": 12}


def test_the_sweep_deletes_an_inbox_entry_once_every_line_has_an_outcome(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.inbox.settle_entries", lambda *_: None)  # the process died before it
    submit_lines(line, [*LINES, BAD])
    line.run()
    line.now += timedelta(minutes=1)
    assert len(list(line.content.list_keys("inbox/"))) == 1

    line.sweep()

    assert list(line.content.list_keys("inbox/")) == []
    assert [each for each in line.queue if isinstance(each, SubmitArticles)] == []


def test_of_a_full_lane_the_sweep_reads_and_emits_the_oldest_batch_alone(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(key: str) -> StoredObject | None:
        read.append(key)
        return found(key)

    batches = []
    for each in LINES:
        batches.append(submit_lines(line, [each]))
        line.now += timedelta(seconds=1)
    news = line.submit(json.dumps(an_article(headline="News")).encode()).receipt
    line.queue.clear()  # all of it is lost
    line.now += timedelta(minutes=1)
    line.backlog.messages = 1_000
    read: list[str] = []
    found = line.content.find
    monkeypatch.setattr(line.content, "find", find)

    line.sweep()

    emitted = [each.items for each in line.queue if isinstance(each, SubmitArticles)]
    assert emitted == [(news,), tuple(batches[0])]
    assert len([key for key in read if key.startswith("inbox/")]) == 2


@pytest.mark.parametrize("is_read_later", [False, True])
def test_every_message_that_follows_a_request_carries_its_trace(line: Line, *, is_read_later: bool) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    token = trace_parent.set(trace)
    try:
        _ = line.submit(LINES[0]) if is_read_later else line.post()
    finally:
        trace_parent.reset(token)

    seen: Counter[str] = Counter()
    while line.queue:
        message = line.queue.pop(0)
        assert message.trace_parent == trace
        seen[type(message).__name__] += 1
        line.take(line.deliver(message))

    assert seen["PagesRendered"] == 1
    assert seen["ListingsRendered"] > 0
