"""Order, repetition and loss, as others met them: README.md beside this file says who, and which test holds what."""

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
from services.scheduler.handler import Clockwork, emit_stale_pages, release_due, sweep
from shared.errors import StorageUnavailableError
from shared.messages import (
    ArticlesAccepted,
    ArticlesEnriched,
    ArticlesPublished,
    Batch,
    ListingsStale,
    Message,
    PagesRendered,
)
from shared.sites import Site
from tests.functional.conftest import Line, an_article
from tests.functional.test_any_interleaving import end_all_waits, failing

EARLY, LATE, LATEST = "2026-11-01T10:00:00Z", "2026-11-01T11:00:00Z", "2026-11-01T11:30:00Z"
FRONTS = ("index.html", "_rail/latest.html", "world/index.html")


def next_of(line: Line, kind: type[Message]) -> Message:
    """Run the line until a message of a kind is the next one, and take it from the queue."""
    while not isinstance(line.queue[0], kind):
        line.take(line.deliver(line.queue.pop(0)))
    return line.queue.pop(0)


def find_what_was_lost(line: Line) -> None:
    """Let every wait be over, and the scheduler do its rounds."""
    end_all_waits(line)
    line.sweep()
    line.tick()


def submit_later(line: Line, raw: bytes) -> str:
    """Post an article that is to be read later; return its receipt."""
    return line.submit(raw).receipt


@pytest.mark.parametrize("kind", [ArticlesAccepted, ArticlesEnriched])
def test_a_message_that_names_an_old_revision_publishes_the_latest(line: Line, kind: type[Message]) -> None:
    accepted = line.post(headline="Named by the message", version_created=EARLY)
    old = next_of(line, kind)
    latest = line.post(headline="Latest words", version_created=LATE)
    if kind is ArticlesEnriched:
        next_of(line, kind)
    line.queue.clear()

    line.take([old])
    page = next_of(line, PagesRendered)
    line.take(line.deliver(page))
    line.run()

    assert isinstance(page, PagesRendered)
    assert page.revisions == {accepted.article: latest.revision}
    assert "Latest words" in line.page_of(accepted.article)


def test_a_version_that_its_sender_posts_again_after_a_newer_one_changes_nothing(line: Line) -> None:
    first = line.post(headline="First version", version_created=EARLY)
    line.run()
    line.post(headline="Second version", version_created=LATE)
    line.tick()
    before = line.site_bytes()

    retried = line.post(headline="First version", version_created=EARLY)
    line.tick()

    assert (retried.status, retried.revision) == ("duplicate", first.revision)
    assert line.site_bytes() == before


def test_a_version_number_that_starts_again_blocks_no_update(line: Line) -> None:
    accepted = line.post(headline="The seventh", version=7, version_created=EARLY)
    line.run()

    line.post(headline="The first of a new count", version=1, version_created=LATE)
    line.run()

    assert "The first of a new count" in line.page_of(accepted.article)


def test_a_withdrawal_that_arrives_after_the_articles_return_takes_nothing_down(line: Line) -> None:
    accepted = line.post(version_created=EARLY)
    line.tick()
    line.post(status="withheld", body="", version_created=LATE)
    late = line.queue.pop()
    line.post(headline="Back again", version_created=LATEST)
    line.tick()

    line.take(line.deliver(late))
    line.tick()

    assert "Back again" in line.page_of(accepted.article)
    assert all("Back again" in line.page(front) for front in FRONTS)


def test_six_deliveries_of_every_message_publish_once(line: Line) -> None:
    line.tick()
    line.public.puts.clear()
    accepted = line.post(headline="Once is enough")

    while line.queue:
        followed = [follow_up for message in line.queue for _ in range(6) for follow_up in line.deliver(message)]
        line.queue = list({message.message_id: message for message in followed}.values())

    puts = Counter(line.public.puts)
    assert puts[line.record(accepted.article).path or ""] == 1
    assert [puts[front] for front in FRONTS] == [1, 1, 1]
    assert line.page("index.html").count("Once is enough") == 1
    assert line.receipt_status(accepted.receipt) == "live"


def test_six_publishers_of_one_page_at_the_same_moment_put_it_once(line: Line) -> None:
    accepted = line.post()
    page = next_of(line, PagesRendered)

    with ThreadPoolExecutor(6) as publishers:
        list(publishers.map(line.deliver, [page] * 6))

    assert line.public.puts.count(line.record(accepted.article).path or "") == 1


def test_a_duplicates_receipt_leads_to_the_page_also_after_redis_forgot_it(line: Line) -> None:
    accepted = line.post(version_created=EARLY)
    line.run()

    again = line.post(version_created=EARLY)
    read_later = submit_later(line, json.dumps(an_article(version_created=EARLY)).encode())
    line.run()

    url = f"http://edge.test/{(line.record(accepted.article).path or '').removesuffix('index.html')}"
    told = [find_receipt_state(receipt, line.intake) for receipt in (again.receipt, read_later)]
    assert [(state.status, state.url) for state in told if state] == [("live", url)] * 2
    line.redis.flushall()
    state = find_receipt_state(again.receipt, line.intake)
    assert state is not None
    assert (state.status, state.url) == ("live", url)


def emitted_by_two(line: Line, duty: Callable[[Site, Clockwork], Iterable[Message]]) -> list[str]:
    """Return the items that two schedulers emit whose rounds fall together, message by message."""
    both = (line.clockwork, replace(line.clockwork, settled={}))
    rounds = zip_longest(*(iter(duty(line.site, clockwork)) for clockwork in both))
    emitted = [message for messages in rounds for message in messages if message is not None]
    line.take(emitted)
    line.run()
    return sorted(item for each in emitted if isinstance(each, Batch) for item in each.items)


def test_two_schedulers_emit_everything_once(line: Line) -> None:
    due = line.now + timedelta(minutes=5)
    scheduled = [line.post(source_id=f"due-{number}", embargo_until=due.isoformat()).article for number in range(3)]
    lost = [line.post(source_id=f"lost-{number}").article for number in range(3)]
    line.queue.clear()
    line.now = due

    assert emitted_by_two(line, release_due) == sorted(scheduled)
    assert emitted_by_two(line, sweep) == sorted(lost)
    line.tick()
    end_all_waits(line)
    line.index.touch(line.site, "home")
    line.index.touch(line.site, "rail.latest")
    assert emitted_by_two(line, emit_stale_pages) == ["home", "rail.latest"]


@pytest.mark.parametrize("kind", [ArticlesAccepted, ArticlesEnriched, PagesRendered, ArticlesPublished, ListingsStale])
def test_a_message_that_is_lost_between_two_services_only_delays(line: Line, kind: type[Message]) -> None:
    line.tick()
    accepted = line.post(headline="Found again")
    while line.queue:
        message = line.queue.pop(0)
        if not isinstance(message, kind):
            line.take(line.deliver(message))

    find_what_was_lost(line)

    assert line.receipt_status(accepted.receipt) == "live"
    assert all("Found again" in line.page(front) for front in FRONTS)


@pytest.mark.parametrize("status", ["canceled", "withheld"])
def test_a_removal_whose_message_was_lost_takes_the_page_down_all_the_same(line: Line, status: str) -> None:
    accepted = line.post(headline="To be taken down", version_created=EARLY)
    line.tick()

    line.post(status=status, body="", version_created=LATE)
    line.queue.clear()
    find_what_was_lost(line)

    assert line.status_at(line.record(accepted.article).claimed[0]) == "410"
    assert all("To be taken down" not in line.page(front) for front in FRONTS)


@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", range(3))
def test_a_publisher_that_dies_at_any_put_strands_nothing(line: Line, step: int, *, is_done: bool) -> None:
    line.post(version_created=EARLY)
    line.tick()
    accepted = line.post(headline="Not stranded", version_created=LATE)
    page = next_of(line, PagesRendered)

    with failing(line, step, is_done=is_done), pytest.raises(StorageUnavailableError):
        line.deliver(page)
    line.queue.clear()
    line.edge.purged.clear()
    find_what_was_lost(line)

    assert "Not stranded" in line.page_of(accepted.article)
    assert f"article:{accepted.article}" in line.edge.purged
    assert line.receipt_status(accepted.receipt) == "live"


def test_every_accepted_item_ends_in_a_stated_outcome(line: Line) -> None:
    """And what readers find is what the outcome says."""
    soon, later = (line.now + timedelta(hours=hours) for hours in (1, 2))
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
    stated = {
        line.post(source_id=name, headline=f"Headline of {name}", version_created=stamp, **fields).receipt: outcome
        for name, stamp, outcome, fields in news
    }
    stated[submit_later(line, json.dumps(an_article(source_id="later", headline="Headline of later")).encode())] = (
        "live"
    )
    stated[submit_later(line, b"{}")] = "refused"
    for now in (line.now, soon):
        line.now = now
        line.tick()
        find_what_was_lost(line)

    assert {receipt: line.receipt_status(receipt) for receipt in stated} == stated
    found = str([body for body, status in line.site_bytes().values() if status == "200"])
    named = {"plain", "corrected", "overtaken", "due", "outlived-its-kill", "later"}
    assert [name for name in named if f"Headline of {name}" not in found] == []
    others = {"waiting", "prolonged", "expired", "too-old", "withdrawn", "killed"}
    assert [name for name in others if f"Headline of {name}" in found] == []
