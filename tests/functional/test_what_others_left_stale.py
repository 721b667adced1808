"""Listings and purges, as others met them: README.md beside this file says who, and which test holds what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from redis import Redis

from services.ingest.handler import keep_picture
from shared import keys
from shared.errors import EdgeUnavailableError
from shared.messages import (
    ArticlesEnriched,
    Batch,
    ListingsRendered,
    ListingsStale,
    Message,
    PagesRendered,
)
from tests.functional.conftest import Line, page_in
from tests.functional.test_any_interleaving import end_all_waits
from tests.functional.test_what_others_lost import EARLY, FRONTS, LATE, LATEST, next_of

HOME = "index.html"


@pytest.fixture
def slow_line(redis: Redis) -> Iterator[Line]:
    """A line on which each listing has one turn until the test lets all waits be over."""
    built = Line(redis, listing_interval_seconds=300)
    built.tick()
    end_all_waits(built)
    yield built
    built.intake.executor.shutdown()


def settle(line: Line) -> None:
    """Deliver all that is on its way, then let the listings have their turn."""
    line.run()
    end_all_waits(line)
    line.tick()


def home_of(line: Line, kind: type[ListingsStale | ListingsRendered]) -> Message:
    """Run the line until a message of a kind for the front page is the only one on its way; take its part of it."""
    held = None
    while line.queue or held is None:
        message = line.queue.pop(0)
        if isinstance(message, kind) and "home" in message.items:
            held = message.only(["home"])
            message = message.only({*message.items} - {"home"})
        if not isinstance(message, Batch) or message.items:
            line.take(line.deliver(message))
    return held


def refuse(*_: object, **__: object) -> None:
    raise EdgeUnavailableError


@pytest.mark.parametrize("kind", [ListingsStale, ListingsRendered], ids=["on its way", "being rendered"])
def test_a_listing_that_changes_while_its_message_is_worked_on_shows_that_change_too(
    slow_line: Line, kind: type[ListingsStale | ListingsRendered]
) -> None:
    """Where one message stands for a job, the second change must not fall under the first one's table."""
    slow_line.post(source_id="one", headline="First change")
    held = home_of(slow_line, kind)
    slow_line.post(source_id="two", headline="Second change")
    slow_line.run()

    slow_line.take(slow_line.deliver(held))
    settle(slow_line)

    assert "First change" in slow_line.page(HOME)
    assert "Second change" in slow_line.page(HOME)


def test_a_front_page_from_a_clock_that_ran_ahead_is_replaced_by_the_next_change(line: Line) -> None:
    line.post(source_id="one", headline="From the future")
    line.tick()
    there = line.public.get(HOME)
    ahead = f"{int(there.head.metadata['order']) + 3_600_000_000:020d}"
    line.public.put(HOME, there.body, metadata={**there.head.metadata, "order": ahead})

    line.post(source_id="two", headline="The next change")
    line.tick()

    assert "The next change" in line.page(HOME)


def test_a_front_page_in_a_publishers_hands_while_redis_is_emptied_freezes_no_front_page(slow_line: Line) -> None:
    """Its number is ahead of all that the new Redis will give for a while."""
    for minute in range(5):
        slow_line.post(headline=f"Minute {minute}", version_created=f"2026-11-01T10:0{minute}:00Z")
        settle(slow_line)
    slow_line.post(headline="Minute 5", version_created=LATE)
    end_all_waits(slow_line)
    in_hand = home_of(slow_line, ListingsRendered)
    slow_line.redis.flushall()
    slow_line.deliver(in_hand)
    settle(slow_line)

    slow_line.post(source_id="two", headline="Another story", version_created=LATEST)
    settle(slow_line)

    assert "Another story" in slow_line.page(HOME)


@pytest.mark.parametrize("kind", [ArticlesEnriched, PagesRendered])
def test_what_comes_late_puts_no_killed_article_back(line: Line, kind: type[Message]) -> None:
    accepted = line.post(headline="Taken down for good", version_created=EARLY)
    late = next_of(line, kind)
    line.post(status="canceled", body="", version_created=LATE)
    line.tick()

    line.take(line.deliver(late))
    line.tick()

    assert {line.status_at(path) for path in line.record(accepted.article).claimed} <= {"410"}
    assert "Taken down for good" not in str(line.site_bytes())


@pytest.mark.parametrize("kind", [ListingsStale, ListingsRendered])
@pytest.mark.parametrize("is_first", [False, True], ids=["after", "before"])
def test_a_front_page_from_before_a_kill_puts_no_killed_article_back(
    slow_line: Line, kind: type[ListingsStale | ListingsRendered], *, is_first: bool
) -> None:
    """Whether the late one comes before or after the front page that lists the article no more."""
    slow_line.post(headline="Taken down for good", version_created=EARLY)
    late = home_of(slow_line, kind)
    slow_line.post(status="canceled", body="", version_created=LATE)
    slow_line.run()
    if not is_first:
        slow_line.post(source_id="two", headline="The news since", version_created=LATEST)
        settle(slow_line)

    slow_line.take(slow_line.deliver(late))
    assert is_first or "Taken down for good" not in slow_line.page(HOME)
    settle(slow_line)

    assert "Taken down for good" not in str(slow_line.site_bytes())


def test_a_card_that_was_read_before_a_kill_does_not_come_back_after_it(line: Line) -> None:
    line.post(headline="Taken down for good", version_created=EARLY)
    rendered = next_of(line, PagesRendered)
    take_in = line.index.take_in

    def take_in_after_a_kill(*args: Any, **named: Any) -> tuple[str, ...]:
        line.index.take_in = take_in  # type: ignore[method-assign]
        line.post(status="canceled", body="", version_created=LATE)
        line.run()
        return take_in(*args, **named)

    line.index.take_in = take_in_after_a_kill  # type: ignore[method-assign]
    line.take(line.deliver(rendered))
    line.tick()

    assert "Taken down for good" not in str(line.site_bytes())


def test_a_corrected_headline_shows_wherever_the_old_one_stood(line: Line) -> None:
    line.post(headline="The mayr resigns", version_created=EARLY)
    line.tick()

    line.post(headline="The mayor resigns", version_created=LATE)
    line.tick()

    assert all("The mayor resigns" in line.page(front) for front in FRONTS)
    assert "The mayr resigns" not in str(line.site_bytes())


def test_one_article_costs_the_same_calls_in_a_full_archive_as_in_an_empty_one(slow_line: Line) -> None:
    calls: list[str] = []
    for name in ("find", "get", "find_head", "put", "delete", "list_heads"):
        for bucket in (slow_line.content, slow_line.public):
            real = getattr(bucket, name)

            def counted(*args: Any, _real: Any = real, _name: str = name, **kwargs: Any) -> Any:
                calls.append(_name)
                return _real(*args, **kwargs)

            setattr(bucket, name, counted)

    costs = []
    for number in range(40):
        settle(slow_line)
        end_all_waits(slow_line)
        calls.clear()
        stamp = f"2026-11-01T10:{number:02d}:00Z"
        slow_line.post(source_id=f"story-{number}", headline=f"Story {number}", version_created=stamp)
        slow_line.run()
        costs.append(Counter(calls))

    assert costs[1] == costs[39]


@pytest.mark.parametrize("of_listing", [False, True])
def test_a_page_is_purged_by_the_very_step_that_put_it(slow_line: Line, *, of_listing: bool) -> None:
    """No queue and no other work lies between the bucket and the edge."""
    slow_line.post()
    page = home_of(slow_line, ListingsRendered) if of_listing else next_of(slow_line, PagesRendered)
    slow_line.public.puts.clear()
    slow_line.edge.purged.clear()

    slow_line.deliver(page)

    assert page_in(page).path in slow_line.public.puts
    assert keys.path_surrogate_key(page_in(page).path) in slow_line.edge.purged


def test_whatever_is_put_is_purged_afterwards(line: Line, a_picture: bytes) -> None:
    done: list[tuple[str, str]] = []
    put, purge = line.public.put, line.edge.purge

    def noted_put(key: str, *args: Any, **kwargs: Any) -> Any:
        etag = put(key, *args, **kwargs)
        done.append(("put", keys.path_surrogate_key(key)))
        return etag

    def noted_purge(surrogate_keys: Iterable[str], *, soft: bool = False) -> None:
        named = list(surrogate_keys)
        done.extend(("purge", key) for key in named)
        purge(named, soft=soft)

    line.public.put, line.edge.purge = noted_put, noted_purge  # type: ignore[method-assign]
    picture = {"media": keep_picture(a_picture, line.site, line.intake).media}
    for stamp, fields in ((EARLY, {"picture": picture}), (LATE, {"section": "business"})):
        for name in ("killed", "withdrawn", "stays"):
            line.post(source_id=name, headline=f"Headline of {name}", version_created=stamp, **fields)
        line.tick()
    line.post(source_id="killed", status="canceled", body="", version_created=LATEST)
    line.post(source_id="withdrawn", status="withheld", body="", version_created=LATEST)
    line.tick()

    put_last = {key: position for position, (what, key) in enumerate(done) if what == "put"}
    assert [key for key, position in put_last.items() if ("purge", key) not in done[position:]] == []


def test_who_asked_for_an_address_too_early_sees_the_page_once_it_is_there(line: Line, a_picture: bytes) -> None:
    """The edge remembers a 404 too, and a soft purge would show it once more."""
    line.post(picture={"media": keep_picture(a_picture, line.site, line.intake).media})
    line.tick()

    assert {keys.path_surrogate_key(path) for path in line.public.puts} <= set(line.edge.purged_hard)


def test_nobody_is_told_live_before_the_edge_has_taken_the_purge(line: Line) -> None:
    line.tick()
    accepted = line.post()
    page = next_of(line, PagesRendered)
    purge, line.edge.purge = line.edge.purge, refuse  # type: ignore[method-assign]

    for _ in range(2):
        with pytest.raises(EdgeUnavailableError):
            line.deliver(page)
        assert page_in(page).path in line.public.puts
        assert line.receipt_status(accepted.receipt) != "live"

    line.edge.purge = purge  # type: ignore[method-assign]
    line.take(line.deliver(page))
    assert line.receipt_status(accepted.receipt) == "live"


@pytest.mark.parametrize("of_listing", [False, True])
def test_a_publisher_that_died_between_put_and_purge_purges_when_its_message_comes_again(
    slow_line: Line, *, of_listing: bool
) -> None:
    slow_line.post()
    page = home_of(slow_line, ListingsRendered) if of_listing else next_of(slow_line, PagesRendered)
    purge, slow_line.edge.purge = slow_line.edge.purge, refuse  # type: ignore[method-assign]
    slow_line.public.puts.clear()
    with pytest.raises(EdgeUnavailableError):
        slow_line.deliver(page)

    slow_line.edge.purge = purge  # type: ignore[method-assign]
    slow_line.edge.purged.clear()
    slow_line.deliver(page)

    assert slow_line.public.puts.count(page_in(page).path) == 1
    assert keys.path_surrogate_key(page_in(page).path) in slow_line.edge.purged


def test_a_correction_purges_no_other_article(line: Line) -> None:
    line.post(source_id="another", headline="Untouched")
    accepted = line.post(headline="The mayr resigns", version_created=EARLY)
    line.tick()
    line.edge.purged.clear()
    line.public.puts.clear()

    line.post(headline="The mayor resigns", version_created=LATE)
    line.tick()

    own = {f"article:{accepted.article}", *map(keys.path_surrogate_key, line.public.puts)}
    assert {key for key in line.edge.purged if not key.startswith("listing:")} == own
    assert {*FRONTS, *line.record(accepted.article).claimed} <= set(line.public.puts)
