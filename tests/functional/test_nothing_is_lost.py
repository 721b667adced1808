from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.ingest.domain.refusal import RefusedError
from services.ingest.handler import store_picture
from services.scheduler.handler import release_due
from shared.messaging.messages import ArticleRevision, ArticlesAccepted, ListingsStale, PagesRendered
from shared.model.lane import Lane
from shared.runtime.errors import RedisUnavailableError, StorageUnavailableError
from shared.site import keys
from tests.functional.conftest import Pipeline, an_article, stale_listings


def post_with_a_commit_that_fails(pipeline: Pipeline) -> None:
    """Post an article whose revision the store refuses."""
    put = pipeline.content.put

    def refuse_revisions(key: str, *args: object, **kwargs: object) -> object:
        if "/revisions/" in key:
            raise StorageUnavailableError(key)
        return put(key, *args, **kwargs)  # type: ignore[arg-type]

    pipeline.content.put = refuse_revisions  # type: ignore[assignment, method-assign]
    try:
        pipeline.post()
    finally:
        pipeline.content.put = put  # type: ignore[method-assign]


def test_an_accepted_article_whose_event_was_lost_is_re_emitted_by_the_sweep(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pipeline.queue.clear()

    pipeline.end_waits()
    pipeline.sweep()
    pipeline.run()

    assert pipeline.receipt_status(accepted.receipt) == "live"


def test_an_article_is_accepted_while_redis_is_down(pipeline: Pipeline) -> None:
    def refuse(_: object) -> None:
        raise RedisUnavailableError

    object.__setattr__(pipeline.ingest_deps, "emit", refuse)
    accepted = pipeline.post()
    object.__setattr__(pipeline.ingest_deps, "emit", pipeline.take)

    assert accepted.status == "accepted"
    pipeline.sweep()
    pipeline.run()
    assert pipeline.receipt_status(accepted.receipt) == "live"


def test_an_article_in_the_pipeline_is_not_emitted_twice(pipeline: Pipeline) -> None:
    pipeline.let_events_travel()
    pipeline.post()
    pipeline.queue.clear()

    pipeline.sweep()

    assert pipeline.queue == []


def test_the_sweep_re_emits_only_the_oldest_batch_of_a_queued_import(pipeline: Pipeline) -> None:
    """Ten thousand imported articles wait for minutes: a sweep re-emits only the oldest batch."""
    articles = [pipeline.post(source_id=f"story-{number}").article for number in range(60)]
    pipeline.queue.clear()

    pipeline.backlog.messages = 10_000
    pipeline.sweep()
    (batch,) = pipeline.queue
    assert isinstance(batch, ArticlesAccepted)
    assert list(batch.items) == articles[:50]

    pipeline.backlog.messages = 0
    pipeline.sweep()
    pipeline.run()
    assert {pipeline.record(article).revision is None for article in articles} == {False}


def test_a_late_older_revision_whose_event_was_lost_is_taken_into_account_by_the_sweep(pipeline: Pipeline) -> None:
    accepted = pipeline.post(headline="Second headline", version_created="2026-11-01T11:00:00Z")
    pipeline.run()
    pipeline.sweep()
    pipeline.post(headline="First headline", version_created="2026-11-01T09:00:00Z")
    pipeline.queue.clear()

    pipeline.end_waits()
    pipeline.sweep()
    pipeline.run()

    assert "first-headline" in (pipeline.record(accepted.article).path or "")


def test_the_sweep_reads_the_record_of_a_reconciled_article_only_once(pipeline: Pipeline) -> None:
    for minute in (0, 1):
        pipeline.post(headline=f"Minute {minute}", version_created=f"2026-11-01T10:0{minute}:00Z")
    pipeline.tick()
    pipeline.now += timedelta(minutes=3)
    pipeline.sweep()
    reads: list[str] = []
    find = pipeline.content.find
    pipeline.content.find = lambda key: reads.append(key) or find(key)  # type: ignore[func-returns-value, method-assign]

    pipeline.sweep()

    assert [key for key in reads if key.endswith("live.json")] == []


def test_an_article_whose_journal_entry_was_swept_before_its_commit_is_re_emitted(pipeline: Pipeline) -> None:
    with pytest.raises(StorageUnavailableError):
        post_with_a_commit_that_fails(pipeline)
    pipeline.sweep()

    accepted = pipeline.post()
    pipeline.queue.clear()
    pipeline.end_waits()
    pipeline.sweep()
    pipeline.run()

    assert pipeline.receipt_status(accepted.receipt) == "live"


def test_readers_see_the_same_site_after_redis_was_emptied(pipeline: Pipeline) -> None:
    for number in range(5):
        pipeline.post(source_id=f"story-{number}", headline=f"Story {number}")
    pipeline.tick()
    before = pipeline.site_bytes()

    pipeline.redis.flushall()
    pipeline.sweep()
    pipeline.tick()

    assert pipeline.site_bytes() == before


def test_no_listing_is_rendered_while_the_index_is_incomplete(pipeline: Pipeline) -> None:
    pipeline.post(headline="Last good front page")
    pipeline.tick()
    pipeline.redis.flushall()

    pipeline.post(source_id="story-2", headline="Newer", version_created="2026-11-01T10:30:00Z")
    pipeline.run()

    assert "Last good front page" in pipeline.page("index.html")
    pipeline.tick()
    assert "Last good front page" in pipeline.page("index.html")
    assert "Newer" in pipeline.page("index.html")


def test_receipts_are_answered_from_the_content_bucket_after_redis_was_emptied(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pipeline.tick()
    pipeline.redis.flushall()

    assert pipeline.receipt_status(accepted.receipt) == "live"


def test_a_lost_index_step_is_applied_again(pipeline: Pipeline) -> None:
    accepted = pipeline.post(headline="Lost step")
    pipeline.run()
    pipeline.redis.hdel("index:epn:entries", accepted.article)
    pipeline.redis.zrem("index:epn:set:all", accepted.article)

    pipeline.end_waits()
    pipeline.sweep()
    pipeline.tick()

    assert "Lost step" in pipeline.page("index.html")


def test_a_submission_answered_before_it_was_read_survives_the_loss_of_its_message(pipeline: Pipeline) -> None:
    receipt = pipeline.submit(json.dumps(an_article(headline="Read later")).encode()).receipt
    pipeline.queue.clear()
    pipeline.now += timedelta(seconds=30)
    pipeline.end_waits()

    pipeline.sweep()
    pipeline.tick()

    assert pipeline.receipt_status(receipt) == "live"
    assert "Read later" in pipeline.page("index.html")
    assert list(pipeline.content.list_keys("inbox/")) == []


def test_a_submission_that_is_refused_later_is_a_dead_letter_with_its_reason(pipeline: Pipeline) -> None:
    receipt = pipeline.submit(b"{}").receipt
    pipeline.run()

    assert pipeline.receipt_status(receipt) == "refused"
    assert len(list(pipeline.content.list_keys("dead-letters/ingest/"))) == 1


def test_the_raw_bytes_of_a_refused_article_are_stored(pipeline: Pipeline) -> None:
    with pytest.raises(RefusedError):
        pipeline.post(headline="")

    assert len(list(pipeline.content.list_keys("raw/epn/"))) == 1


def test_an_embargoed_article_is_public_at_its_time_and_not_a_byte_before(pipeline: Pipeline) -> None:
    due = pipeline.now + timedelta(hours=1)
    accepted = pipeline.post(headline="Not yet", embargo_until=due.isoformat())
    pipeline.tick()
    pipeline.sweep()
    pipeline.tick()

    assert accepted.status == "scheduled"
    assert "Not yet" not in str(pipeline.site_bytes())
    assert pipeline.receipt_status(accepted.receipt) == "scheduled"

    pipeline.now = due
    pipeline.tick()

    assert "Not yet" in pipeline.page("index.html")
    assert pipeline.receipt_status(accepted.receipt) == "live"
    assert list(pipeline.content.list_keys("schedule/")) == []


def test_an_embargoed_update_leaves_the_live_article_unchanged_until_its_time(pipeline: Pipeline) -> None:
    accepted = pipeline.post(headline="Live words")
    pipeline.run()
    due = pipeline.now + timedelta(hours=1)

    pipeline.post(headline="Held words", version_created="2026-11-01T11:00:00Z", embargo_until=due.isoformat())
    pipeline.tick()
    assert "Live words" in pipeline.page_of(accepted.article)

    pipeline.now = due
    pipeline.tick()
    assert "Held words" in pipeline.page_of(accepted.article)


def test_an_update_that_prolongs_an_embargo_supersedes_the_scheduled_revision(pipeline: Pipeline) -> None:
    first_due, second_due = pipeline.now + timedelta(hours=1), pipeline.now + timedelta(hours=2)
    pipeline.post(headline="First plan", embargo_until=first_due.isoformat())
    pipeline.post(headline="Second plan", version_created="2026-11-01T11:00:00Z", embargo_until=second_due.isoformat())

    pipeline.now = first_due
    pipeline.tick()
    assert "plan" not in str(pipeline.site_bytes())

    pipeline.now = second_due
    pipeline.tick()
    assert "Second plan" in pipeline.page("index.html")


def test_a_schedule_entry_without_a_revision_delays_no_other_release(pipeline: Pipeline) -> None:
    due = pipeline.now + timedelta(minutes=5)
    orphan = keys.schedule_key("epn", pipeline.now, "a" * 26, "0" * 17 + "-0000000000-000")
    pipeline.content.put(orphan, b"")
    pipeline.post(headline="After an orphan", embargo_until=due.isoformat())

    pipeline.now = due
    pipeline.tick()
    assert "After an orphan" in pipeline.page("index.html")

    pipeline.now += timedelta(hours=2)
    pipeline.end_waits()
    pipeline.tick()
    assert pipeline.content.find(orphan) is None


def test_an_article_accepted_before_a_long_outage_is_still_re_emitted(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pipeline.sweep()
    pipeline.queue.clear()
    for _ in range(40):  # minutes without workers
        pipeline.now += timedelta(minutes=1)
        pipeline.sweep()
        pipeline.queue.clear()
    pipeline.redis.flushall()

    pipeline.sweep()
    pipeline.tick()

    assert pipeline.receipt_status(accepted.receipt) == "live"


def test_a_submission_that_is_read_twice_does_not_bring_its_old_text_back(pipeline: Pipeline) -> None:
    raw = json.dumps(an_article(headline="Old words", version_created=None)).encode()
    receipt = pipeline.submit(raw).receipt
    again = pipeline.queue[0]
    pipeline.run()
    accepted = pipeline.post(headline="Corrected words", version_created=None)
    pipeline.run()

    pipeline.queue.append(again)
    pipeline.run()

    assert "Corrected words" in pipeline.page_of(accepted.article)
    assert pipeline.receipt_status(receipt) in {"live", "superseded"}


def test_a_listing_is_queued_once_while_its_message_waits(pipeline: Pipeline) -> None:
    pipeline.tick()
    pipeline.post()
    pipeline.run()
    pipeline.scheduler_deps.index.mark_stale(pipeline.site, "home")

    emitted = [message for _ in range(20) for message in stale_listings(pipeline)]

    assert [name for message in emitted for name in message.items].count("home") <= 1


def test_an_index_that_was_emptied_during_its_restore_is_not_marked_complete(pipeline: Pipeline) -> None:
    pipeline.redis.flushall()
    restore = pipeline.index.begin_restore(pipeline.site, pipeline.now)
    assert restore is not None
    pipeline.redis.flushall()

    assert pipeline.index.advance_restore(pipeline.site, restore) is False
    assert pipeline.index.mark_complete(pipeline.site, pipeline.now, restore.token) is False
    assert pipeline.index.complete_until(pipeline.site) is None


def test_a_quarantined_article_is_not_re_emitted_before_a_newer_revision_arrives(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pipeline.queue.clear()
    pipeline.scheduler_deps.quarantine.add("epn", accepted.article, accepted.revision, 60)

    pipeline.end_waits()
    pipeline.sweep()
    assert pipeline.queue == []

    newer = pipeline.post(headline="A newer one", version_created="2026-11-01T11:00:00Z")
    pipeline.queue.clear()
    pipeline.end_waits()
    pipeline.sweep()
    pipeline.run()
    assert pipeline.receipt_status(newer.receipt) == "live"


def test_a_quarantined_listing_is_emitted_again_when_it_changes(pipeline: Pipeline) -> None:
    pipeline.tick()
    pipeline.index.mark_stale(pipeline.site, "home")
    pipeline.scheduler_deps.quarantine.add(
        "epn", "listing:home", pipeline.index.stale_versions(pipeline.site)["home"], 60
    )

    assert stale_listings(pipeline) == []

    pipeline.index.mark_stale(pipeline.site, "home")
    assert [each.items for each in stale_listings(pipeline)] == [("home",)]


def test_not_a_byte_of_an_embargoed_item_is_public_before_its_time(pipeline: Pipeline, a_picture: bytes) -> None:
    pipeline.post(headline="Already live")
    pipeline.tick()
    before = pipeline.site_bytes()
    due = pipeline.now + timedelta(hours=1)
    secret: dict[str, Any] = {
        "headline": "Secret words",
        "slug": "secret-address",
        "section": "business",
        "picture": {"media": store_picture(a_picture, pipeline.site, pipeline.ingest_deps).media, "alt": "A secret"},
        "embargo_until": due.isoformat(),
    }
    pipeline.post(source_id="embargoed", **secret)
    pipeline.post(version_created="2026-11-01T11:00:00Z", **secret)  # an update of a live article

    for _ in range(3):
        pipeline.sweep()
        pipeline.tick()
        pipeline.now += timedelta(minutes=19)
    assert pipeline.site_bytes() == before

    pipeline.now = due
    pipeline.tick()
    assert sum("secret-address" in path for path in pipeline.site_bytes()) >= 2


def test_embargoes_that_end_together_are_released_in_batches_and_once(pipeline: Pipeline) -> None:
    due = pipeline.now + timedelta(hours=1)
    articles = {
        pipeline.post(source_id=f"story-{number}", embargo_until=due.isoformat()).article for number in range(150)
    }

    pipeline.now = due
    first, second = (
        list(release_due(pipeline.site, pipeline.scheduler_deps)),
        list(release_due(pipeline.site, pipeline.scheduler_deps)),
    )

    assert {article for each in first if isinstance(each, ArticlesAccepted) for article in each.items} == articles
    assert len(first) == len(articles) / 50
    assert second == []


def test_any_number_of_schedule_entries_without_a_revision_delays_no_release(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.scheduler.handler.release._MAX_ITEMS_PER_ROUND", 3)
    for number in range(60):
        pipeline.content.put(
            keys.schedule_key("epn", pipeline.now, f"{number:026d}", "0" * 17 + "-0000000000-000"), b""
        )
    due = pipeline.now + timedelta(minutes=5)
    pipeline.post(headline="After orphans", embargo_until=due.isoformat())

    pipeline.now = due
    for _ in range(5):
        pipeline.tick()

    assert "After orphans" in pipeline.page("index.html")


def test_a_release_in_the_pipeline_is_not_re_emitted_by_the_sweep(pipeline: Pipeline) -> None:
    pipeline.let_events_travel()
    pipeline.post(embargo_until=(pipeline.now + timedelta(hours=1)).isoformat())

    pipeline.now += timedelta(hours=1)
    assert len(list(release_due(pipeline.site, pipeline.scheduler_deps))) == 1
    pipeline.sweep()

    assert pipeline.queue == []


def test_a_front_page_that_an_import_makes_stale_does_not_wait_for_the_import(pipeline: Pipeline) -> None:
    pipeline.tick()
    accepted = pipeline.post()
    pipeline.queue.clear()
    reached = ArticleRevision(article=accepted.article, revision=accepted.revision)
    pipeline.queue.append(ArticlesAccepted(message_id=uuid4(), lane=Lane.BULK, site="epn", articles=(reached,)))
    lanes = []
    while pipeline.queue:
        message = pipeline.queue.pop(0)
        lanes.append((type(message), message.lane))
        pipeline.take(pipeline.deliver(message))

    assert (PagesRendered, Lane.BULK) in lanes
    assert {lane for kind, lane in lanes if kind is ListingsStale} == {Lane.LISTINGS}


def test_an_unreadable_revision_delays_no_release_and_no_sweep(pipeline: Pipeline) -> None:
    due = pipeline.now + timedelta(minutes=5)
    broken = pipeline.post(source_id="broken", embargo_until=due.isoformat())
    pipeline.content.put(keys.revision_key("epn", broken.article, broken.revision), b'{"schema_version": 2}')
    pipeline.ingest_deps.revisions._cache.clear()  # type: ignore[attr-defined]  # noqa: SLF001
    pipeline.content.put(keys.inbox_key("epn", Lane.LIVE, "strange"), b"{}")
    pipeline.content.put("schedule/epn/strange", b"")
    pipeline.content.put("journal/epn/2026/11/01/12/00/strange", b"")
    pipeline.post(headline="After the broken one", embargo_until=due.isoformat())
    pipeline.post(source_id="lost", headline="Lost and found")
    pipeline.queue.clear()

    pipeline.end_waits()
    pipeline.sweep()
    pipeline.now = due
    pipeline.tick()

    assert "After the broken one" in pipeline.page("index.html")
    assert "Lost and found" in pipeline.page("index.html")


def outage_of_workers(pipeline: Pipeline, hours: int) -> None:
    """Sweep once an hour and discard all messages; then empty Redis."""
    for _ in range(hours):
        pipeline.now += timedelta(hours=1)
        pipeline.end_waits()
        pipeline.sweep()
        pipeline.queue.clear()
    pipeline.redis.flushall()


def sweep_for_minutes(pipeline: Pipeline) -> None:
    for _ in range(3):
        pipeline.now += timedelta(minutes=1)
        pipeline.end_waits()
        pipeline.sweep()
        pipeline.run()
        pipeline.tick()


def test_accepted_articles_are_published_after_an_outage_of_any_length(pipeline: Pipeline) -> None:
    pipeline.tick()
    pipeline.sweep()
    articles = [pipeline.post(source_id=f"{number}", headline=f"Story {number}").article for number in range(3)]
    pipeline.queue.clear()

    outage_of_workers(pipeline, 26)
    sweep_for_minutes(pipeline)

    assert [article for article in articles if pipeline.record(article).revision is None] == []


def test_an_embargo_that_ends_during_a_long_outage_is_released_after_it(pipeline: Pipeline) -> None:
    pipeline.tick()
    pipeline.sweep()
    article = pipeline.post(embargo_until="2026-11-01T13:00:00Z").article
    pipeline.now += timedelta(hours=2)
    list(release_due(pipeline.site, pipeline.scheduler_deps))  # emitted, then lost with Redis

    outage_of_workers(pipeline, 26)
    sweep_for_minutes(pipeline)

    assert pipeline.record(article).revision


def test_the_checkpoint_does_not_pass_an_article_that_was_not_re_emitted(pipeline: Pipeline) -> None:
    pipeline.tick()
    pipeline.sweep()
    articles = {pipeline.post(source_id=f"{number}").article for number in range(60)}
    pipeline.queue.clear()
    pipeline.now += timedelta(hours=25)
    pipeline.backlog.messages = 1_000  # the lane is full: one batch per sweep
    emitted: set[str] = set()
    for _ in range(3):
        pipeline.sweep()
        emitted |= {item for each in pipeline.queue if isinstance(each, ArticlesAccepted) for item in each.items}
        pipeline.run()
        pipeline.now += timedelta(minutes=1)
        pipeline.end_waits()

    assert emitted == articles
