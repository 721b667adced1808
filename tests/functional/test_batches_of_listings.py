"""Listings travel in batches; one that fails is retried alone and holds up no other."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from services.publish.handler import fence
from services.publish.handler import listing as publishing
from services.render.handler import listing as rendering
from services.render.handler import listing_renderers
from services.scheduler.handler import emit_stale_pages
from shared.index.restores import index_key
from shared.messaging import page_bundle
from shared.messaging.messages import (
    MAX_LISTINGS_PER_BATCH,
    ArticleRevision,
    ArticlesAccepted,
    ListingsRendered,
    ListingsStale,
)
from shared.model.lane import Lane
from shared.runtime.errors import EdgeRefusedError, StorageUnavailableError
from shared.site import keys
from shared.site.listings import find_article, listing_of
from tests.functional.conftest import Pipeline, pages_in


@pytest.fixture
def calendar(pipeline: Pipeline) -> Pipeline:
    """A line whose whole calendar is stale, and nothing else."""
    for number in range(12):
        pipeline.post(
            source_id=str(number), version_created=f"2026-10-{number + 1:02d}T08:00:00Z", topics=[{"name": "Ice"}]
        )
    pipeline.tick()
    for name in pipeline.index.published_versions(pipeline.site):
        if find_article(name) is None:
            pipeline.index.mark_stale(pipeline.site, name)
    pipeline.public.puts.clear()
    return pipeline


def batch_of(pipeline: Pipeline) -> ListingsStale:
    pipeline.queue.clear()
    found = [
        each for each in emit_stale_pages(pipeline.site, pipeline.scheduler_deps) if isinstance(each, ListingsStale)
    ]
    return next(each for each in found if each.lane is Lane.BULK)


def rendered(pipeline: Pipeline) -> ListingsRendered:
    (message,) = pipeline.handle(batch_of(pipeline)).emits
    assert isinstance(message, ListingsRendered)
    return message


def test_a_batch_of_listings_is_rendered_and_published_once(calendar: Pipeline) -> None:
    stale = batch_of(calendar)

    (message,) = calendar.deliver(stale)
    assert isinstance(message, ListingsRendered)
    follows = calendar.deliver(message)

    assert [page.path for page in pages_in(message)] == [
        listing_of(calendar.site, name).path for name in stale.listings
    ]
    assert not calendar.index.stale_versions(calendar.site, stale.listings)
    assert follows == ()
    assert calendar.deliver(stale) == ()  # once more: they are not stale any more


def test_the_scheduler_and_the_publisher_name_a_few_listings_in_a_message(calendar: Pipeline) -> None:
    batches = [
        each for each in emit_stale_pages(calendar.site, calendar.scheduler_deps) if isinstance(each, ListingsStale)
    ]

    assert {each.lane for each in batches} == {Lane.LISTINGS, Lane.BULK}
    assert max(len(each.listings) for each in batches) == MAX_LISTINGS_PER_BATCH
    names = [name for each in batches for name in each.listings]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("cause", "expected"), [(Lane.URGENT, Lane.URGENT), (Lane.LIVE, Lane.LISTINGS), (Lane.BULK, Lane.LISTINGS)]
)
def test_listings_follow_news_in_their_own_lane_and_a_kill_in_its_lane(
    pipeline: Pipeline, cause: Lane, expected: Lane
) -> None:
    pipeline.tick()
    names = ["topic.ice", "home", "feed.rss"]
    for name in names:
        pipeline.index.mark_stale(pipeline.site, name)
        pipeline.index.release_lease(pipeline.site, name)
    message = ArticlesAccepted(message_id=uuid4(), lane=cause, site="epn", articles=())

    fronts, *others = pipeline.publish_deps.stale_pages(message, pipeline.site, names)

    assert isinstance(fronts, ListingsStale)
    assert {*fronts.listings} == {"home", "feed.rss"}
    assert [{*each.listings} for each in others if isinstance(each, ListingsStale)] == (
        [] if cause is Lane.BULK else [{"topic.ice"}]  # the calendar of an import waits for the scheduler
    )
    assert {each.lane for each in (fronts, *others)} == {expected}


def test_a_batch_of_articles_is_indexed_at_once(pipeline: Pipeline) -> None:
    pipeline.tick()
    posted = [pipeline.post(source_id=str(number), topics=[{"name": "Ice"}]) for number in range(3)]
    reached = tuple(ArticleRevision(article=each.article, revision=each.revision) for each in posted)
    pipeline.queue.clear()
    (enriched,) = pipeline.deliver(ArticlesAccepted(message_id=uuid4(), site="epn", articles=reached))
    (pages,) = pipeline.deliver(enriched)

    follows = pipeline.deliver(pages)

    named = [name for each in follows if isinstance(each, ListingsStale) for name in each.listings]
    assert len(named) == len(set(named))
    assert {"home", "topic.ice", "day.2026-11-01"} <= set(named)
    assert {*pipeline.index.revisions(pipeline.site, [each.article for each in posted])} == {
        each.article for each in posted
    }


def test_a_batch_is_purged_at_once_and_before_the_index_says_that_it_is_published(
    calendar: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in list(calendar.public.list_keys("")):
        metadata = {**calendar.public.get(path).head.metadata, "sha256": "0" * 64}
        calendar.public.put(path, b"by another theme", content_type="text/html", metadata=metadata)
    message = rendered(calendar)
    calls: list[list[str]] = []
    purge, pages = calendar.edge.purge, pages_in(message)

    def noted(surrogate_keys: Any, *, soft: bool = False) -> None:
        assert set(calendar.index.stale_versions(calendar.site, message.items)) == set(message.items)
        calls.append(list(surrogate_keys))
        purge(surrogate_keys, soft=soft)

    monkeypatch.setattr(calendar.edge, "purge", noted)
    calendar.deliver(message)

    assert len(calls) == 1
    assert {keys.path_surrogate_key(page.path) for page in pages} <= set(calls[0])


def test_a_refused_purge_fails_only_the_listings_that_needed_it(
    calendar: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = rendered(calendar)
    first, *others = message.items
    calendar.public.put(listing_of(calendar.site, first).path, b"by another theme", content_type="text/html")

    def refuse(*_: Any, **__: Any) -> None:
        raise EdgeRefusedError

    monkeypatch.setattr(calendar.edge, "purge", refuse)
    result = calendar.handle(message)

    assert [*result.failed] == [first]
    assert isinstance(result.failed[first], EdgeRefusedError)
    assert calendar.index.stale_versions(calendar.site, others) == {}


def test_a_listing_that_cannot_be_rendered_fails_alone(calendar: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    stale = batch_of(calendar)
    odd = next(name for name in stale.listings if name.startswith("day."))

    def body_of(inputs: Any) -> bytes:
        if inputs.listing.name == odd:
            raise ZeroDivisionError
        return listing_renderers.body_of(inputs)

    monkeypatch.setattr(rendering, "body_of", body_of)
    monkeypatch.setattr(rendering, "_SECONDS", 60.0)  # a busy machine begins all of them too
    result = calendar.handle(stale)

    assert {name: type(error) for name, error in result.failed.items()} == {odd: ZeroDivisionError}
    (message,) = result.emits
    assert isinstance(message, ListingsRendered)
    assert {*message.items} == {*stale.items} - {odd}


@pytest.mark.parametrize("error", [ZeroDivisionError, StorageUnavailableError])
def test_a_listing_that_cannot_be_put_fails_alone(
    calendar: Pipeline, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    message = rendered(calendar)
    odd = message.items[1]

    def put_page(page: Any, *args: Any, **more: Any) -> Any:
        if page.path == listing_of(calendar.site, odd).path:
            raise error
        return fence.put_page(page, *args, **more)

    monkeypatch.setattr(publishing, "put_page", put_page)
    result = calendar.handle(message)

    assert {name: type(each) for name, each in result.failed.items()} == {odd: error}
    assert calendar.index.stale_versions(calendar.site, [name for name in message.items if name != odd]) == {}
    assert listing_of(calendar.site, odd).path not in calendar.public.puts
    monkeypatch.undo()
    assert not calendar.handle(message.only([odd])).failed  # its retry
    assert calendar.index.stale_versions(calendar.site, [odd]) == {}


def test_a_bundle_that_was_deleted_only_delays_its_listings(
    calendar: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_bundle, "MAX_INLINE_CHARACTERS", 1000)
    message = rendered(calendar)
    assert message.bundle_key is not None
    calendar.content.delete(message.bundle_key)

    assert calendar.deliver(message) == ()

    calendar.take(emit_stale_pages(calendar.site, calendar.scheduler_deps))
    calendar.run()
    assert calendar.index.stale_versions(calendar.site, message.items) == {}


def test_listings_wait_while_the_index_is_incomplete_and_their_leases_end(calendar: Pipeline) -> None:
    stale = batch_of(calendar)
    calendar.redis.hset(index_key(calendar.site, "whole"), "run_id", "another")

    assert calendar.deliver(stale) == ()

    assert calendar.index.acquire_leases(calendar.site, stale.items) == [*stale.items]
    assert calendar.public.puts == []
