"""Public incidents with schedules and lanes: README.md in this folder maps incidents to tests."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from services.ingest.handler import accept
from services.ingest.ports import SubmissionMetadata
from services.scheduler.handler import release, release_due
from shared.messaging.messages import ListingsRendered, ListingsStale
from shared.model.lane import Lane
from tests.functional.conftest import Pipeline, an_article
from tests.functional.test_any_interleaving import end_all_waits
from tests.functional.test_public_incidents_loss import EARLY, LATE, re_emit_lost_messages

HOME = "index.html"


def test_a_release_that_was_missed_in_an_outage_is_made_up_for(pipeline: Pipeline) -> None:
    accepted = pipeline.post(headline="Better late", embargo_until=(pipeline.now + timedelta(hours=1)).isoformat())

    pipeline.now += timedelta(days=3)
    pipeline.tick()

    assert "Better late" in pipeline.page(HOME)
    assert pipeline.receipt_status(accepted.receipt) == "live"


def test_a_release_whose_message_was_lost_is_emitted_again(pipeline: Pipeline) -> None:
    pipeline.post(headline="Due and lost", embargo_until=(pipeline.now + timedelta(hours=1)).isoformat())
    pipeline.now += timedelta(hours=1)
    assert len(list(release_due(pipeline.site, pipeline.scheduler_deps))) == 1

    re_emit_lost_messages(pipeline)

    assert "Due and lost" in pipeline.page(HOME)


def test_items_that_stay_due_delay_neither_newly_due_items_nor_posts(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release, "_MAX_ITEMS_PER_ROUND", 3)
    due = pipeline.now + timedelta(minutes=5)
    for number in range(4):
        pipeline.post(source_id=f"stuck-{number}", embargo_until=(due - timedelta(minutes=1)).isoformat())
    pipeline.post(source_id="due", headline="Newly due", embargo_until=due.isoformat())
    pipeline.now = due - timedelta(seconds=30)
    for _ in range(2):
        list(release_due(pipeline.site, pipeline.scheduler_deps))  # and their messages are lost
    end_all_waits(pipeline)

    pipeline.now = due
    posted = pipeline.post(source_id="posted", headline="Posted meanwhile")
    pipeline.take(release_due(pipeline.site, pipeline.scheduler_deps))
    pipeline.run()

    assert pipeline.receipt_status(posted.receipt) == "live"
    assert "Newly due" in str(pipeline.site_bytes())


def test_an_article_brought_forward_is_released_at_its_new_time_only(pipeline: Pipeline) -> None:
    old, new = pipeline.now + timedelta(hours=2), pipeline.now + timedelta(hours=1)
    pipeline.post(headline="As planned first", version_created=EARLY, embargo_until=old.isoformat())
    pipeline.post(headline="Brought forward", version_created=LATE, embargo_until=new.isoformat())

    pipeline.now = new
    pipeline.tick()
    assert "Brought forward" in pipeline.page(HOME)
    puts = list(pipeline.public.puts)

    pipeline.now = old
    pipeline.tick()
    re_emit_lost_messages(pipeline)
    assert pipeline.public.puts == puts


def test_a_scheduled_article_is_released_with_its_correction(pipeline: Pipeline) -> None:
    due = pipeline.now + timedelta(hours=1)
    pipeline.post(headline="Sceduled", version_created=EARLY, embargo_until=due.isoformat())
    pipeline.post(headline="Scheduled", version_created=LATE, embargo_until=due.isoformat())
    pipeline.tick()
    assert "eduled" not in str(pipeline.site_bytes())

    pipeline.now = due
    pipeline.tick()

    assert "Scheduled" in pipeline.page(HOME)
    assert "Sceduled" not in str([body for body, _ in pipeline.site_bytes().values()])


def test_a_schedule_that_has_fired_blocks_no_later_update(pipeline: Pipeline) -> None:
    due = pipeline.now + timedelta(hours=1)
    pipeline.post(headline="As scheduled", version_created=EARLY, embargo_until=due.isoformat())
    pipeline.now = due
    pipeline.tick()

    update = pipeline.post(
        headline="Corrected since", version_created="2026-11-01T13:30:00Z", embargo_until=due.isoformat()
    )
    pipeline.tick()

    assert update.status == "accepted"
    assert "Corrected since" in pipeline.page(HOME)


def test_an_embargo_named_in_another_zone_ends_at_the_same_instant(pipeline: Pipeline) -> None:
    pipeline.post(headline="Half past six in Delhi", embargo_until="2026-11-01T18:30:00+05:30")

    pipeline.now = pipeline.now.replace(hour=12, minute=59, second=59)
    pipeline.tick()
    assert "Delhi" not in str(pipeline.site_bytes())

    pipeline.now = pipeline.now.replace(hour=13, minute=0, second=0)
    pipeline.tick()
    assert "Delhi" in pipeline.page(HOME)


def test_an_import_keeps_its_lane_when_it_is_re_emitted_and_a_kill_leaves_that_lane(pipeline: Pipeline) -> None:
    def lanes_of_follow_ups() -> set[Lane]:
        lanes = set[Lane]()
        while pipeline.queue:
            message = pipeline.queue.pop(0)
            if not isinstance(message, ListingsStale | ListingsRendered):  # listings do not wait for an import
                lanes.add(message.lane)
            pipeline.take(pipeline.deliver(message))
        return lanes

    pipeline.tick()  # the permanent listings are public
    accepted = accept(
        json.dumps(an_article(version_created=EARLY)).encode(),
        SubmissionMetadata(
            content_type="application/json",
            site=pipeline.site,
            feed=pipeline.site.feeds[0],
            received_at=pipeline.now,
            may_take_down=False,
            lane=Lane.BULK,
        ),
        pipeline.ingest_deps,
    )
    lost = list(pipeline.queue)
    pipeline.queue.clear()
    end_all_waits(pipeline)
    pipeline.sweep()
    assert {message.lane for message in (*lost, *pipeline.queue)} == {Lane.BULK}
    assert lanes_of_follow_ups() == {Lane.BULK}
    assert pipeline.receipt_status(accepted.receipt) == "live"

    pipeline.post(status="canceled", body="", version_created=LATE)
    assert lanes_of_follow_ups() == {Lane.URGENT}
