"""Each receipt status is a claim about readers: it is true, and a reason explains a missing page."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from services.ingest.domain.states import ReceiptState
from services.ingest.handler import find_receipt_state
from shared.messaging.messages import ArticleRemoved
from shared.messaging.pipeline import PUBLISH_PAGES
from shared.runtime import inbox
from shared.runtime.errors import EdgeUnavailableError
from shared.runtime.receipts import ReceiptStatus
from shared.site import keys
from tests.functional.conftest import Pipeline

EARLY, LATER = "2026-11-01T09:00:00Z", "2026-11-01T11:00:00Z"
HEADLINE = "Ferry returns to Port Almina"


def a_live_article(pipeline: Pipeline) -> str:
    accepted = pipeline.post()
    pipeline.run()
    pipeline.tick()
    return accepted.receipt


def an_accepted_article(pipeline: Pipeline) -> str:
    return pipeline.post().receipt


def an_embargoed_article(pipeline: Pipeline) -> str:
    accepted = pipeline.post(embargo_until=(pipeline.now + timedelta(hours=1)).isoformat())
    pipeline.run()
    pipeline.tick()
    return accepted.receipt


def a_superseded_article(pipeline: Pipeline) -> str:
    pipeline.post(headline="Ferry is back", version_created=LATER)
    pipeline.run()
    late = pipeline.post()
    pipeline.run()
    pipeline.tick()
    return late.receipt


def a_duplicate(pipeline: Pipeline) -> str:
    a_live_article(pipeline)
    return pipeline.post().receipt


def a_killed_article(pipeline: Pipeline) -> str:
    receipt = a_live_article(pipeline)
    pipeline.post(status="canceled", body="", version_created=LATER)
    pipeline.run()
    pipeline.tick()
    return receipt


def a_kill(pipeline: Pipeline) -> str:
    a_live_article(pipeline)
    kill = pipeline.post(status="canceled", body="", version_created=LATER)
    pipeline.run()
    pipeline.tick()
    return kill.receipt


def a_withdrawal(pipeline: Pipeline) -> str:
    a_live_article(pipeline)
    withdrawal = pipeline.post(status="withheld", body="", version_created=LATER)
    pipeline.run()
    pipeline.tick()
    return withdrawal.receipt


def an_article_that_arrived_after_its_expiry(pipeline: Pipeline) -> str:
    accepted = pipeline.post(expires_at=(pipeline.now - timedelta(hours=1)).isoformat())
    pipeline.run()
    pipeline.tick()
    return accepted.receipt


def an_unmatched_kill(pipeline: Pipeline) -> str:
    kill = pipeline.post(status="canceled", body="")
    pipeline.run()
    pipeline.tick()
    return kill.receipt


def a_held_article(pipeline: Pipeline) -> str:
    pipeline.post(status="canceled", body="", version_created=EARLY)
    held = pipeline.post()
    pipeline.run()
    pipeline.tick()
    return held.receipt


def a_failed_article(pipeline: Pipeline) -> str:
    accepted = pipeline.post()
    message = pipeline.queue.pop(0)
    payload = message.model_dump(mode="json")
    pipeline.ingest_deps.dead_letters.bury(
        PUBLISH_PAGES.task_name, payload, ValueError("broken"), attempts=1, at=pipeline.now
    )
    pipeline.now += timedelta(minutes=1)
    return accepted.receipt


def a_refused_submission(pipeline: Pipeline) -> str:
    submitted = pipeline.submit(b'{"source_id": "story-1", "headline": "", "body": ""}')
    assert inbox.find_entry(pipeline.content, "epn", submitted.receipt) is not None
    pipeline.run()
    return submitted.receipt


def a_picture(pipeline: Pipeline) -> str:
    picture = {
        "uri": "urn:p:1",
        "type": "picture",
        "versionCreated": EARLY,
        "standard": {"name": "ninjs", "version": "3.0"},
    }
    submitted = pipeline.submit(json.dumps(picture | {"headlines": [{"value": HEADLINE}]}).encode())
    pipeline.run()
    return submitted.receipt


def state_of(pipeline: Pipeline, receipt: str) -> ReceiptState:
    state = find_receipt_state(receipt, pipeline.ingest_deps)
    assert state is not None
    return state


def statuses_for_readers(pipeline: Pipeline, state: ReceiptState) -> set[str]:
    """Return the HTTP statuses of every address that the article of a receipt ever had."""
    claimed = pipeline.record(state.article or "").claimed
    return {pipeline.status_at(path) if pipeline.public.find_head(path) else "404" for path in claimed}


def is_shown(pipeline: Pipeline) -> bool:
    return any(HEADLINE.encode() in body for body, _ in pipeline.site_bytes().values())


CASES: tuple[tuple[Callable[[Pipeline], str], ReceiptStatus, set[str]], ...] = (
    (an_accepted_article, ReceiptStatus.ACCEPTED, set()),
    (an_embargoed_article, ReceiptStatus.SCHEDULED, set()),
    (a_live_article, ReceiptStatus.LIVE, {"200"}),
    (a_duplicate, ReceiptStatus.LIVE, {"200"}),
    (a_superseded_article, ReceiptStatus.SUPERSEDED, {"200", "301"}),
    (a_killed_article, ReceiptStatus.KILLED, {"410"}),
    (a_kill, ReceiptStatus.KILLED, {"410"}),
    (a_withdrawal, ReceiptStatus.WITHDRAWN, {"410"}),
    (an_article_that_arrived_after_its_expiry, ReceiptStatus.WITHDRAWN, {"410"}),
    (an_unmatched_kill, ReceiptStatus.UNMATCHED, set()),
    (a_held_article, ReceiptStatus.HELD, set()),
    (a_failed_article, ReceiptStatus.FAILED, set()),
    (a_refused_submission, ReceiptStatus.REFUSED, set()),
    (a_picture, ReceiptStatus.MEDIA, set()),
)
INTERMEDIATE = {ReceiptStatus.ENRICHED, ReceiptStatus.RENDERED, ReceiptStatus.PUBLISHED, ReceiptStatus.DUPLICATE}
"""Stages between two statuses above; `duplicate` is the status of a reply, with the receipt of the first post."""


def test_every_receipt_status_has_a_case() -> None:
    assert {status for _, status, _ in CASES} | INTERMEDIATE == set(ReceiptStatus)


@pytest.mark.parametrize("is_flushed", [False, True], ids=["redis remembers", "redis forgot"])
@pytest.mark.parametrize(("prepare", "status", "statuses"), CASES, ids=lambda value: getattr(value, "__name__", None))
def test_a_receipt_status_is_true_of_the_pages_that_readers_get(
    pipeline: Pipeline,
    prepare: Callable[[Pipeline], str],
    status: ReceiptStatus,
    statuses: set[str],
    *,
    is_flushed: bool,
) -> None:
    receipt = prepare(pipeline)
    if is_flushed:
        pipeline.redis.flushall()

    state = state_of(pipeline, receipt)

    assert state.status is status
    assert statuses_for_readers(pipeline, state) == statuses
    assert is_shown(pipeline) == (status is ReceiptStatus.LIVE)
    assert bool(state.url) == (status is ReceiptStatus.LIVE)
    assert bool(state.reason) == (status.is_final and status is not ReceiptStatus.LIVE)
    if state.url:
        path = urlsplit(state.url).path.removeprefix("/") + keys.INDEX_DOCUMENT
        assert HEADLINE in pipeline.page(path)


def test_a_kill_names_the_addresses_where_readers_do_not_get_410_yet(pipeline: Pipeline) -> None:
    article = pipeline.post(slug="first").article
    pipeline.run()
    pipeline.post(slug="second", version_created=LATER)
    pipeline.run()
    first, second = (pipeline.site.base_url + keys.url_path(path) for path in pipeline.record(article).claimed)

    kill = pipeline.act("kill", article)
    assert set(state_of(pipeline, kill.receipt).waits_for) == {first, second}

    pipeline.edge.shows_at = {urlsplit(first).path: 200}
    (message,) = (each for each in pipeline.queue if isinstance(each, ArticleRemoved))
    with pytest.raises(EdgeUnavailableError, match="do not get 410 yet"):
        pipeline.deliver(message)
    state = state_of(pipeline, kill.receipt)
    assert (state.status, state.waits_for) == (ReceiptStatus.ACCEPTED, (first,))

    pipeline.edge.shows_at = {}
    pipeline.run()
    state = state_of(pipeline, kill.receipt)
    assert (state.status, state.waits_for) == (ReceiptStatus.KILLED, ())


def test_a_kill_calls_an_edge_that_is_down_once_and_waits_for_every_address(pipeline: Pipeline) -> None:
    article = pipeline.post(slug="first").article
    pipeline.run()
    pipeline.post(slug="second", version_created=LATER)
    pipeline.run()
    kill = pipeline.act("kill", article)
    (message,) = (each for each in pipeline.queue if isinstance(each, ArticleRemoved))
    pipeline.edge.is_down, pipeline.edge.asked = True, []

    with pytest.raises(EdgeUnavailableError, match="do not get 410 yet"):
        pipeline.deliver(message)

    assert len(pipeline.edge.asked) == 1
    assert len(state_of(pipeline, kill.receipt).waits_for) == 2


def test_a_text_under_a_kill_is_not_reported_killed_before_the_edge_was_purged(pipeline: Pipeline) -> None:
    article = pipeline.post().article
    pipeline.run()
    pipeline.act("kill", article)
    late = pipeline.post(version_created=None, headline="Sent after the kill")

    assert not state_of(pipeline, late.receipt).status.is_final

    pipeline.run()
    pipeline.sweep()
    pipeline.run()
    assert state_of(pipeline, late.receipt).status is ReceiptStatus.KILLED
    assert statuses_for_readers(pipeline, state_of(pipeline, late.receipt)) == {"410"}
