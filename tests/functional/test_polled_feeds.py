"""A polled document goes through the whole pipeline: one outcome for each entry, and nothing twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from secrets import token_urlsafe

import pytest

from services.relay.adapters.fetching import DocumentFetcher
from services.relay.adapters.http import OutsideHttp
from services.relay.handler import FeedPoller, SubmissionDeps
from shared.runtime.feed_polls import FeedPolls
from shared.runtime.receipts.stored import find_stored_receipt
from shared.site.sites import Feed
from tests.contract.test_polled_feeds import a_stopped_event
from tests.feed_server import a_feed_server, rss
from tests.functional.conftest import Pipeline


def poll(pipeline: Pipeline, feed: Feed) -> str:
    """Poll in a new process; return the receipt."""
    fetch = DocumentFetcher(OutsideHttp(timeout_seconds=5, allows_private=True), max_bytes=100_000, deadline_seconds=5)
    ingest = pipeline.ingest_deps
    deps = SubmissionDeps(
        content=pipeline.content,
        polls=FeedPolls(pipeline.content),
        receipts=ingest.receipts,
        emit=ingest.emit,
        is_full=lambda: False,
        sites=ingest.sites,
        clock=lambda: pipeline.now,
        jitter=lambda: 0.0,
        new_secret=token_urlsafe,
    )
    pipeline.now += timedelta(minutes=6)  # more than the interval
    FeedPoller(pipeline.site, feed, fetch, deps).run_round(a_stopped_event())
    state = deps.polls.find(pipeline.site.id, feed.id)
    assert state is not None
    assert state.receipt
    return state.receipt


def outcomes(pipeline: Pipeline, receipt: str) -> Counter[str]:
    """Run the pipeline until nothing waits; return the number of entries with each outcome of the reading."""
    pipeline.run()
    pipeline.tick()
    found = find_stored_receipt(pipeline.content, pipeline.site.id, receipt)
    assert found is not None
    return Counter(entry.status for entry in found.entries)


@pytest.fixture
def feed(pipeline: Pipeline) -> Callable[[str], Feed]:
    return lambda url: pipeline.site.feeds[0].model_copy(update={"poll_url": url})


def test_only_the_changed_entry_of_a_polled_document_is_published_again(
    pipeline: Pipeline, feed: Callable[[str], Feed]
) -> None:
    with a_feed_server(rss("Quay reopens", "Ferry is late")) as server:
        first = outcomes(pipeline, poll(pipeline, feed(server.url)))
        server.body = rss("Quay reopens", "Ferry is late again", "Crane arrives")
        second = outcomes(pipeline, poll(pipeline, feed(server.url)))

    assert first == {"accepted": 2}
    assert second == {"duplicate": 1, "accepted": 2}
    assert "Ferry is late again" in pipeline.page("index.html")


def test_a_lost_message_of_a_polled_document_is_sent_again(pipeline: Pipeline, feed: Callable[[str], Feed]) -> None:
    with a_feed_server(rss("Quay reopens", "Ferry is late")) as server:
        receipt = poll(pipeline, feed(server.url))
        pipeline.queue.clear()
        pipeline.now += timedelta(minutes=1)
        pipeline.sweep()

    assert outcomes(pipeline, receipt) == {"accepted": 2}
