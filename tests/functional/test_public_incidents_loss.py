"""Public incidents of order, repetition and loss: README.md in this folder maps incidents to tests."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import zip_longest
from typing import Any

import pytest

from services.ingest.handler import find_receipt_state
from services.scheduler.handler import SchedulerDeps, emit_stale_pages, release_due, sweep
from shared.messaging.messages import (
    ArticlesAccepted,
    ArticlesEnriched,
    ArticlesPublished,
    Batch,
    ListingsStale,
    Message,
    PagesRendered,
)
from shared.runtime.errors import StorageUnavailableError
from shared.site.sites import Site
from tests.functional.conftest import Pipeline, an_article
from tests.functional.test_any_interleaving import end_all_waits, failing

EARLY, LATE, LATEST = "2026-11-01T10:00:00Z", "2026-11-01T11:00:00Z", "2026-11-01T11:30:00Z"
FRONTS = ("index.html", "_rail/latest.html", "world/index.html")


def next_of(pipeline: Pipeline, kind: type[Message]) -> Message:
    """Deliver until the next message is of a kind; remove it from the queue and return it."""
    while not isinstance(pipeline.queue[0], kind):
        pipeline.take(pipeline.deliver(pipeline.queue.pop(0)))
    return pipeline.queue.pop(0)


def re_emit_lost_messages(pipeline: Pipeline) -> None:
    """End all waits and run the scheduler's jobs."""
    end_all_waits(pipeline)
    pipeline.sweep()
    pipeline.tick()


def submit_later(pipeline: Pipeline, raw: bytes) -> str:
    """Submit an article that ingest reads later; return its receipt."""
    return pipeline.submit(raw).receipt


@pytest.mark.parametrize("kind", [ArticlesAccepted, ArticlesEnriched])
def test_a_message_that_names_an_old_revision_publishes_the_latest(pipeline: Pipeline, kind: type[Message]) -> None:
    accepted = pipeline.post(headline="Named by the message", version_created=EARLY)
    old = next_of(pipeline, kind)
    latest = pipeline.post(headline="Latest words", version_created=LATE)
    if kind is ArticlesEnriched:
        next_of(pipeline, kind)
    pipeline.queue.clear()

    pipeline.take([old])
    page = next_of(pipeline, PagesRendered)
    pipeline.take(pipeline.deliver(page))
    pipeline.run()

    assert isinstance(page, PagesRendered)
    assert page.revisions == {accepted.article: latest.revision}
    assert "Latest words" in pipeline.page_of(accepted.article)


def test_a_version_that_its_sender_posts_again_after_a_newer_one_changes_nothing(pipeline: Pipeline) -> None:
    first = pipeline.post(headline="First version", version_created=EARLY)
    pipeline.run()
    pipeline.post(headline="Second version", version_created=LATE)
    pipeline.tick()
    before = pipeline.site_bytes()

    retried = pipeline.post(headline="First version", version_created=EARLY)
    pipeline.tick()

    assert (retried.status, retried.revision) == ("duplicate", first.revision)
    assert pipeline.site_bytes() == before


def test_a_version_number_that_starts_again_blocks_no_update(pipeline: Pipeline) -> None:
    accepted = pipeline.post(headline="The seventh", version=7, version_created=EARLY)
    pipeline.run()

    pipeline.post(headline="The first of a new count", version=1, version_created=LATE)
    pipeline.run()

    assert "The first of a new count" in pipeline.page_of(accepted.article)


def test_a_withdrawal_that_arrives_after_the_articles_return_takes_nothing_down(pipeline: Pipeline) -> None:
    accepted = pipeline.post(version_created=EARLY)
    pipeline.tick()
    pipeline.post(status="withheld", body="", version_created=LATE)
    late = pipeline.queue.pop()
    pipeline.post(headline="Back again", version_created=LATEST)
    pipeline.tick()

    pipeline.take(pipeline.deliver(late))
    pipeline.tick()

    assert "Back again" in pipeline.page_of(accepted.article)
    assert all("Back again" in pipeline.page(front) for front in FRONTS)


def test_six_deliveries_of_every_message_publish_once(pipeline: Pipeline) -> None:
    pipeline.tick()
    pipeline.public.puts.clear()
    accepted = pipeline.post(headline="Once is enough")

    while pipeline.queue:
        followed = [
            follow_up for message in pipeline.queue for _ in range(6) for follow_up in pipeline.deliver(message)
        ]
        pipeline.queue = list({message.message_id: message for message in followed}.values())

    puts = Counter(pipeline.public.puts)
    assert puts[pipeline.record(accepted.article).path or ""] == 1
    assert [puts[front] for front in FRONTS] == [1, 1, 1]
    assert pipeline.page("index.html").count("Once is enough") == 1
    assert pipeline.receipt_status(accepted.receipt) == "live"


def test_six_publishers_of_one_page_at_the_same_moment_put_it_once(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    page = next_of(pipeline, PagesRendered)

    with ThreadPoolExecutor(6) as publishers:
        list(publishers.map(pipeline.deliver, [page] * 6))

    assert pipeline.public.puts.count(pipeline.record(accepted.article).path or "") == 1


def test_a_duplicates_receipt_names_the_page_even_after_the_loss_of_redis(pipeline: Pipeline) -> None:
    accepted = pipeline.post(version_created=EARLY)
    pipeline.run()

    again = pipeline.post(version_created=EARLY)
    read_later = submit_later(pipeline, json.dumps(an_article(version_created=EARLY)).encode())
    pipeline.run()

    url = f"http://edge.test/{(pipeline.record(accepted.article).path or '').removesuffix('index.html')}"
    states = [find_receipt_state(receipt, pipeline.ingest_deps) for receipt in (again.receipt, read_later)]
    assert [(state.status, state.url) for state in states if state] == [("live", url)] * 2
    pipeline.redis.flushall()
    state = find_receipt_state(again.receipt, pipeline.ingest_deps)
    assert state is not None
    assert (state.status, state.url) == ("live", url)


def emitted_by_two(pipeline: Pipeline, job: Callable[[Site, SchedulerDeps], Iterable[Message]]) -> list[str]:
    """Return the items that two schedulers emit in simultaneous, interleaved rounds."""
    both = (pipeline.scheduler_deps, replace(pipeline.scheduler_deps, reconciled={}))
    rounds = zip_longest(*(iter(job(pipeline.site, scheduler_deps)) for scheduler_deps in both))
    emitted = [message for messages in rounds for message in messages if message is not None]
    pipeline.take(emitted)
    pipeline.run()
    return sorted(item for each in emitted if isinstance(each, Batch) for item in each.items)


def test_two_schedulers_emit_everything_once(pipeline: Pipeline) -> None:
    due = pipeline.now + timedelta(minutes=5)
    scheduled = [pipeline.post(source_id=f"due-{number}", embargo_until=due.isoformat()).article for number in range(3)]
    lost = [pipeline.post(source_id=f"lost-{number}").article for number in range(3)]
    pipeline.queue.clear()
    pipeline.now = due

    assert emitted_by_two(pipeline, release_due) == sorted(scheduled)
    assert emitted_by_two(pipeline, sweep) == sorted(lost)
    pipeline.tick()
    end_all_waits(pipeline)
    pipeline.index.mark_stale(pipeline.site, "home")
    pipeline.index.mark_stale(pipeline.site, "rail.latest")
    assert emitted_by_two(pipeline, emit_stale_pages) == ["home", "rail.latest"]


@pytest.mark.parametrize("kind", [ArticlesAccepted, ArticlesEnriched, PagesRendered, ArticlesPublished, ListingsStale])
def test_a_message_lost_between_two_services_only_delays_its_article(pipeline: Pipeline, kind: type[Message]) -> None:
    pipeline.tick()
    accepted = pipeline.post(headline="Found again")
    while pipeline.queue:
        message = pipeline.queue.pop(0)
        if not isinstance(message, kind):
            pipeline.take(pipeline.deliver(message))

    re_emit_lost_messages(pipeline)

    assert pipeline.receipt_status(accepted.receipt) == "live"
    assert all("Found again" in pipeline.page(front) for front in FRONTS)


@pytest.mark.parametrize("status", ["canceled", "withheld"])
def test_a_removal_whose_message_was_lost_still_takes_the_page_down(pipeline: Pipeline, status: str) -> None:
    accepted = pipeline.post(headline="To be taken down", version_created=EARLY)
    pipeline.tick()

    pipeline.post(status=status, body="", version_created=LATE)
    pipeline.queue.clear()
    re_emit_lost_messages(pipeline)

    assert pipeline.status_at(pipeline.record(accepted.article).claimed[0]) == "410"
    assert all("To be taken down" not in pipeline.page(front) for front in FRONTS)


@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", range(3))
def test_a_publisher_that_dies_at_any_put_leaves_no_article_unpublished(
    pipeline: Pipeline, step: int, *, is_done: bool
) -> None:
    pipeline.post(version_created=EARLY)
    pipeline.tick()
    accepted = pipeline.post(headline="Published in the end", version_created=LATE)
    page = next_of(pipeline, PagesRendered)

    with failing(pipeline, step, is_done=is_done), pytest.raises(StorageUnavailableError):
        pipeline.deliver(page)
    pipeline.queue.clear()
    pipeline.edge.purged.clear()
    re_emit_lost_messages(pipeline)

    assert "Published in the end" in pipeline.page_of(accepted.article)
    assert f"article:{accepted.article}" in pipeline.edge.purged
    assert pipeline.receipt_status(accepted.receipt) == "live"


def test_every_accepted_item_ends_in_the_expected_receipt_status(pipeline: Pipeline) -> None:
    """Readers find exactly the pages of the articles that are live."""
    soon, later = (pipeline.now + timedelta(hours=hours) for hours in (1, 2))
    news: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
        ("plain", EARLY, "live", {}),
        ("corrected", EARLY, "superseded", {}),
        ("corrected", LATE, "live", {"section": "business"}),
        ("overtaken", LATE, "live", {}),
        ("overtaken", EARLY, "superseded", {}),
        ("due", EARLY, "live", {"embargo_until": soon.isoformat()}),
        ("waiting", EARLY, "scheduled", {"embargo_until": later.isoformat()}),
        ("prolonged", EARLY, "superseded", {"embargo_until": soon.isoformat()}),
        ("prolonged", LATE, "scheduled", {"embargo_until": later.isoformat()}),
        ("expired", EARLY, "withdrawn", {"expires_at": soon.isoformat()}),
        ("too-old", EARLY, "withdrawn", {"expires_at": "2026-10-01T00:00:00Z"}),
        ("withdrawn", EARLY, "withdrawn", {}),
        ("withdrawn", LATE, "withdrawn", {"status": "withheld", "body": ""}),
        ("killed", EARLY, "killed", {}),
        ("killed", LATE, "killed", {"status": "canceled", "body": ""}),
        ("killed", LATEST, "killed", {}),
        ("killed-unseen", EARLY, "superseded", {"embargo_until": soon.isoformat()}),
        ("killed-unseen", LATE, "killed", {"status": "canceled", "body": ""}),
        ("outlived-its-kill", LATE, "live", {}),
        ("outlived-its-kill", EARLY, "superseded", {"status": "canceled", "body": ""}),
    )
    expected = {
        pipeline.post(source_id=name, headline=f"Headline of {name}", version_created=stamp, **fields).receipt: outcome
        for name, stamp, outcome, fields in news
    }
    expected[
        submit_later(pipeline, json.dumps(an_article(source_id="later", headline="Headline of later")).encode())
    ] = "live"
    expected[submit_later(pipeline, b"{}")] = "refused"
    for now in (pipeline.now, soon):
        pipeline.now = now
        pipeline.tick()
        re_emit_lost_messages(pipeline)

    assert {receipt: pipeline.receipt_status(receipt) for receipt in expected} == expected
    found = str([body for body, status in pipeline.site_bytes().values() if status == "200"])
    named = {"plain", "corrected", "overtaken", "due", "outlived-its-kill", "later"}
    assert [name for name in named if f"Headline of {name}" not in found] == []
    others = {"waiting", "prolonged", "expired", "too-old", "withdrawn", "killed"}
    assert [name for name in others if f"Headline of {name}" in found] == []
