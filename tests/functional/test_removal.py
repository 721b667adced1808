from __future__ import annotations

import pytest

from services.ingest.domain.refusal import RefusedError
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
