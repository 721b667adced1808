"""A removal may arrive before its article, or name the wrong one: it is stored, and never reported as done."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import REGISTRY

from services.desk.handler.backup import NEVER_COPIED
from services.ingest.domain.accepted import Accepted
from services.ingest.domain.refusal import RefusedError
from services.ingest.handler import find_article_state, find_receipt_state
from shared import keys
from tests.functional.conftest import Line

EARLY, KILLED_AT, LATER, LATEST = (f"2026-11-01T1{hour}:00:00Z" for hour in (0, 1, 2, 3))


def a_removal(line: Line, status: str = "canceled", **fields: Any) -> Accepted:
    return line.post(**{"status": status, "body": "", "version_created": KILLED_AT} | fields)


def in_force(line: Line) -> list[str]:
    return list(line.content.list_keys(keys.unmatched_removals_prefix("epn")))


def reason_of(line: Line, accepted: Accepted) -> str:
    state = find_receipt_state(accepted.receipt, line.intake)
    assert state is not None
    return state.reason or ""


@pytest.mark.parametrize("status", ["canceled", "withheld"])
def test_a_removal_without_an_article_is_unmatched_and_takes_nothing_down(line: Line, status: str) -> None:
    other = line.post(source_id="another story")
    line.run()

    removal = a_removal(line, status)
    line.run()
    line.tick()

    assert removal.status == "unmatched"
    assert line.receipt_status(removal.receipt) == "unmatched"
    assert 'source "desk", source id "story-1"' in (removal.reason or "")
    assert reason_of(line, removal) == removal.reason
    assert line.record(removal.article).claimed == ()
    assert line.record(other.article).revision is not None
    assert not list(line.content.list_keys(keys.tombstone_prefix("epn", removal.article)))


def test_a_removal_names_articles_with_its_source_id_and_another_source(line: Line) -> None:
    story = line.post(source="my-newsroom", headline="The story that legal means")
    line.post(source="my-newsroom", source_id="story-2")
    line.run()

    removal = a_removal(line)

    assert [(each.article, each.source) for each in removal.near_matches] == [(story.article, "my-newsroom")]
    assert removal.near_matches[0].headline == "The story that legal means"
    assert f'{story.article} (source "my-newsroom")' in (removal.reason or "")


def test_a_text_with_an_older_stamp_is_superseded_by_the_removal_that_arrived_before_it(line: Line) -> None:
    a_removal(line, "withheld")
    line.run()

    late = line.post(version_created=EARLY)
    line.run()
    line.tick()

    assert late.status == "superseded"
    assert line.record(late.article).revision is None


def test_the_first_text_after_an_unmatched_kill_is_held_until_a_person_restores_it(line: Line) -> None:
    a_removal(line)
    line.run()

    held = line.post(version_created=LATER, headline="Perhaps the killed one")
    line.run()
    line.sweep()
    line.run()
    line.tick()
    assert held.status == line.receipt_status(held.receipt) == "held"
    assert "until a person restores" in (held.reason or "")
    assert "Perhaps the killed one" not in str(line.site_bytes())

    restored = line.act("restore", held.article)
    line.run()
    line.tick()
    assert line.receipt_status(restored.receipt) == "live"
    assert "Perhaps the killed one" in line.page_of(held.article)
    assert in_force(line) == []

    correction = line.post(version_created=None, headline="A correction needs nobody")
    line.run()
    assert correction.status == "accepted"
    assert "A correction needs nobody" in line.page_of(held.article)


def test_later_texts_are_held_too_and_a_repeated_post_says_so(line: Line) -> None:
    a_removal(line)
    first, second = line.post(version_created=LATER), line.post(version_created=LATEST)

    again = line.post(version_created=LATEST)

    assert [each.status for each in (first, second, again)] == ["held", "held", "held"]
    assert again.revision == second.revision


def test_a_kill_of_what_is_held_is_an_ordinary_kill(line: Line) -> None:
    a_removal(line)
    held = line.post(version_created=LATER)

    kill = line.act("kill", held.article)
    line.run()
    line.tick()

    assert line.receipt_status(kill.receipt) == "killed"
    assert line.receipt_status(held.receipt) == "killed"
    assert in_force(line) == []
    assert list(line.content.list_keys(keys.tombstone_prefix("epn", held.article)))


def test_a_kill_by_id_of_an_unmatched_removal_takes_nothing_down_and_says_so(line: Line) -> None:
    story = line.post(source="my-newsroom")
    removal = a_removal(line)
    line.run()

    kill = line.act("kill", removal.article)
    line.run()

    assert kill.status == line.receipt_status(removal.receipt) == "unmatched"
    assert [each.article for each in kill.near_matches] == [story.article]
    assert len(in_force(line)) == 1
    assert line.record(story.article).revision is not None


def test_near_matches_are_articles_and_no_other_removals(line: Line) -> None:
    a_removal(line, source="one")

    assert a_removal(line, source="two").near_matches == ()


def test_a_text_that_was_held_and_passed_over_shapes_no_address(line: Line) -> None:
    a_removal(line)
    article = line.post(version_created=LATER, headline="A claim that nobody may read").article
    line.post(version_created=LATEST, headline="The council debates the budget")

    line.act("restore", article)
    line.run()
    line.tick()

    assert "the-council-debates-the-budget" in (line.record(article).path or "")
    assert not [path for path in line.site_bytes() if "claim" in path]


def test_a_text_that_came_under_a_kill_and_was_passed_over_shapes_no_address(line: Line) -> None:
    article = line.post(version_created=EARLY, slug="first").article
    line.run()
    a_removal(line)
    line.post(version_created=LATER, slug="a-claim")
    line.post(version_created=LATEST, slug="third")
    line.run()

    line.act("restore", article)
    line.run()
    line.tick()

    assert "/third-" in (line.record(article).path or "")
    assert not [path for path in line.site_bytes() if "a-claim" in path]


def test_a_kill_that_came_too_late_stops_no_address(line: Line) -> None:
    article = line.post(version_created=LATER, slug="first").article
    a_removal(line)  # older than the text: it has no effect
    line.post(version_created=LATEST, slug="second")
    line.run()
    line.act("kill", article)
    line.run()

    line.act("restore", article)
    line.run()
    line.tick()

    assert [line.status_at(path) for path in line.site_bytes() if "/first-" in path] == ["301"]


def test_what_is_held_cannot_be_withdrawn(line: Line) -> None:
    a_removal(line)
    held = line.post(version_created=LATER)

    with pytest.raises(RefusedError, match="kill it, or restore it"):
        line.act("withdraw", held.article)


def test_the_first_text_after_an_unmatched_withdrawal_is_published(line: Line) -> None:
    removal = a_removal(line, "withheld")
    line.run()

    text = line.post(version_created=LATER)
    line.run()

    assert text.status == "accepted"
    assert line.receipt_status(text.receipt) == "live"
    assert line.receipt_status(removal.receipt) == "superseded"
    assert in_force(line) == []


def test_a_restore_lifts_a_removal_that_has_no_text_and_the_next_text_is_published(line: Line) -> None:
    removal = a_removal(line)
    line.run()

    lifted = line.act("restore", removal.article, why="it named the wrong story")
    line.run()
    assert "no text of the article has been sent yet" in reason_of(line, lifted)
    assert "a text with a stamp after the removal's is published" in lifted.report.warnings[0]

    text = line.post(version_created=LATER)  # a stamp before the restore was asked for
    line.run()
    line.tick()

    assert in_force(line) == []
    assert line.receipt_status(text.receipt) == "live"


def test_an_older_text_after_such_a_restore_needs_another_one(line: Line) -> None:
    removal = a_removal(line)
    line.act("restore", removal.article)
    text = line.post(version_created=EARLY, headline="Sent before the kill, arrived after it")
    line.run()
    assert text.status == "superseded"

    line.act("restore", removal.article)
    line.run()

    assert "Sent before the kill" in line.page_of(text.article)


def test_a_restore_that_lifted_a_removal_can_be_sent_again(line: Line) -> None:
    removal = a_removal(line)
    first = line.act("restore", removal.article)

    again = line.act("restore", removal.article)

    assert (again.status, again.revision) == ("duplicate", first.revision)


def test_a_removal_that_is_being_committed_keeps_its_mark(line: Line) -> None:
    """Its marks are there, its revision is not yet; a text comes between."""
    article, kill = keys.article_id("epn", "desk", "story-1"), "01793530800000000-0000000000-000"
    line.content.put(keys.unmatched_key("epn", article, kill), b"")

    line.post(version_created=EARLY)

    assert list(line.content.list_keys(keys.unmatched_prefix("epn", article)))


def test_a_repeated_unmatched_removal_does_not_read_as_done(line: Line) -> None:
    first = a_removal(line)

    again = a_removal(line)

    assert (again.status, again.revision) == ("unmatched", first.revision)


def test_a_removal_of_a_known_article_leaves_no_mark_of_an_unmatched_one(line: Line) -> None:
    line.post(version_created=EARLY)
    line.run()

    kill = a_removal(line)
    line.run()

    assert line.receipt_status(kill.receipt) == "killed"
    assert in_force(line) == []


def test_a_removal_that_was_marked_and_not_committed_holds_nothing(line: Line) -> None:
    article = keys.article_id("epn", "desk", "story-1")
    line.content.put(keys.unmatched_key("epn", article, "01793530800000000-0000000000-000"), b"")

    text = line.post(version_created=LATER)
    line.run()

    assert line.receipt_status(text.receipt) == "live"


def test_unmatched_removals_are_counted_for_each_site(line: Line) -> None:
    a_removal(line)
    a_removal(line, source_id="another")
    line.sweep()

    assert REGISTRY.get_sample_value("pressline_unmatched_removals", {"site": "epn"}) == 2
    assert len(in_force(line)) == 2


def test_the_state_of_an_article_tells_of_an_unmatched_removal(line: Line) -> None:
    removal = a_removal(line)
    line.run()

    state = find_article_state(line.site, removal.article, line.intake)

    assert state is not None
    assert state.status == "unmatched"


def test_backups_hold_unmatched_removals() -> None:
    assert not keys.unmatched_removal_key("epn", "a", "r").startswith(NEVER_COPIED)
    assert not keys.unmatched_key("epn", "a", "r").startswith(NEVER_COPIED)
