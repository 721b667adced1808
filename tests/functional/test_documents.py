"""Documents with several entries: each entry has its own outcome, also when a worker reads the document."""

from __future__ import annotations

import json
from collections.abc import Sequence
from uuid import uuid4

import pytest

from services.ingest.domain.accepted import Accepted, DocumentOutcome
from services.ingest.domain.refusal import RefusedError
from services.ingest.domain.states import ReceiptState
from services.ingest.handler import accept_document, find_receipt_state
from services.ingest.ports import SubmissionMetadata
from shared.site.keys import UNMATCHED_REMOVALS_PREFIX
from tests.functional.conftest import Pipeline

RSS = "application/rss+xml"


def entry(
    number: int, headline: str, published: str = "Sun, 01 Nov 2026 08:00:00 GMT", text: str = "Enough text."
) -> str:
    return (
        f"<item><guid>urn:story:{number}</guid><title>{headline}</title><pubDate>{published}</pubDate>"
        f"<description>&lt;p&gt;{text}&lt;/p&gt;</description></item>"
    )


def feed(*entries: str) -> bytes:
    return f'<rss version="2.0"><channel><title>W</title>{"".join(entries)}</channel></rss>'.encode()


def post(
    pipeline: Pipeline, raw: bytes, content_type: str = RSS, *, may_take_down: bool = True
) -> Accepted | DocumentOutcome:
    metadata = SubmissionMetadata(
        content_type=content_type,
        site=pipeline.site,
        feed=pipeline.site.feeds[0],
        received_at=pipeline.now,
        may_take_down=may_take_down,
    )
    return accept_document(raw, metadata, uuid4(), pipeline.ingest_deps)


def document(pipeline: Pipeline, raw: bytes, content_type: str = RSS) -> DocumentOutcome:
    outcome = post(pipeline, raw, content_type)
    assert isinstance(outcome, DocumentOutcome)
    return outcome


def state_of(pipeline: Pipeline, receipt: str) -> ReceiptState:
    state = find_receipt_state(receipt, pipeline.ingest_deps)
    assert state is not None
    return state


def statuses(entries: Sequence[object]) -> list[str]:
    return [str(getattr(each, "status")) for each in entries]  # noqa: B009 -- of several models


def headlines(pipeline: Pipeline) -> str:
    return pipeline.page("index.html")


def test_each_entry_of_a_feed_becomes_an_article(pipeline: Pipeline) -> None:
    outcome = document(pipeline, feed(entry(1, "First"), entry(2, "Second"), entry(3, "Third")))
    pipeline.run()
    pipeline.tick()

    state = state_of(pipeline, outcome.receipt)
    assert statuses(outcome.entries) == ["accepted"] * 3
    assert (state.status, statuses(state.entries)) == ("live", ["live"] * 3)
    assert len({each.url for each in state.entries}) == 3
    assert all(headline in headlines(pipeline) for headline in ("First", "Second", "Third"))


def test_a_feed_that_is_read_again_changes_only_its_new_and_changed_entries(pipeline: Pipeline) -> None:
    document(pipeline, feed(entry(1, "First"), entry(2, "Second")))
    pipeline.run()

    again = document(pipeline, feed(entry(3, "Third"), entry(1, "First"), entry(2, "Second, longer")))
    pipeline.run()
    pipeline.tick()

    assert statuses(again.entries) == ["accepted", "duplicate", "accepted"]
    assert "Second, longer" in headlines(pipeline)


def test_a_faulty_entry_does_not_affect_the_others(pipeline: Pipeline) -> None:
    outcome = document(pipeline, feed(entry(1, "First"), "<item><title>No identity</title></item>", entry(2, "Second")))
    pipeline.run()

    state = state_of(pipeline, outcome.receipt)
    assert statuses(state.entries) == ["live", "refused", "live"]
    assert state.entries[1].reason
    assert state.entries[1].faults[0].pointer.startswith("/rss/channel/item[2]")


def test_a_document_without_an_acceptable_entry_is_refused_and_kept(pipeline: Pipeline) -> None:
    raw = feed("<item><title>No identity</title></item>", "<item><title>Nor this</title></item>")

    with pytest.raises(RefusedError, match="none of 2 entries") as refused:
        post(pipeline, raw)

    assert refused.value.code == 422
    assert raw in _raw_objects(pipeline)


def test_a_worker_reads_a_document_as_the_endpoint_does(pipeline: Pipeline) -> None:
    submitted = pipeline.submit(feed(entry(1, "First"), "<item><title>No identity</title></item>", entry(2, "Second")))
    pipeline.run()
    pipeline.tick()

    state = state_of(pipeline, submitted.receipt)
    assert (state.status, statuses(state.entries)) == ("live", ["live", "refused", "live"])
    assert "First" in headlines(pipeline)


def test_entries_of_one_article_keep_their_order(pipeline: Pipeline) -> None:
    later = "Sun, 01 Nov 2026 09:00:00 GMT"
    document(pipeline, feed(entry(1, "New headline", later), entry(1, "Old headline")))
    pipeline.run()
    pipeline.tick()

    assert "New headline" in headlines(pipeline)
    assert "Old headline" not in headlines(pipeline)


def test_a_picture_is_kept_as_media_and_has_no_page(pipeline: Pipeline) -> None:
    picture = {"standard": {"name": "ninjs", "version": "3.0"}, "uri": "urn:picture:1", "type": "picture"}

    outcome = document(pipeline, json.dumps(picture).encode(), "application/json")
    pipeline.run()

    state = state_of(pipeline, outcome.receipt)
    assert (state.status, state.pages) == ("media", ())
    assert state.reason
    assert len(_raw_objects(pipeline)) == 1


GHOST_POST = {
    "id": "5f0c7c3f1b0e4a7d9f3f6a1d",
    "uuid": "0b7c4f5e-6d1a-4f53-8d57-0b9f5a3c2d11",
    "title": "Ferry returns",
    "slug": "ferry-returns",
    "html": "<p>It left at dawn.</p>",
    "visibility": "public",
    "updated_at": "2026-11-01T08:00:00.000Z",
    "published_at": "2026-11-01T08:00:00.000Z",
    "status": "published",
}


def ghost(**fields: str) -> bytes:
    return json.dumps({"post": {"current": GHOST_POST | fields, "previous": {}}}).encode()


@pytest.mark.parametrize("is_reversed", [False, True], ids=["forwards", "backwards"])
def test_a_draft_that_follows_a_published_post_takes_its_page_down(pipeline: Pipeline, *, is_reversed: bool) -> None:
    published = ghost()
    draft = ghost(status="draft", updated_at="2026-11-01T09:00:00.000Z")

    for raw in (draft, published) if is_reversed else (published, draft):
        last = post(pipeline, raw, "application/json")
        pipeline.run()
        pipeline.tick()

    assert isinstance(last, Accepted)
    assert "Ferry returns" not in headlines(pipeline)
    assert state_of(pipeline, last.receipt).status in ("withdrawn", "superseded")


def test_a_draft_alone_is_held_and_is_no_unmatched_removal(pipeline: Pipeline) -> None:
    held = post(pipeline, ghost(status="draft"), "application/json")
    pipeline.run()
    pipeline.tick()

    assert isinstance(held, Accepted)
    state = state_of(pipeline, held.receipt)
    assert (held.status, state.status) == ("held", "held")
    assert "draft" in (state.reason or "")
    assert not list(pipeline.content.list_keys(UNMATCHED_REMOVALS_PREFIX))


def test_a_draft_needs_no_right_to_remove(pipeline: Pipeline) -> None:
    post(pipeline, ghost(), "application/json", may_take_down=False)
    pipeline.run()

    draft = ghost(status="draft", updated_at="2026-11-01T09:00:00.000Z")
    post(pipeline, draft, "application/json", may_take_down=False)
    pipeline.run()
    pipeline.tick()

    assert "Ferry returns" not in headlines(pipeline)


def test_a_scheduled_entry_keeps_no_document_unfinished(pipeline: Pipeline) -> None:
    outcome = document(pipeline, feed(entry(1, "First"), entry(2, "Second", "Sun, 01 Nov 2099 08:00:00 GMT")))
    pipeline.run()
    pipeline.tick()

    state = state_of(pipeline, outcome.receipt)
    assert (state.status, statuses(state.entries)) == ("live", ["live", "scheduled"])


def test_a_revision_that_a_later_entry_supersedes_is_announced_as_superseded(pipeline: Pipeline) -> None:
    later = "Sun, 01 Nov 2026 09:00:00 GMT"
    outcome = document(pipeline, feed(entry(1, "Old headline"), entry(1, "New headline", later)))

    first, second = (each.receipt or "" for each in outcome.entries)
    assert pipeline.receipt_status(first) == "superseded"
    assert pipeline.receipt_status(second) == "accepted"


def _raw_objects(pipeline: Pipeline) -> list[bytes]:
    return [pipeline.content.get(key).body for key in pipeline.content.list_keys("raw/")]
