"""Listings and purges, as others met them: README.md beside this file says who, and which test holds what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from redis import Redis

from services.ingest.handler import store_picture
from shared.messaging.messages import (
    ArticlesEnriched,
    Batch,
    ListingsRendered,
    ListingsStale,
    Message,
    PagesRendered,
)
from shared.runtime.errors import EdgeUnavailableError
from shared.site import keys
from tests.functional.conftest import Pipeline, page_in
from tests.functional.test_any_interleaving import end_all_waits
from tests.functional.test_what_others_lost import EARLY, FRONTS, LATE, LATEST, next_of

HOME = "index.html"


@pytest.fixture
def slow_line(redis: Redis) -> Iterator[Pipeline]:
    """A line on which each listing has one turn until the test lets all waits be over."""
    built = Pipeline(redis, listing_interval_seconds=300)
    built.tick()
    end_all_waits(built)
    yield built
    built.ingest_deps.executor.shutdown()


def settle(pipeline: Pipeline) -> None:
    """Deliver all that is on its way, then let the listings have their turn."""
    pipeline.run()
    end_all_waits(pipeline)
    pipeline.tick()


def home_of(pipeline: Pipeline, kind: type[ListingsStale | ListingsRendered]) -> Message:
    """Run the line until a message of a kind for the front page is the only one on its way; take its part of it."""
    held = None
    while pipeline.queue or held is None:
        message = pipeline.queue.pop(0)
        if isinstance(message, kind) and "home" in message.items:
            held = message.only(["home"])
            message = message.only({*message.items} - {"home"})
        if not isinstance(message, Batch) or message.items:
            pipeline.take(pipeline.deliver(message))
    return held


def refuse(*_: object, **__: object) -> None:
    raise EdgeUnavailableError


@pytest.mark.parametrize("kind", [ListingsStale, ListingsRendered], ids=["on its way", "being rendered"])
def test_a_listing_that_changes_while_its_message_is_worked_on_shows_that_change_too(
    slow_line: Pipeline, kind: type[ListingsStale | ListingsRendered]
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


def test_a_front_page_from_a_clock_that_ran_ahead_is_replaced_by_the_next_change(pipeline: Pipeline) -> None:
    pipeline.post(source_id="one", headline="From the future")
    pipeline.tick()
    there = pipeline.public.get(HOME)
    ahead = f"{int(there.head.metadata['order']) + 3_600_000_000:020d}"
    pipeline.public.put(HOME, there.body, metadata={**there.head.metadata, "order": ahead})

    pipeline.post(source_id="two", headline="The next change")
    pipeline.tick()

    assert "The next change" in pipeline.page(HOME)


def test_a_front_page_in_a_publishers_hands_while_redis_is_emptied_freezes_no_front_page(slow_line: Pipeline) -> None:
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
def test_what_comes_late_puts_no_killed_article_back(pipeline: Pipeline, kind: type[Message]) -> None:
    accepted = pipeline.post(headline="Taken down for good", version_created=EARLY)
    late = next_of(pipeline, kind)
    pipeline.post(status="canceled", body="", version_created=LATE)
    pipeline.tick()

    pipeline.take(pipeline.deliver(late))
    pipeline.tick()

    assert {pipeline.status_at(path) for path in pipeline.record(accepted.article).claimed} <= {"410"}
    assert "Taken down for good" not in str(pipeline.site_bytes())


@pytest.mark.parametrize("kind", [ListingsStale, ListingsRendered])
@pytest.mark.parametrize("is_first", [False, True], ids=["after", "before"])
def test_a_front_page_from_before_a_kill_puts_no_killed_article_back(
    slow_line: Pipeline, kind: type[ListingsStale | ListingsRendered], *, is_first: bool
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


def test_a_card_that_was_read_before_a_kill_does_not_come_back_after_it(pipeline: Pipeline) -> None:
    pipeline.post(headline="Taken down for good", version_created=EARLY)
    rendered = next_of(pipeline, PagesRendered)
    load = pipeline.index.load

    def take_in_after_a_kill(*args: Any, **named: Any) -> tuple[str, ...]:
        pipeline.index.load = load  # type: ignore[method-assign]
        pipeline.post(status="canceled", body="", version_created=LATE)
        pipeline.run()
        return load(*args, **named)

    pipeline.index.load = take_in_after_a_kill  # type: ignore[method-assign]
    pipeline.take(pipeline.deliver(rendered))
    pipeline.tick()

    assert "Taken down for good" not in str(pipeline.site_bytes())


def test_a_corrected_headline_shows_wherever_the_old_one_stood(pipeline: Pipeline) -> None:
    pipeline.post(headline="The mayr resigns", version_created=EARLY)
    pipeline.tick()

    pipeline.post(headline="The mayor resigns", version_created=LATE)
    pipeline.tick()

    assert all("The mayor resigns" in pipeline.page(front) for front in FRONTS)
    assert "The mayr resigns" not in str(pipeline.site_bytes())


def test_one_article_costs_the_same_calls_in_a_full_archive_as_in_an_empty_one(slow_line: Pipeline) -> None:
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
def test_a_page_is_purged_by_the_very_step_that_put_it(slow_line: Pipeline, *, of_listing: bool) -> None:
    """No queue and no other work lies between the bucket and the edge."""
    slow_line.post()
    page = home_of(slow_line, ListingsRendered) if of_listing else next_of(slow_line, PagesRendered)
    slow_line.public.puts.clear()
    slow_line.edge.purged.clear()

    slow_line.deliver(page)

    assert page_in(page).path in slow_line.public.puts
    assert keys.path_surrogate_key(page_in(page).path) in slow_line.edge.purged


def test_whatever_is_put_is_purged_afterwards(pipeline: Pipeline, a_picture: bytes) -> None:
    done: list[tuple[str, str]] = []
    put, purge = pipeline.public.put, pipeline.edge.purge

    def noted_put(key: str, *args: Any, **kwargs: Any) -> Any:
        etag = put(key, *args, **kwargs)
        done.append(("put", keys.path_surrogate_key(key)))
        return etag

    def noted_purge(surrogate_keys: Iterable[str], *, soft: bool = False) -> None:
        named = list(surrogate_keys)
        done.extend(("purge", key) for key in named)
        purge(named, soft=soft)

    pipeline.public.put, pipeline.edge.purge = noted_put, noted_purge  # type: ignore[method-assign]
    picture = {"media": store_picture(a_picture, pipeline.site, pipeline.ingest_deps).media}
    for stamp, fields in ((EARLY, {"picture": picture}), (LATE, {"section": "business"})):
        for name in ("killed", "withdrawn", "stays"):
            pipeline.post(source_id=name, headline=f"Headline of {name}", version_created=stamp, **fields)
        pipeline.tick()
    pipeline.post(source_id="killed", status="canceled", body="", version_created=LATEST)
    pipeline.post(source_id="withdrawn", status="withheld", body="", version_created=LATEST)
    pipeline.tick()

    put_last = {key: position for position, (what, key) in enumerate(done) if what == "put"}
    assert [key for key, position in put_last.items() if ("purge", key) not in done[position:]] == []


def test_who_asked_for_an_address_too_early_sees_the_page_once_it_is_there(
    pipeline: Pipeline, a_picture: bytes
) -> None:
    """The edge remembers a 404 too, and a soft purge would show it once more."""
    pipeline.post(picture={"media": store_picture(a_picture, pipeline.site, pipeline.ingest_deps).media})
    pipeline.tick()

    assert {keys.path_surrogate_key(path) for path in pipeline.public.puts} <= set(pipeline.edge.purged_hard)


def test_nobody_is_told_live_before_the_edge_has_taken_the_purge(pipeline: Pipeline) -> None:
    pipeline.tick()
    accepted = pipeline.post()
    page = next_of(pipeline, PagesRendered)
    purge, pipeline.edge.purge = pipeline.edge.purge, refuse  # type: ignore[method-assign]

    for _ in range(2):
        with pytest.raises(EdgeUnavailableError):
            pipeline.deliver(page)
        assert page_in(page).path in pipeline.public.puts
        assert pipeline.receipt_status(accepted.receipt) != "live"

    pipeline.edge.purge = purge  # type: ignore[method-assign]
    pipeline.take(pipeline.deliver(page))
    assert pipeline.receipt_status(accepted.receipt) == "live"


@pytest.mark.parametrize("of_listing", [False, True])
def test_a_publisher_that_died_between_put_and_purge_purges_when_its_message_comes_again(
    slow_line: Pipeline, *, of_listing: bool
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


def test_a_correction_purges_no_other_article(pipeline: Pipeline) -> None:
    pipeline.post(source_id="another", headline="Untouched")
    accepted = pipeline.post(headline="The mayr resigns", version_created=EARLY)
    pipeline.tick()
    pipeline.edge.purged.clear()
    pipeline.public.puts.clear()

    pipeline.post(headline="The mayor resigns", version_created=LATE)
    pipeline.tick()

    own = {f"article:{accepted.article}", *map(keys.path_surrogate_key, pipeline.public.puts)}
    assert {key for key in pipeline.edge.purged if not key.startswith("listing:")} == own
    assert {*FRONTS, *pipeline.record(accepted.article).claimed} <= set(pipeline.public.puts)
