"""Listings are queued in batches; a failed listing is retried alone and delays no other."""

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
def stale_pipeline(pipeline: Pipeline) -> Pipeline:
    """A pipeline in which all listings are stale, and no article's page is."""
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


def stale_batch(pipeline: Pipeline) -> ListingsStale:
    pipeline.queue.clear()
    found = [
        each for each in emit_stale_pages(pipeline.site, pipeline.scheduler_deps) if isinstance(each, ListingsStale)
    ]
    return next(each for each in found if each.lane is Lane.BULK)


def rendered(pipeline: Pipeline) -> ListingsRendered:
    (message,) = pipeline.handle(stale_batch(pipeline)).emits
    assert isinstance(message, ListingsRendered)
    return message


def test_a_batch_of_listings_is_rendered_and_published_once(stale_pipeline: Pipeline) -> None:
    stale = stale_batch(stale_pipeline)

    (message,) = stale_pipeline.deliver(stale)
    assert isinstance(message, ListingsRendered)
    follows = stale_pipeline.deliver(message)

    assert [page.path for page in pages_in(message)] == [
        listing_of(stale_pipeline.site, name).path for name in stale.listings
    ]
    assert not stale_pipeline.index.stale_versions(stale_pipeline.site, stale.listings)
    assert follows == ()
    assert stale_pipeline.deliver(stale) == ()  # a repeated message: the listings are current now


def test_a_message_names_at_most_one_batch_of_listings(stale_pipeline: Pipeline) -> None:
    batches = [
        each
        for each in emit_stale_pages(stale_pipeline.site, stale_pipeline.scheduler_deps)
        if isinstance(each, ListingsStale)
    ]

    assert {each.lane for each in batches} == {Lane.LISTINGS, Lane.BULK}
    assert max(len(each.listings) for each in batches) == MAX_LISTINGS_PER_BATCH
    names = [name for each in batches for name in each.listings]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("cause", "expected"), [(Lane.URGENT, Lane.URGENT), (Lane.LIVE, Lane.LISTINGS), (Lane.BULK, Lane.LISTINGS)]
)
def test_listings_follow_news_in_their_own_lane_and_a_kill_in_the_urgent_lane(
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
        [] if cause is Lane.BULK else [{"topic.ice"}]  # other listings of an import wait for the scheduler
    )
    assert {each.lane for each in (fronts, *others)} == {expected}


def test_a_batch_of_articles_is_indexed_in_one_step(pipeline: Pipeline) -> None:
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


def test_a_batch_is_purged_in_one_call_before_its_published_versions_are_recorded(
    stale_pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in list(stale_pipeline.public.list_keys("")):
        metadata = {**stale_pipeline.public.get(path).head.metadata, "sha256": "0" * 64}
        stale_pipeline.public.put(path, b"by another theme", content_type="text/html", metadata=metadata)
    message = rendered(stale_pipeline)
    calls: list[list[str]] = []
    purge, pages = stale_pipeline.edge.purge, pages_in(message)

    def record_purge(surrogate_keys: Any, *, soft: bool = False) -> None:
        assert set(stale_pipeline.index.stale_versions(stale_pipeline.site, message.items)) == set(message.items)
        calls.append(list(surrogate_keys))
        purge(surrogate_keys, soft=soft)

    monkeypatch.setattr(stale_pipeline.edge, "purge", record_purge)
    stale_pipeline.deliver(message)

    assert len(calls) == 1
    assert {keys.path_surrogate_key(page.path) for page in pages} <= set(calls[0])


def test_a_refused_purge_fails_only_the_listings_that_needed_it(
    stale_pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = rendered(stale_pipeline)
    first, *others = message.items
    stale_pipeline.public.put(
        listing_of(stale_pipeline.site, first).path, b"by another theme", content_type="text/html"
    )

    def refuse(*_: Any, **__: Any) -> None:
        raise EdgeRefusedError

    monkeypatch.setattr(stale_pipeline.edge, "purge", refuse)
    result = stale_pipeline.handle(message)

    assert [*result.failed] == [first]
    assert isinstance(result.failed[first], EdgeRefusedError)
    assert stale_pipeline.index.stale_versions(stale_pipeline.site, others) == {}


def test_a_listing_that_cannot_be_rendered_fails_alone(
    stale_pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = stale_batch(stale_pipeline)
    failing = next(name for name in stale.listings if name.startswith("day."))

    def body_of(inputs: Any) -> bytes:
        if inputs.listing.name == failing:
            raise ZeroDivisionError
        return listing_renderers.body_of(inputs)

    monkeypatch.setattr(rendering, "body_of", body_of)
    result = stale_pipeline.handle(stale)

    assert {name: type(error) for name, error in result.failed.items()} == {failing: ZeroDivisionError}
    (message,) = result.emits
    assert isinstance(message, ListingsRendered)
    assert {*message.items} == {*stale.items} - {failing}


@pytest.mark.parametrize("error", [ZeroDivisionError, StorageUnavailableError])
def test_a_listing_that_cannot_be_put_fails_alone(
    stale_pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    message = rendered(stale_pipeline)
    failing = message.items[1]

    def put_page(page: Any, *args: Any, **more: Any) -> Any:
        if page.path == listing_of(stale_pipeline.site, failing).path:
            raise error
        return fence.put_page(page, *args, **more)

    monkeypatch.setattr(publishing, "put_page", put_page)
    result = stale_pipeline.handle(message)

    assert {name: type(each) for name, each in result.failed.items()} == {failing: error}
    assert (
        stale_pipeline.index.stale_versions(stale_pipeline.site, [name for name in message.items if name != failing])
        == {}
    )
    assert listing_of(stale_pipeline.site, failing).path not in stale_pipeline.public.puts
    monkeypatch.undo()
    assert not stale_pipeline.handle(message.only([failing])).failed  # its retry
    assert stale_pipeline.index.stale_versions(stale_pipeline.site, [failing]) == {}


def test_a_bundle_that_was_deleted_only_delays_its_listings(
    stale_pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_bundle, "MAX_INLINE_CHARACTERS", 1000)
    message = rendered(stale_pipeline)
    assert message.bundle_key is not None
    stale_pipeline.content.delete(message.bundle_key)

    assert stale_pipeline.deliver(message) == ()

    stale_pipeline.take(emit_stale_pages(stale_pipeline.site, stale_pipeline.scheduler_deps))
    stale_pipeline.run()
    assert stale_pipeline.index.stale_versions(stale_pipeline.site, message.items) == {}


def test_listings_wait_while_the_index_is_incomplete_and_their_leases_end(stale_pipeline: Pipeline) -> None:
    stale = stale_batch(stale_pipeline)
    stale_pipeline.redis.hset(index_key(stale_pipeline.site, "complete"), "run_id", "another")

    assert stale_pipeline.deliver(stale) == ()

    assert stale_pipeline.index.acquire_leases(stale_pipeline.site, stale.items) == [*stale.items]
    assert stale_pipeline.public.puts == []
