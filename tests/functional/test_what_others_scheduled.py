"""Schedules and lanes, as others met them: README.md beside this file says who, and which test holds what."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from services.ingest.handler import accept
from services.ingest.ports import SubmissionMetadata
from services.scheduler.handler import release, release_due
from shared.messages import Lane, ListingsRendered, ListingsStale
from tests.functional.conftest import Line, an_article
from tests.functional.test_any_interleaving import end_all_waits
from tests.functional.test_what_others_lost import EARLY, LATE, find_what_was_lost

HOME = "index.html"


def test_a_time_that_nobody_was_there_for_is_made_up_for(line: Line) -> None:
    accepted = line.post(headline="Better late", embargo_until=(line.now + timedelta(hours=1)).isoformat())

    line.now += timedelta(days=3)
    line.tick()

    assert "Better late" in line.page(HOME)
    assert line.receipt_status(accepted.receipt) == "live"


def test_a_release_whose_message_was_lost_is_emitted_again(line: Line) -> None:
    line.post(headline="Due and lost", embargo_until=(line.now + timedelta(hours=1)).isoformat())
    line.now += timedelta(hours=1)
    assert len(list(release_due(line.site, line.clockwork))) == 1

    find_what_was_lost(line)

    assert "Due and lost" in line.page(HOME)


def test_what_is_due_again_and_again_holds_up_neither_the_newly_due_nor_what_is_posted(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release, "_MOST_A_ROUND", 3)
    due = line.now + timedelta(minutes=5)
    for number in range(4):
        line.post(source_id=f"stuck-{number}", embargo_until=(due - timedelta(minutes=1)).isoformat())
    line.post(source_id="due", headline="Newly due", embargo_until=due.isoformat())
    line.now = due - timedelta(seconds=30)
    for _ in range(2):
        list(release_due(line.site, line.clockwork))  # and nothing is done about them
    end_all_waits(line)

    line.now = due
    posted = line.post(source_id="posted", headline="Posted meanwhile")
    line.take(release_due(line.site, line.clockwork))
    line.run()

    assert line.receipt_status(posted.receipt) == "live"
    assert "Newly due" in str(line.site_bytes())


def test_an_article_brought_forward_comes_at_its_new_time_and_its_old_time_does_nothing(line: Line) -> None:
    old, new = line.now + timedelta(hours=2), line.now + timedelta(hours=1)
    line.post(headline="As planned first", version_created=EARLY, embargo_until=old.isoformat())
    line.post(headline="Brought forward", version_created=LATE, embargo_until=new.isoformat())

    line.now = new
    line.tick()
    assert "Brought forward" in line.page(HOME)
    puts = list(line.public.puts)

    line.now = old
    line.tick()
    find_what_was_lost(line)
    assert line.public.puts == puts


def test_a_correction_of_a_scheduled_article_is_what_comes_out_at_its_time(line: Line) -> None:
    due = line.now + timedelta(hours=1)
    line.post(headline="Sceduled", version_created=EARLY, embargo_until=due.isoformat())
    line.post(headline="Scheduled", version_created=LATE, embargo_until=due.isoformat())
    line.tick()
    assert "eduled" not in str(line.site_bytes())

    line.now = due
    line.tick()

    assert "Scheduled" in line.page(HOME)
    assert "Sceduled" not in str([body for body, _ in line.site_bytes().values()])


def test_a_schedule_that_has_fired_blocks_no_later_update(line: Line) -> None:
    due = line.now + timedelta(hours=1)
    line.post(headline="As scheduled", version_created=EARLY, embargo_until=due.isoformat())
    line.now = due
    line.tick()

    update = line.post(
        headline="Corrected since", version_created="2026-11-01T13:30:00Z", embargo_until=due.isoformat()
    )
    line.tick()

    assert update.status == "accepted"
    assert "Corrected since" in line.page(HOME)


def test_an_embargo_named_in_another_zone_ends_at_the_same_instant(line: Line) -> None:
    line.post(headline="Half past six in Delhi", embargo_until="2026-11-01T18:30:00+05:30")

    line.now = line.now.replace(hour=12, minute=59, second=59)
    line.tick()
    assert "Delhi" not in str(line.site_bytes())

    line.now = line.now.replace(hour=13, minute=0, second=0)
    line.tick()
    assert "Delhi" in line.page(HOME)


def test_an_import_keeps_to_its_lane_also_when_it_is_said_again_and_a_kill_leaves_it(line: Line) -> None:
    def lanes_of_what_follows() -> set[Lane]:
        lanes = set[Lane]()
        while line.queue:
            message = line.queue.pop(0)
            if not isinstance(message, ListingsStale | ListingsRendered):  # fronts do not wait behind an import
                lanes.add(message.lane)
            line.take(line.deliver(message))
        return lanes

    line.tick()  # the site's own pages are there
    accepted = accept(
        json.dumps(an_article(version_created=EARLY)).encode(),
        SubmissionMetadata(
            content_type="application/json",
            site=line.site,
            feed=line.site.feeds[0],
            received_at=line.now,
            may_take_down=False,
            lane=Lane.BULK,
        ),
        line.intake,
    )
    lost = list(line.queue)
    line.queue.clear()
    end_all_waits(line)
    line.sweep()
    assert {message.lane for message in (*lost, *line.queue)} == {Lane.BULK}
    assert lanes_of_what_follows() == {Lane.BULK}
    assert line.receipt_status(accepted.receipt) == "live"

    line.post(status="canceled", body="", version_created=LATE)
    assert lanes_of_what_follows() == {Lane.URGENT}
