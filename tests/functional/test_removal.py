from __future__ import annotations

from datetime import timedelta

import pytest

from services.ingest.domain.refusal import RefusedError
from shared.errors import AddressTakenError
from shared.messages import PageRendered
from tests.functional.conftest import Line

LATER = "2026-11-01T11:00:00Z"
LATEST = "2026-11-01T11:30:00Z"


def test_a_kill_answers_410_at_every_address_the_article_ever_had(line: Line) -> None:
    accepted = line.post(section="world")
    line.run()
    line.post(section="business", version_created=LATER)
    line.run()
    claimed = line.record(accepted.article).claimed

    kill = line.post(status="canceled", body="", version_created=LATEST)
    line.tick()

    assert len(claimed) == 2
    assert {line.status_at(path) for path in claimed} == {"410"}
    assert all("Ferry" not in line.page(path) for path in claimed)
    assert line.receipt_status(kill.receipt) == "killed"


def test_a_kill_purges_the_article_and_each_of_its_addresses_hard(line: Line) -> None:
    accepted = line.post()
    line.run()
    line.edge.purged_hard.clear()

    line.post(status="canceled", body="", version_created=LATER)
    line.run()

    address = line.record(accepted.article).claimed[0].removesuffix("index.html")
    assert {f"article:{accepted.article}", f"path:/{address}"} <= set(line.edge.purged_hard)


def test_a_killed_article_vanishes_from_every_listing(line: Line) -> None:
    line.post(headline="To be killed")
    line.tick()
    assert "To be killed" in line.page("index.html")

    line.post(headline="KILL", status="canceled", body="", version_created=LATER)
    line.tick()

    shown = [path for path, (body, _) in line.site_bytes().items() if b"To be killed" in body or b"KILL" in body]
    assert shown == []


def test_a_revision_that_comes_after_a_kill_stays_unpublished(line: Line) -> None:
    accepted = line.post()
    line.run()
    line.post(status="canceled", body="", version_created=LATER)
    line.run()

    late = line.post(headline="Back again", version_created=LATEST)
    line.run()
    line.tick()

    assert "Back again" not in str(line.site_bytes())
    assert line.status_at(line.record(accepted.article).claimed[0]) == "410"
    assert line.receipt_status(late.receipt) == "killed"


def test_a_kill_followed_at_once_by_an_update_takes_the_text_down_all_the_same(line: Line) -> None:
    accepted = line.post()
    line.run()

    line.post(status="canceled", body="", version_created=LATER)
    line.post(headline="Back again", version_created=LATEST)
    line.run()

    assert line.status_at(line.record(accepted.article).claimed[0]) == "410"
    assert "Back again" not in str(line.site_bytes())


def test_a_withheld_article_comes_back_with_its_next_usable_revision(line: Line) -> None:
    accepted = line.post()
    line.run()
    withheld = line.post(status="withheld", body="", version_created=LATER)
    line.run()
    assert line.status_at(line.record(accepted.article).claimed[0]) == "410"
    assert line.receipt_status(withheld.receipt) == "withdrawn"

    line.post(headline="Back again", version_created=LATEST)
    line.tick()

    assert "Back again" in line.page_of(accepted.article)
    assert "Back again" in line.page("index.html")


def test_a_kill_that_is_older_than_the_latest_revision_takes_nothing_down_and_says_so(line: Line) -> None:
    accepted = line.post(version_created=LATER)
    line.run()

    kill = line.post(status="canceled", body="", version_created="2026-11-01T09:00:00Z")
    line.tick()

    assert kill.status == "superseded"
    assert "takes nothing down" in kill.report.warnings[-1]
    assert "Ferry" in line.page_of(accepted.article)


def test_taking_down_needs_the_scope(line: Line) -> None:
    with pytest.raises(RefusedError) as refusal:
        line.post(status="canceled", body="", may_take_down=False)

    assert refusal.value.code == 403


def test_an_expired_article_is_gone_at_its_time_and_not_before(line: Line) -> None:
    expiry = line.now + timedelta(hours=1)
    accepted = line.post(headline="For an hour", expires_at=expiry.isoformat())
    line.tick()
    assert "For an hour" in line.page("index.html")

    line.now = expiry
    line.tick()

    assert line.status_at(line.record(accepted.article).claimed[0]) == "410"
    assert "For an hour" not in line.page("index.html")
    assert line.receipt_status(accepted.receipt) == "withdrawn"
    line.redis.flushall()
    assert line.receipt_status(accepted.receipt) == "withdrawn"  # the bucket alone says so too


def test_an_article_that_had_expired_before_it_came_is_never_shown(line: Line) -> None:
    line.post(headline="Too late", expires_at="2026-10-01T00:00:00Z")
    line.tick()

    assert "Too late" not in str(line.site_bytes())


def test_a_page_that_waited_until_its_article_expired_is_not_put(line: Line) -> None:
    expiry = line.now + timedelta(hours=1)
    accepted = line.post(headline="Rendered in time", expires_at=expiry.isoformat())
    while not any(isinstance(message, PageRendered) for message in line.queue):
        line.queue.extend(line.deliver(line.queue.pop(0)))

    line.now = expiry
    line.run()

    assert "Rendered in time" not in str(line.site_bytes())
    assert line.receipt_status(accepted.receipt) == "withdrawn"


def test_two_articles_that_would_share_an_address_do_not_overwrite_one_another(line: Line) -> None:
    first = line.post(source_id="one", headline="Weather")
    line.run()
    path = line.record(first.article).path or ""
    second = line.post(source_id="two", headline="Weather")
    while not isinstance(line.queue[0], PageRendered):
        line.queue.extend(line.deliver(line.queue.pop(0)))
    clash = line.queue.pop(0).model_copy(update={"path": path})
    before = line.page(path)

    with pytest.raises(AddressTakenError):
        line.deliver(clash)
    line.post(source_id="two", status="canceled", body="", version_created=LATEST)
    line.run()

    assert line.record(second.article).claimed == (path,)
    assert (line.page(path), line.status_at(path)) == (before, "200")
