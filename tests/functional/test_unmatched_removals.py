"""A removal may arrive before its article or name the wrong one: it is stored and never reported as done."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import REGISTRY

from services.desk.handler.backup import NEVER_COPIED
from services.ingest.domain.accepted import Accepted
from services.ingest.domain.refusal import RefusedError
from services.ingest.handler import find_article_state, find_receipt_state
from shared.site import keys
from tests.functional.conftest import Pipeline

EARLY, KILLED_AT, LATER, LATEST = (f"2026-11-01T1{hour}:00:00Z" for hour in (0, 1, 2, 3))


def a_removal(pipeline: Pipeline, status: str = "canceled", **fields: Any) -> Accepted:
    return pipeline.post(**{"status": status, "body": "", "version_created": KILLED_AT} | fields)


def in_force(pipeline: Pipeline) -> list[str]:
    return list(pipeline.content.list_keys(keys.unmatched_removals_prefix("epn")))


def reason_of(pipeline: Pipeline, accepted: Accepted) -> str:
    state = find_receipt_state(accepted.receipt, pipeline.ingest_deps)
    assert state is not None
    return state.reason or ""


@pytest.mark.parametrize("status", ["canceled", "withheld"])
def test_a_removal_without_an_article_is_unmatched_and_takes_nothing_down(pipeline: Pipeline, status: str) -> None:
    other = pipeline.post(source_id="another story")
    pipeline.run()

    removal = a_removal(pipeline, status)
    pipeline.run()
    pipeline.tick()

    assert removal.status == "unmatched"
    assert pipeline.receipt_status(removal.receipt) == "unmatched"
    assert 'source "desk", source id "story-1"' in (removal.reason or "")
    assert reason_of(pipeline, removal) == removal.reason
    assert pipeline.record(removal.article).claimed == ()
    assert pipeline.record(other.article).revision is not None
    assert not list(pipeline.content.list_keys(keys.tombstone_prefix("epn", removal.article)))


def test_an_unmatched_removal_lists_articles_with_its_source_id_and_another_source(pipeline: Pipeline) -> None:
    story = pipeline.post(source="my-newsroom", headline="The intended story")
    pipeline.post(source="my-newsroom", source_id="story-2")
    pipeline.run()

    removal = a_removal(pipeline)

    assert [(each.article, each.source) for each in removal.near_matches] == [(story.article, "my-newsroom")]
    assert removal.near_matches[0].headline == "The intended story"
    assert f'{story.article} (source "my-newsroom")' in (removal.reason or "")


def test_a_text_with_an_older_stamp_is_superseded_by_a_removal_that_arrived_first(pipeline: Pipeline) -> None:
    a_removal(pipeline, "withheld")
    pipeline.run()

    late = pipeline.post(version_created=EARLY)
    pipeline.run()
    pipeline.tick()

    assert late.status == "superseded"
    assert pipeline.record(late.article).revision is None


def test_the_first_text_after_an_unmatched_kill_is_held_until_a_person_restores_it(pipeline: Pipeline) -> None:
    a_removal(pipeline)
    pipeline.run()

    held = pipeline.post(version_created=LATER, headline="Perhaps the killed one")
    pipeline.run()
    pipeline.sweep()
    pipeline.run()
    pipeline.tick()
    assert held.status == pipeline.receipt_status(held.receipt) == "held"
    assert "until a person restores" in (held.reason or "")
    assert "Perhaps the killed one" not in str(pipeline.site_bytes())

    restored = pipeline.act("restore", held.article)
    pipeline.run()
    pipeline.tick()
    assert pipeline.receipt_status(restored.receipt) == "live"
    assert "Perhaps the killed one" in pipeline.page_of(held.article)
    assert in_force(pipeline) == []

    correction = pipeline.post(version_created=None, headline="A correction needs no restore")
    pipeline.run()
    assert correction.status == "accepted"
    assert "A correction needs no restore" in pipeline.page_of(held.article)


def test_later_texts_are_held_too_and_a_repeated_post_says_so(pipeline: Pipeline) -> None:
    a_removal(pipeline)
    first, second = pipeline.post(version_created=LATER), pipeline.post(version_created=LATEST)

    again = pipeline.post(version_created=LATEST)

    assert [each.status for each in (first, second, again)] == ["held", "held", "held"]
    assert again.revision == second.revision


def test_a_kill_of_a_held_article_is_an_ordinary_kill(pipeline: Pipeline) -> None:
    a_removal(pipeline)
    held = pipeline.post(version_created=LATER)

    kill = pipeline.act("kill", held.article)
    pipeline.run()
    pipeline.tick()

    assert pipeline.receipt_status(kill.receipt) == "killed"
    assert pipeline.receipt_status(held.receipt) == "killed"
    assert in_force(pipeline) == []
    assert list(pipeline.content.list_keys(keys.tombstone_prefix("epn", held.article)))


def test_a_kill_by_id_of_an_unmatched_removal_takes_nothing_down_and_is_unmatched(pipeline: Pipeline) -> None:
    story = pipeline.post(source="my-newsroom")
    removal = a_removal(pipeline)
    pipeline.run()

    kill = pipeline.act("kill", removal.article)
    pipeline.run()

    assert kill.status == pipeline.receipt_status(removal.receipt) == "unmatched"
    assert [each.article for each in kill.near_matches] == [story.article]
    assert len(in_force(pipeline)) == 1
    assert pipeline.record(story.article).revision is not None


def test_near_matches_are_articles_and_no_other_removals(pipeline: Pipeline) -> None:
    a_removal(pipeline, source="one")

    assert a_removal(pipeline, source="two").near_matches == ()


def test_a_text_that_was_held_and_skipped_does_not_shape_the_address(pipeline: Pipeline) -> None:
    a_removal(pipeline)
    article = pipeline.post(version_created=LATER, headline="A claim that nobody may read").article
    pipeline.post(version_created=LATEST, headline="The council debates the budget")

    pipeline.act("restore", article)
    pipeline.run()
    pipeline.tick()

    assert "the-council-debates-the-budget" in (pipeline.record(article).path or "")
    assert not [path for path in pipeline.site_bytes() if "claim" in path]


def test_a_text_that_was_posted_under_a_kill_and_skipped_does_not_shape_the_address(pipeline: Pipeline) -> None:
    article = pipeline.post(version_created=EARLY, slug="first").article
    pipeline.run()
    a_removal(pipeline)
    pipeline.post(version_created=LATER, slug="a-claim")
    pipeline.post(version_created=LATEST, slug="third")
    pipeline.run()

    pipeline.act("restore", article)
    pipeline.run()
    pipeline.tick()

    assert "/third-" in (pipeline.record(article).path or "")
    assert not [path for path in pipeline.site_bytes() if "a-claim" in path]


def test_a_superseded_kill_removes_no_redirect(pipeline: Pipeline) -> None:
    article = pipeline.post(version_created=LATER, slug="first").article
    a_removal(pipeline)  # older than the text: it has no effect
    pipeline.post(version_created=LATEST, slug="second")
    pipeline.run()
    pipeline.act("kill", article)
    pipeline.run()

    pipeline.act("restore", article)
    pipeline.run()
    pipeline.tick()

    assert [pipeline.status_at(path) for path in pipeline.site_bytes() if "/first-" in path] == ["301"]


def test_a_held_article_cannot_be_withdrawn(pipeline: Pipeline) -> None:
    a_removal(pipeline)
    held = pipeline.post(version_created=LATER)

    with pytest.raises(RefusedError, match="kill the article or restore it"):
        pipeline.act("withdraw", held.article)


def test_the_first_text_after_an_unmatched_withdrawal_is_published(pipeline: Pipeline) -> None:
    removal = a_removal(pipeline, "withheld")
    pipeline.run()

    text = pipeline.post(version_created=LATER)
    pipeline.run()

    assert text.status == "accepted"
    assert pipeline.receipt_status(text.receipt) == "live"
    assert pipeline.receipt_status(removal.receipt) == "superseded"
    assert in_force(pipeline) == []


def test_a_restore_lifts_a_removal_that_has_no_text_and_the_next_text_is_published(pipeline: Pipeline) -> None:
    removal = a_removal(pipeline)
    pipeline.run()

    lifted = pipeline.act("restore", removal.article, why="it named the wrong story")
    pipeline.run()
    assert "no text of the article was sent yet" in reason_of(pipeline, lifted)
    assert "a later text with a newer stamp is published" in lifted.report.warnings[0]

    text = pipeline.post(version_created=LATER)  # a stamp before the restore was asked for
    pipeline.run()
    pipeline.tick()

    assert in_force(pipeline) == []
    assert pipeline.receipt_status(text.receipt) == "live"


def test_an_older_text_after_such_a_restore_needs_another_one(pipeline: Pipeline) -> None:
    removal = a_removal(pipeline)
    pipeline.act("restore", removal.article)
    text = pipeline.post(version_created=EARLY, headline="Sent before the kill, arrived after it")
    pipeline.run()
    assert text.status == "superseded"

    pipeline.act("restore", removal.article)
    pipeline.run()

    assert "Sent before the kill" in pipeline.page_of(text.article)


def test_a_restore_that_lifted_a_removal_can_be_sent_again(pipeline: Pipeline) -> None:
    removal = a_removal(pipeline)
    first = pipeline.act("restore", removal.article)

    again = pipeline.act("restore", removal.article)

    assert (again.status, again.revision) == ("duplicate", first.revision)


def test_a_removal_that_is_being_committed_keeps_its_unmatched_entry(pipeline: Pipeline) -> None:
    """Its unmatched entry is stored, its revision not yet; a text arrives in between."""
    article, kill = keys.article_id("epn", "desk", "story-1"), "01793530800000000-0000000000-000"
    pipeline.content.put(keys.unmatched_key("epn", article, kill), b"")

    pipeline.post(version_created=EARLY)

    assert list(pipeline.content.list_keys(keys.unmatched_prefix("epn", article)))


def test_a_repeated_unmatched_removal_is_unmatched_again(pipeline: Pipeline) -> None:
    first = a_removal(pipeline)

    again = a_removal(pipeline)

    assert (again.status, again.revision) == ("unmatched", first.revision)


def test_a_removal_of_a_known_article_leaves_no_unmatched_entry(pipeline: Pipeline) -> None:
    pipeline.post(version_created=EARLY)
    pipeline.run()

    kill = a_removal(pipeline)
    pipeline.run()

    assert pipeline.receipt_status(kill.receipt) == "killed"
    assert in_force(pipeline) == []


def test_an_uncommitted_removal_holds_no_text(pipeline: Pipeline) -> None:
    article = keys.article_id("epn", "desk", "story-1")
    pipeline.content.put(keys.unmatched_key("epn", article, "01793530800000000-0000000000-000"), b"")

    text = pipeline.post(version_created=LATER)
    pipeline.run()

    assert pipeline.receipt_status(text.receipt) == "live"


def test_unmatched_removals_are_counted_for_each_site(pipeline: Pipeline) -> None:
    a_removal(pipeline)
    a_removal(pipeline, source_id="another")
    pipeline.sweep()

    assert REGISTRY.get_sample_value("pressline_unmatched_removals", {"site": "epn"}) == 2
    assert len(in_force(pipeline)) == 2


def test_the_state_of_an_article_names_an_unmatched_removal(pipeline: Pipeline) -> None:
    removal = a_removal(pipeline)
    pipeline.run()

    state = find_article_state(pipeline.site, removal.article, pipeline.ingest_deps)

    assert state is not None
    assert state.status == "unmatched"


def test_backups_contain_unmatched_removals() -> None:
    assert not keys.unmatched_removal_key("epn", "a", "r").startswith(NEVER_COPIED)
    assert not keys.unmatched_key("epn", "a", "r").startswith(NEVER_COPIED)
