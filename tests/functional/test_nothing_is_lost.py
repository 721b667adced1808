from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.ingest.domain.refusal import RefusedError
from services.ingest.handler import keep_picture
from services.scheduler.handler import release_due
from shared import keys
from shared.errors import RedisUnavailableError, StorageUnavailableError
from shared.messages import ArticleRevision, ArticlesAccepted, Lane, ListingsStale, PagesRendered
from tests.functional.conftest import Line, an_article, stale_listings


def post_with_a_commit_that_fails(line: Line) -> None:
    """Post an article of which the store takes everything but the revision."""
    put = line.content.put

    def fail_at_the_commit(key: str, *args: object, **kwargs: object) -> object:
        if "/revisions/" in key:
            raise StorageUnavailableError(key)
        return put(key, *args, **kwargs)  # type: ignore[arg-type]

    line.content.put = fail_at_the_commit  # type: ignore[assignment, method-assign]
    try:
        line.post()
    finally:
        line.content.put = put  # type: ignore[method-assign]


def test_an_accepted_article_whose_event_was_lost_is_announced_by_the_sweep(line: Line) -> None:
    accepted = line.post()
    line.queue.clear()

    line.end_waits()
    line.sweep()
    line.run()

    assert line.receipt_status(accepted.receipt) == "live"


def test_an_article_is_accepted_while_redis_is_away(line: Line) -> None:
    def refuse(_: object) -> None:
        raise RedisUnavailableError

    object.__setattr__(line.intake, "emit", refuse)
    accepted = line.post()
    object.__setattr__(line.intake, "emit", line.take)

    assert accepted.status == "accepted"
    line.sweep()
    line.run()
    assert line.receipt_status(accepted.receipt) == "live"


def test_an_article_on_its_way_is_not_announced_twice(line: Line) -> None:
    line.let_events_travel()
    line.post()
    line.queue.clear()

    line.sweep()

    assert line.queue == []


def test_an_import_that_still_waits_in_the_queues_is_not_emitted_again_as_a_whole(line: Line) -> None:
    """Ten thousand imported articles wait for minutes: a round repeats the oldest batch alone."""
    articles = [line.post(source_id=f"story-{number}").article for number in range(60)]
    line.queue.clear()

    line.backlog.messages = 10_000
    line.sweep()
    (batch,) = line.queue
    assert isinstance(batch, ArticlesAccepted)
    assert list(batch.items) == articles[:50]

    line.backlog.messages = 0
    line.sweep()
    line.run()
    assert {line.record(article).revision is None for article in articles} == {False}


def test_a_late_older_revision_whose_event_was_lost_is_taken_into_account_by_the_sweep(line: Line) -> None:
    accepted = line.post(headline="Second headline", version_created="2026-11-01T11:00:00Z")
    line.run()
    line.sweep()
    line.post(headline="First headline", version_created="2026-11-01T09:00:00Z")
    line.queue.clear()

    line.end_waits()
    line.sweep()
    line.run()

    assert "first-headline" in (line.record(accepted.article).path or "")


def test_what_the_sweep_has_seen_settled_costs_no_second_look(line: Line) -> None:
    for minute in (0, 1):
        line.post(headline=f"Minute {minute}", version_created=f"2026-11-01T10:0{minute}:00Z")
    line.tick()
    line.now += timedelta(minutes=3)
    line.sweep()
    reads: list[str] = []
    find = line.content.find
    line.content.find = lambda key: reads.append(key) or find(key)  # type: ignore[func-returns-value, method-assign]

    line.sweep()

    assert [key for key in reads if key.endswith("live.json")] == []


def test_an_article_whose_marker_was_swept_before_its_commit_is_announced_all_the_same(line: Line) -> None:
    with pytest.raises(StorageUnavailableError):
        post_with_a_commit_that_fails(line)
    line.sweep()

    accepted = line.post()
    line.queue.clear()
    line.end_waits()
    line.sweep()
    line.run()

    assert line.receipt_status(accepted.receipt) == "live"


def test_a_redis_that_forgot_everything_shows_readers_the_same_site(line: Line) -> None:
    for number in range(5):
        line.post(source_id=f"story-{number}", headline=f"Story {number}")
    line.tick()
    before = line.site_bytes()

    line.redis.flushall()
    line.sweep()
    line.tick()

    assert line.site_bytes() == before


def test_no_listing_is_rendered_while_the_index_is_not_whole(line: Line) -> None:
    line.post(headline="Last good front page")
    line.tick()
    line.redis.flushall()

    line.post(source_id="story-2", headline="Newer", version_created="2026-11-01T10:30:00Z")
    line.run()

    assert "Last good front page" in line.page("index.html")
    line.tick()
    assert "Last good front page" in line.page("index.html")
    assert "Newer" in line.page("index.html")


def test_receipts_are_answered_from_the_bucket_when_redis_forgot_them(line: Line) -> None:
    accepted = line.post()
    line.tick()
    line.redis.flushall()

    assert line.receipt_status(accepted.receipt) == "live"


def test_a_lost_index_step_is_applied_again(line: Line) -> None:
    accepted = line.post(headline="Lost step")
    line.run()
    line.redis.hdel("index:epn:entries", accepted.article)
    line.redis.zrem("index:epn:set:all", accepted.article)

    line.end_waits()
    line.sweep()
    line.tick()

    assert "Lost step" in line.page("index.html")


def test_a_submission_answered_before_it_was_read_survives_the_loss_of_its_message(line: Line) -> None:
    receipt = line.submit(json.dumps(an_article(headline="Read later")).encode()).receipt
    line.queue.clear()
    line.now += timedelta(seconds=30)
    line.end_waits()

    line.sweep()
    line.tick()

    assert line.receipt_status(receipt) == "live"
    assert "Read later" in line.page("index.html")
    assert list(line.content.list_keys("inbox/")) == []


def test_a_submission_that_is_refused_later_is_kept_with_its_reason(line: Line) -> None:
    receipt = line.submit(b"{}").receipt
    line.run()

    assert line.receipt_status(receipt) == "refused"
    assert len(list(line.content.list_keys("dead-letters/ingest/"))) == 1


def test_the_raw_bytes_of_a_refused_article_are_kept(line: Line) -> None:
    with pytest.raises(RefusedError):
        line.post(headline="")

    assert len(list(line.content.list_keys("raw/epn/"))) == 1


def test_an_embargoed_article_is_public_at_its_time_and_not_a_byte_before(line: Line) -> None:
    due = line.now + timedelta(hours=1)
    accepted = line.post(headline="Not yet", embargo_until=due.isoformat())
    line.tick()
    line.sweep()
    line.tick()

    assert accepted.status == "scheduled"
    assert "Not yet" not in str(line.site_bytes())
    assert line.receipt_status(accepted.receipt) == "scheduled"

    line.now = due
    line.tick()

    assert "Not yet" in line.page("index.html")
    assert line.receipt_status(accepted.receipt) == "live"
    assert list(line.content.list_keys("schedule/")) == []


def test_an_embargoed_update_leaves_the_live_article_as_it_is_until_its_time(line: Line) -> None:
    accepted = line.post(headline="Live words")
    line.run()
    due = line.now + timedelta(hours=1)

    line.post(headline="Held words", version_created="2026-11-01T11:00:00Z", embargo_until=due.isoformat())
    line.tick()
    assert "Live words" in line.page_of(accepted.article)

    line.now = due
    line.tick()
    assert "Held words" in line.page_of(accepted.article)


def test_an_update_that_prolongs_an_embargo_supersedes_what_was_waiting(line: Line) -> None:
    first_due, second_due = line.now + timedelta(hours=1), line.now + timedelta(hours=2)
    line.post(headline="First plan", embargo_until=first_due.isoformat())
    line.post(headline="Second plan", version_created="2026-11-01T11:00:00Z", embargo_until=second_due.isoformat())

    line.now = first_due
    line.tick()
    assert "plan" not in str(line.site_bytes())

    line.now = second_due
    line.tick()
    assert "Second plan" in line.page("index.html")


def test_a_schedule_entry_without_a_revision_holds_up_no_other_release(line: Line) -> None:
    due = line.now + timedelta(minutes=5)
    orphan = keys.schedule_key("epn", line.now, "a" * 26, "0" * 17 + "-0000000000-000")
    line.content.put(orphan, b"")
    line.post(headline="Behind an orphan", embargo_until=due.isoformat())

    line.now = due
    line.tick()
    assert "Behind an orphan" in line.page("index.html")

    line.now += timedelta(hours=2)
    line.end_waits()
    line.tick()
    assert line.content.find(orphan) is None


def test_an_article_that_waited_out_a_long_outage_is_still_announced(line: Line) -> None:
    accepted = line.post()
    line.sweep()
    line.queue.clear()
    for _ in range(40):  # minutes in which nobody could publish
        line.now += timedelta(minutes=1)
        line.sweep()
        line.queue.clear()
    line.redis.flushall()

    line.sweep()
    line.tick()

    assert line.receipt_status(accepted.receipt) == "live"


def test_a_submission_that_is_read_twice_does_not_bring_its_old_text_back(line: Line) -> None:
    raw = json.dumps(an_article(headline="Old words", version_created=None)).encode()
    receipt = line.submit(raw).receipt
    again = line.queue[0]
    line.run()
    accepted = line.post(headline="Corrected words", version_created=None)
    line.run()

    line.queue.append(again)
    line.run()

    assert "Corrected words" in line.page_of(accepted.article)
    assert line.receipt_status(receipt) in {"live", "superseded"}


def test_a_listing_is_queued_once_while_its_message_waits(line: Line) -> None:
    line.tick()
    line.post()
    line.run()
    line.clockwork.index.touch(line.site, "home")

    emitted = [message for _ in range(20) for message in stale_listings(line)]

    assert [name for message in emitted for name in message.items].count("home") <= 1


def test_a_redis_that_was_emptied_during_a_restore_is_not_marked_whole(line: Line) -> None:
    line.redis.flushall()
    restore = line.index.begin_restore(line.site, line.now)
    assert restore is not None
    line.redis.flushall()

    assert line.index.move_restore(line.site, restore) is False
    assert line.index.set_whole(line.site, line.now, restore.token) is False
    assert line.index.whole_until(line.site) is None


def test_what_lies_among_the_dead_letters_is_not_said_again_until_something_newer_comes(line: Line) -> None:
    accepted = line.post()
    line.queue.clear()
    line.clockwork.marks.park("epn", accepted.article, accepted.revision, 60)

    line.end_waits()
    line.sweep()
    assert line.queue == []

    newer = line.post(headline="A newer one", version_created="2026-11-01T11:00:00Z")
    line.queue.clear()
    line.end_waits()
    line.sweep()
    line.run()
    assert line.receipt_status(newer.receipt) == "live"


def test_a_listing_that_lies_among_the_dead_letters_is_said_again_when_it_changes(line: Line) -> None:
    line.tick()
    line.index.touch(line.site, "home")
    line.clockwork.marks.park("epn", "listing:home", line.index.behind(line.site)["home"], 60)

    assert stale_listings(line) == []

    line.index.touch(line.site, "home")
    assert [each.items for each in stale_listings(line)] == [("home",)]


def test_not_a_byte_of_an_embargoed_item_is_public_before_its_time(line: Line, a_picture: bytes) -> None:
    line.post(headline="What is there")
    line.tick()
    before = line.site_bytes()
    due = line.now + timedelta(hours=1)
    secret: dict[str, Any] = {
        "headline": "Secret words",
        "slug": "secret-address",
        "section": "business",
        "picture": {"media": keep_picture(a_picture, line.site, line.intake).media, "alt": "A secret"},
        "embargo_until": due.isoformat(),
    }
    line.post(source_id="embargoed", **secret)
    line.post(version_created="2026-11-01T11:00:00Z", **secret)  # an update of what is there

    for _ in range(3):
        line.sweep()
        line.tick()
        line.now += timedelta(minutes=19)
    assert line.site_bytes() == before

    line.now = due
    line.tick()
    assert sum("secret-address" in path for path in line.site_bytes()) >= 2


def test_embargoes_that_end_at_one_moment_are_released_in_batches_and_once(line: Line) -> None:
    due = line.now + timedelta(hours=1)
    articles = {line.post(source_id=f"story-{number}", embargo_until=due.isoformat()).article for number in range(150)}

    line.now = due
    first, second = list(release_due(line.site, line.clockwork)), list(release_due(line.site, line.clockwork))

    assert {article for each in first if isinstance(each, ArticlesAccepted) for article in each.items} == articles
    assert len(first) == len(articles) / 50
    assert second == []


def test_entries_without_a_revision_hold_up_no_release_however_many_they_are(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.scheduler.handler.release._MOST_A_ROUND", 3)
    for number in range(60):
        line.content.put(keys.schedule_key("epn", line.now, f"{number:026d}", "0" * 17 + "-0000000000-000"), b"")
    due = line.now + timedelta(minutes=5)
    line.post(headline="Behind orphans", embargo_until=due.isoformat())

    line.now = due
    for _ in range(5):
        line.tick()

    assert "Behind orphans" in line.page("index.html")


def test_a_release_on_its_way_is_not_emitted_again_by_the_sweep(line: Line) -> None:
    line.let_events_travel()
    line.post(embargo_until=(line.now + timedelta(hours=1)).isoformat())

    line.now += timedelta(hours=1)
    assert len(list(release_due(line.site, line.clockwork))) == 1
    line.sweep()

    assert line.queue == []


def test_a_front_page_that_an_import_makes_stale_does_not_wait_behind_the_import(line: Line) -> None:
    line.tick()
    accepted = line.post()
    line.queue.clear()
    reached = ArticleRevision(article=accepted.article, revision=accepted.revision)
    line.queue.append(ArticlesAccepted(message_id=uuid4(), lane=Lane.BULK, site="epn", articles=(reached,)))
    lanes = []
    while line.queue:
        message = line.queue.pop(0)
        lanes.append((type(message), message.lane))
        line.take(line.deliver(message))

    assert (PagesRendered, Lane.BULK) in lanes
    assert {lane for kind, lane in lanes if kind is ListingsStale} == {Lane.LISTINGS}


def test_a_revision_that_cannot_be_read_holds_up_no_release_and_no_sweep(line: Line) -> None:
    due = line.now + timedelta(minutes=5)
    broken = line.post(source_id="broken", embargo_until=due.isoformat())
    line.content.put(keys.revision_key("epn", broken.article, broken.revision), b'{"schema_version": 2}')
    line.intake.revisions._cache.clear()  # type: ignore[attr-defined]  # noqa: SLF001
    line.content.put(keys.inbox_key("epn", Lane.LIVE, "strange"), b"{}")
    line.content.put("schedule/epn/strange", b"")
    line.content.put("journal/epn/2026/11/01/12/00/strange", b"")
    line.post(headline="Behind the broken one", embargo_until=due.isoformat())
    line.post(source_id="lost", headline="Lost and found")
    line.queue.clear()

    line.end_waits()
    line.sweep()
    line.now = due
    line.tick()

    assert "Behind the broken one" in line.page("index.html")
    assert "Lost and found" in line.page("index.html")


def hours_without_workers(line: Line, hours: int) -> None:
    """Let the scheduler sweep each hour, and nobody take what it emits; then lose Redis."""
    for _ in range(hours):
        line.now += timedelta(hours=1)
        line.end_waits()
        line.sweep()
        line.queue.clear()
    line.redis.flushall()


def sweep_some_minutes(line: Line) -> None:
    for _ in range(3):
        line.now += timedelta(minutes=1)
        line.end_waits()
        line.sweep()
        line.run()
        line.tick()


def test_no_outage_of_the_workers_is_too_long_for_what_was_accepted(line: Line) -> None:
    line.tick()
    line.sweep()
    articles = [line.post(source_id=f"{number}", headline=f"Story {number}").article for number in range(3)]
    line.queue.clear()

    hours_without_workers(line, 26)
    sweep_some_minutes(line)

    assert [article for article in articles if line.record(article).revision is None] == []


def test_an_embargo_that_ends_in_a_long_outage_of_the_workers_comes_true(line: Line) -> None:
    line.tick()
    line.sweep()
    article = line.post(embargo_until="2026-11-01T13:00:00Z").article
    line.now += timedelta(hours=2)
    list(release_due(line.site, line.clockwork))  # emitted, and lost with Redis

    hours_without_workers(line, 26)
    sweep_some_minutes(line)

    assert line.record(article).revision


def test_the_checkpoint_passes_nothing_that_was_not_emitted_again_however_old_it_is(line: Line) -> None:
    line.tick()
    line.sweep()
    articles = {line.post(source_id=f"{number}").article for number in range(60)}
    line.queue.clear()
    line.now += timedelta(hours=25)
    line.backlog.messages = 1_000  # the lane is full: a batch each round
    emitted: set[str] = set()
    for _ in range(3):
        line.sweep()
        emitted |= {item for each in line.queue if isinstance(each, ArticlesAccepted) for item in each.items}
        line.run()
        line.now += timedelta(minutes=1)
        line.end_waits()

    assert emitted == articles
