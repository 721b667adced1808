"""Public incidents with stale listings and purges: README.md in this folder maps incidents to tests."""

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
from tests.functional.test_public_incidents_loss import EARLY, FRONTS, LATE, LATEST, next_of

HOME = "index.html"


@pytest.fixture
def slow_pipeline(redis: Redis) -> Iterator[Pipeline]:
    """A pipeline in which each listing is published once until the test ends all waits."""
    built = Pipeline(redis, listing_interval_seconds=300)
    built.tick()
    end_all_waits(built)
    yield built
    built.ingest_deps.executor.shutdown()


def run_until_current(pipeline: Pipeline) -> None:
    """Deliver all messages, end all waits, and publish the stale listings."""
    pipeline.run()
    end_all_waits(pipeline)
    pipeline.tick()


def home_of(pipeline: Pipeline, kind: type[ListingsStale | ListingsRendered]) -> Message:
    """Deliver all messages but the front page's of a kind; return that one, for the front page alone."""
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


@pytest.mark.parametrize("kind", [ListingsStale, ListingsRendered], ids=["queued", "rendered"])
def test_a_listing_that_changes_while_its_message_is_handled_shows_that_change_too(
    slow_pipeline: Pipeline, kind: type[ListingsStale | ListingsRendered]
) -> None:
    """One message per listing is queued, so the second change must not be lost with the first message."""
    slow_pipeline.post(source_id="one", headline="First change")
    held = home_of(slow_pipeline, kind)
    slow_pipeline.post(source_id="two", headline="Second change")
    slow_pipeline.run()

    slow_pipeline.take(slow_pipeline.deliver(held))
    run_until_current(slow_pipeline)

    assert "First change" in slow_pipeline.page(HOME)
    assert "Second change" in slow_pipeline.page(HOME)


def test_a_front_page_from_a_fast_clock_is_replaced_by_the_next_change(pipeline: Pipeline) -> None:
    pipeline.post(source_id="one", headline="From the future")
    pipeline.tick()
    there = pipeline.public.get(HOME)
    ahead = f"{int(there.head.metadata['order']) + 3_600_000_000:020d}"
    pipeline.public.put(HOME, there.body, metadata={**there.head.metadata, "order": ahead})

    pipeline.post(source_id="two", headline="The next change")
    pipeline.tick()

    assert "The next change" in pipeline.page(HOME)


def test_a_front_page_that_was_rendered_before_the_loss_of_redis_blocks_no_later_one(slow_pipeline: Pipeline) -> None:
    """Its fencing token is higher than the first tokens of the new Redis."""
    for minute in range(5):
        slow_pipeline.post(headline=f"Minute {minute}", version_created=f"2026-11-01T10:0{minute}:00Z")
        run_until_current(slow_pipeline)
    slow_pipeline.post(headline="Minute 5", version_created=LATE)
    end_all_waits(slow_pipeline)
    late = home_of(slow_pipeline, ListingsRendered)
    slow_pipeline.redis.flushall()
    slow_pipeline.deliver(late)
    run_until_current(slow_pipeline)

    slow_pipeline.post(source_id="two", headline="Another story", version_created=LATEST)
    run_until_current(slow_pipeline)

    assert "Another story" in slow_pipeline.page(HOME)


@pytest.mark.parametrize("kind", [ArticlesEnriched, PagesRendered])
def test_a_late_message_puts_no_killed_article_back(pipeline: Pipeline, kind: type[Message]) -> None:
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
def test_a_front_page_that_was_rendered_before_a_kill_puts_no_killed_article_back(
    slow_pipeline: Pipeline, kind: type[ListingsStale | ListingsRendered], *, is_first: bool
) -> None:
    """The late message is handled before or after the new front page is published."""
    slow_pipeline.post(headline="Taken down for good", version_created=EARLY)
    late = home_of(slow_pipeline, kind)
    slow_pipeline.post(status="canceled", body="", version_created=LATE)
    slow_pipeline.run()
    if not is_first:
        slow_pipeline.post(source_id="two", headline="The news since", version_created=LATEST)
        run_until_current(slow_pipeline)

    slow_pipeline.take(slow_pipeline.deliver(late))
    assert is_first or "Taken down for good" not in slow_pipeline.page(HOME)
    run_until_current(slow_pipeline)

    assert "Taken down for good" not in str(slow_pipeline.site_bytes())


def test_a_card_that_was_read_before_a_kill_does_not_come_back_after_it(pipeline: Pipeline) -> None:
    pipeline.post(headline="Taken down for good", version_created=EARLY)
    rendered = next_of(pipeline, PagesRendered)
    load = pipeline.index.load

    def load_after_a_kill(*args: Any, **named: Any) -> tuple[str, ...]:
        pipeline.index.load = load  # type: ignore[method-assign]
        pipeline.post(status="canceled", body="", version_created=LATE)
        pipeline.run()
        return load(*args, **named)

    pipeline.index.load = load_after_a_kill  # type: ignore[method-assign]
    pipeline.take(pipeline.deliver(rendered))
    pipeline.tick()

    assert "Taken down for good" not in str(pipeline.site_bytes())


def test_a_corrected_headline_replaces_the_old_one_on_every_page(pipeline: Pipeline) -> None:
    pipeline.post(headline="The mayr resigns", version_created=EARLY)
    pipeline.tick()

    pipeline.post(headline="The mayor resigns", version_created=LATE)
    pipeline.tick()

    assert all("The mayor resigns" in pipeline.page(front) for front in FRONTS)
    assert "The mayr resigns" not in str(pipeline.site_bytes())


def test_one_article_costs_the_same_calls_in_a_full_archive_as_in_an_empty_one(slow_pipeline: Pipeline) -> None:
    calls: list[str] = []
    for name in ("find", "get", "find_head", "put", "delete", "list_heads"):
        for bucket in (slow_pipeline.content, slow_pipeline.public):
            real = getattr(bucket, name)

            def counted(*args: Any, _real: Any = real, _name: str = name, **kwargs: Any) -> Any:
                calls.append(_name)
                return _real(*args, **kwargs)

            setattr(bucket, name, counted)

    costs = []
    for number in range(40):
        run_until_current(slow_pipeline)
        end_all_waits(slow_pipeline)
        calls.clear()
        stamp = f"2026-11-01T10:{number:02d}:00Z"
        slow_pipeline.post(source_id=f"story-{number}", headline=f"Story {number}", version_created=stamp)
        slow_pipeline.run()
        costs.append(Counter(calls))

    assert costs[1] == costs[39]


@pytest.mark.parametrize("of_listing", [False, True])
def test_a_page_is_purged_by_the_step_that_put_it(slow_pipeline: Pipeline, *, of_listing: bool) -> None:
    """No queue and no other step lies between the PUT and the purge."""
    slow_pipeline.post()
    page = home_of(slow_pipeline, ListingsRendered) if of_listing else next_of(slow_pipeline, PagesRendered)
    slow_pipeline.public.puts.clear()
    slow_pipeline.edge.purged.clear()

    slow_pipeline.deliver(page)

    assert page_in(page).path in slow_pipeline.public.puts
    assert keys.path_surrogate_key(page_in(page).path) in slow_pipeline.edge.purged


def test_every_put_is_followed_by_a_purge(pipeline: Pipeline, a_picture: bytes) -> None:
    done: list[tuple[str, str]] = []
    put, purge = pipeline.public.put, pipeline.edge.purge

    def record_put(key: str, *args: Any, **kwargs: Any) -> Any:
        etag = put(key, *args, **kwargs)
        done.append(("put", keys.path_surrogate_key(key)))
        return etag

    def record_purge(surrogate_keys: Iterable[str], *, soft: bool = False) -> None:
        named = list(surrogate_keys)
        done.extend(("purge", key) for key in named)
        purge(named, soft=soft)

    pipeline.public.put, pipeline.edge.purge = record_put, record_purge  # type: ignore[method-assign]
    picture = {"media": store_picture(a_picture, pipeline.site, pipeline.ingest_deps).media}
    for stamp, fields in ((EARLY, {"picture": picture}), (LATE, {"section": "business"})):
        for name in ("killed", "withdrawn", "stays"):
            pipeline.post(source_id=name, headline=f"Headline of {name}", version_created=stamp, **fields)
        pipeline.tick()
    pipeline.post(source_id="killed", status="canceled", body="", version_created=LATEST)
    pipeline.post(source_id="withdrawn", status="withheld", body="", version_created=LATEST)
    pipeline.tick()

    put_last = {key: position for position, (operation, key) in enumerate(done) if operation == "put"}
    assert [key for key, position in put_last.items() if ("purge", key) not in done[position:]] == []


def test_a_new_page_purges_the_404_that_the_edge_cached_at_its_address(pipeline: Pipeline, a_picture: bytes) -> None:
    """The edge caches a 404 too, and might serve it again after a soft purge."""
    pipeline.post(picture={"media": store_picture(a_picture, pipeline.site, pipeline.ingest_deps).media})
    pipeline.tick()

    assert {keys.path_surrogate_key(path) for path in pipeline.public.puts} <= set(pipeline.edge.purged_hard)


def test_a_receipt_is_not_live_before_the_edge_has_accepted_the_purge(pipeline: Pipeline) -> None:
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
def test_a_publisher_that_died_between_put_and_purge_purges_when_its_message_is_redelivered(
    slow_pipeline: Pipeline, *, of_listing: bool
) -> None:
    slow_pipeline.post()
    page = home_of(slow_pipeline, ListingsRendered) if of_listing else next_of(slow_pipeline, PagesRendered)
    purge, slow_pipeline.edge.purge = slow_pipeline.edge.purge, refuse  # type: ignore[method-assign]
    slow_pipeline.public.puts.clear()
    with pytest.raises(EdgeUnavailableError):
        slow_pipeline.deliver(page)

    slow_pipeline.edge.purge = purge  # type: ignore[method-assign]
    slow_pipeline.edge.purged.clear()
    slow_pipeline.deliver(page)

    assert slow_pipeline.public.puts.count(page_in(page).path) == 1
    assert keys.path_surrogate_key(page_in(page).path) in slow_pipeline.edge.purged


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
