"""Status events: each outcome is announced, in order, and none is lost with Redis."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from redis import Redis

from services.scheduler.handler import sweep
from shared.messaging.messages import Message
from shared.model.history import StoredRevisions
from shared.reconcile import status_events
from shared.reconcile.status_events import StatusEvents
from shared.runtime.event_log import EntryKind, NewEntry, Position, StatusEvent, position_of
from shared.runtime.event_log.redis import RedisEventLog
from shared.runtime.receipts import ReceiptStatus
from tests.functional.conftest import Pipeline

LIMIT = 500


@pytest.fixture
def source(pipeline: Pipeline) -> StatusEvents:
    return source_of(pipeline)


def source_of(pipeline: Pipeline) -> StatusEvents:
    sites = {pipeline.site.id: pipeline.site}
    log = RedisEventLog(pipeline.redis)
    return StatusEvents(log, pipeline.content, StoredRevisions(pipeline.content), sites, lambda: pipeline.now)


def events_after(source: StatusEvents, position: Position) -> tuple[list[StatusEvent], Position]:
    """Return all events after a position, and the position at the end."""
    found: list[StatusEvent] = []
    while True:
        page = source.read(position, LIMIT)
        found += [entry.event for _, entry in page.entries if entry.event]
        position = page.following
        if page.is_end:
            return found, position


def statuses(events: list[StatusEvent]) -> list[str]:
    return [event.status.value for event in events]


def publish(pipeline: Pipeline, **article: Any) -> str:
    accepted = pipeline.post(**article)
    pipeline.run()
    return accepted.article


def test_a_published_article_is_accepted_then_live_with_its_url(pipeline: Pipeline, source: StatusEvents) -> None:
    start = source.end()

    article = publish(pipeline)

    events, _ = events_after(source, start)
    assert statuses(events) == ["accepted", "live"]
    assert {event.article for event in events} == {article}
    assert events[1].url is not None
    assert events[1].url.startswith("http://edge.test/")


def test_a_redelivered_message_announces_no_status_twice(pipeline: Pipeline, source: StatusEvents) -> None:
    start = source.end()
    pipeline.post()
    delivered: list[Message] = []
    while pipeline.queue:
        message = pipeline.queue.pop(0)
        delivered.append(message)
        pipeline.queue.extend(pipeline.deliver(message))
    for message in delivered:
        pipeline.deliver(message)

    assert statuses(events_after(source, start)[0]) == ["accepted", "live"]


def test_a_kill_a_hold_and_a_late_revision_are_announced(pipeline: Pipeline, source: StatusEvents) -> None:
    start = source.end()
    article = publish(pipeline, source_id="a", version_created="2026-11-01T10:00:00Z")
    pipeline.post(source_id="a", version_created="2026-11-01T09:00:00Z", headline="Late")
    pipeline.act("kill", article)
    pipeline.run()
    pipeline.post(source_id="b", embargo_until="2026-11-02T10:00:00Z")

    assert statuses(events_after(source, start)[0]) == [
        "accepted",
        "live",
        "superseded",
        "accepted",
        "killed",
        "scheduled",
    ]


def test_a_failed_submission_is_announced_without_an_article(pipeline: Pipeline, source: StatusEvents) -> None:
    start = source.end()
    receipt = pipeline.submit(b'{"source_id": "x"}').receipt
    (message,) = pipeline.queue
    pipeline.ingest_deps.dead_letters.bury(
        "ingest.SubmitArticles", message.model_dump(mode="json"), RuntimeError("x"), attempts=6, at=pipeline.now
    )

    (event,) = events_after(source, start)[0]
    assert (event.receipt, event.status, event.article) == (receipt, ReceiptStatus.FAILED, None)


def test_a_position_survives_its_text(source: StatusEvents) -> None:
    position = source.end()

    assert position_of(str(position)) == position
    assert position_of(str(source.since(position.unsettled_since))) is not None
    assert [
        position_of(text) for text in ("", "1-2", f"{position}-", "9" * 40, f"{position}\n", "\uff11-0-aaaaaaaa-1")
    ] == [None] * 6


@pytest.mark.parametrize("lost_after", ["accepted", "live"])
def test_no_outcome_is_missing_after_the_loss_of_redis(
    pipeline: Pipeline, source: StatusEvents, lost_after: str
) -> None:
    start = source.end()
    pipeline.post(source_id="first")
    pipeline.run()
    events, position = events_after(source, start)
    accepted = pipeline.post(source_id="second")
    if lost_after == "live":
        pipeline.run()
    pipeline.redis.flushall()
    pipeline.queue.clear()
    pipeline.sweep()
    pipeline.run()

    events, _ = events_after(source_of(pipeline), position)

    last = [event for event in events if event.article == accepted.article][-1]
    assert (last.status, last.receipt) == (ReceiptStatus.LIVE, accepted.receipt)


def test_an_article_that_was_settled_after_a_position_is_found_in_the_older_journal(
    pipeline: Pipeline, source: StatusEvents
) -> None:
    """The marker is an hour older than the position; the article was still unsettled there."""
    slow = pipeline.post(source_id="slow")
    waiting = list(pipeline.queue)
    pipeline.queue.clear()
    list(sweep(pipeline.site, pipeline.scheduler_deps))
    pipeline.now += timedelta(hours=1)
    publish(pipeline, source_id="quick")
    _, position = events_after(source, source.end())
    pipeline.queue = waiting
    pipeline.run()
    pipeline.redis.flushall()

    events, _ = events_after(source, position)

    assert ReceiptStatus.LIVE in [event.status for event in events if event.article == slow.article]


def test_a_lost_log_is_noticed_although_new_events_came_since(pipeline: Pipeline, source: StatusEvents) -> None:
    publish(pipeline, source_id="a")
    _, position = events_after(source, source.end())
    lost = publish(pipeline, source_id="b")
    pipeline.redis.flushall()
    pipeline.tick()
    publish(pipeline, source_id="c")

    events, _ = events_after(source, position)

    assert lost in {event.article for event in events}


def test_entries_that_were_dropped_are_read_from_the_journal(
    pipeline: Pipeline, source: StatusEvents, redis: Redis
) -> None:
    publish(pipeline, source_id="a")
    _, position = events_after(source, source.end())
    dropped = publish(pipeline, source_id="b")
    publish(pipeline, source_id="c")
    redis.xtrim("events", maxlen=1, approximate=False)

    events, end = events_after(source, position)

    assert dropped in {event.article for event in events}
    assert events_after(source, end)[0] == []


def test_the_journal_is_read_page_by_page_and_a_page_can_be_resumed(
    pipeline: Pipeline, source: StatusEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_events, "MAX_MARKERS_PER_PAGE", 2)
    articles = {publish(pipeline, source_id=f"a-{number}") for number in range(5)}
    position = source.since(pipeline.now - timedelta(hours=1))

    found, pages = set[str | None](), 0
    while True:
        page = source.read(position, LIMIT)
        found |= {entry.event.article for _, entry in page.entries if entry.event}
        resumed = position_of(str(page.following))
        assert resumed == page.following
        position, pages = resumed, pages + 1
        if page.is_end:
            break

    assert found >= articles
    assert pages >= 3


def test_events_that_redis_did_not_take_are_read_from_the_journal(
    pipeline: Pipeline, source: StatusEvents, redis: Redis
) -> None:
    _, position = events_after(source, source.end())
    redis.config_set("maxmemory", 1)  # every write is refused
    try:
        scheduled = pipeline.post(source_id="missed", embargo_until="2026-11-02T10:00:00Z")
    finally:
        redis.config_set("maxmemory", 0)
    publish(pipeline, source_id="next")

    events, _ = events_after(source, position)

    assert (scheduled.receipt, ReceiptStatus.SCHEDULED) in {(event.receipt, event.status) for event in events}


def test_an_entry_of_another_program_is_ignored(source: StatusEvents, redis: Redis) -> None:
    start = source.end()
    redis.xadd("events", {"k": "surprise"})
    redis.xadd("events", {"k": "status", "r": "x"})
    RedisEventLog(redis).append(NewEntry(EntryKind.TEST, subscriber="s"))

    page = source.read(start, LIMIT)

    assert [entry.kind for _, entry in page.entries] == [EntryKind.TEST]
