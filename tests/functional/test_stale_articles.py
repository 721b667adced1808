"""Stale articles' pages, whose shown cards changed: listings are emitted first, then batches of articles."""

from __future__ import annotations

import json
import random
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from services.scheduler.handler import emit_stale_pages
from shared.messaging.messages import MAX_BATCH_ITEMS, ArticlesEnriched, ListingsStale, Message, PagesRendered
from shared.model.lane import Lane
from shared.runtime.errors import StorageUnavailableError
from shared.site import keys
from shared.site.listings import find_article
from tests.functional.conftest import Pipeline, an_article
from tests.functional.failing_store import failing_store
from tests.functional.test_any_interleaving import end_all_waits

ARTICLES = 60
_FIRST = datetime(2026, 10, 1, 6, tzinfo=UTC)


def a_story(number: float, **fields: Any) -> dict[str, Any]:
    stamp = (_FIRST + timedelta(minutes=number)).isoformat()
    return an_article(
        source_id=f"old-{number}", headline=f"Story {number}", first_created=stamp, version_created=stamp, **fields
    )


def import_articles(pipeline: Pipeline, articles: int = ARTICLES) -> None:
    """Import articles, newest first, so that nearly every page is rendered before its related articles arrive."""
    for number in reversed(range(articles)):
        pipeline.submit(json.dumps(a_story(number)).encode(), lane=Lane.BULK)
    pipeline.run()


@pytest.fixture
def imported(pipeline: Pipeline) -> list[str]:
    """Import articles and publish their listings; return the article ids, oldest first."""
    pipeline.tick()
    import_articles(pipeline)
    pipeline.scheduler_deps.busy_batch_at["epn"] = pipeline.now
    pipeline.backlog.messages = 200
    while pipeline.index.stale_listings(pipeline.site):
        pipeline.take(
            each for each in emit_stale_pages(pipeline.site, pipeline.scheduler_deps) if isinstance(each, ListingsStale)
        )
        pipeline.run()
    pipeline.backlog.messages = 0
    pipeline.public.puts.clear()
    return [keys.article_id("epn", "desk", f"old-{number}") for number in range(ARTICLES)]


def emitted(pipeline: Pipeline) -> list[Message]:
    """Return the messages that the scheduler emits in one round."""
    return list(emit_stale_pages(pipeline.site, pipeline.scheduler_deps))


def batches(pipeline: Pipeline) -> list[ArticlesEnriched]:
    """Return the batches of articles that the scheduler emits in one round; check that there is no other message."""
    messages = emitted(pipeline)
    found = [each for each in messages if isinstance(each, ArticlesEnriched)]
    assert len(found) == len(messages)
    return found


def run_until_current(pipeline: Pipeline) -> None:
    """End all waits and deliver all messages until no page is stale."""
    pipeline.run()
    end_all_waits(pipeline)
    pipeline.tick()


def is_up_to_date(pipeline: Pipeline, article: str) -> bool:
    """Return whether a page links to its current related articles."""
    record = pipeline.record(article)
    assert record.card
    related = pipeline.index.choose_related(pipeline.site, record.card)
    page = pipeline.page_of(article)
    return record.shows == related.shows and all(keys.url_path(card.path) in page for card in related.cards)


def test_stale_pages_are_queued_in_batches_once_each(pipeline: Pipeline, imported: list[str]) -> None:
    assert len(pipeline.index.stale_articles(pipeline.site)) > MAX_BATCH_ITEMS

    found = batches(pipeline)
    pipeline.take(found)
    pipeline.run()

    assert [len(batch.items) <= MAX_BATCH_ITEMS and batch.lane is Lane.BULK for batch in found] == [True] * 2
    assert max(Counter(pipeline.public.puts).values()) == 1
    assert pipeline.index.stale_versions(pipeline.site) == {}
    assert all(is_up_to_date(pipeline, article) for article in imported)


def test_stale_listings_are_emitted_before_stale_articles(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline.tick()
    import_articles(pipeline)
    listings = pipeline.index.stale_listings(pipeline.site)
    pipeline.scheduler_deps.busy_batch_at["epn"] = pipeline.now
    monkeypatch.setattr("services.scheduler.handler.stale._MAX_LISTINGS_PER_TICK", len(listings) - 1)

    first = emitted(pipeline)
    assert {type(each) for each in first} == {ListingsStale}
    pipeline.take(first)
    pipeline.run()
    end_all_waits(pipeline)
    second = emitted(pipeline)

    assert ArticlesEnriched in {type(each) for each in second}
    pipeline.take(second)
    run_until_current(pipeline)


def test_during_an_import_one_batch_of_stale_articles_is_emitted_per_minute(
    pipeline: Pipeline, imported: list[str]
) -> None:
    pipeline.backlog.messages = 1000
    assert batches(pipeline) == []

    pipeline.now += timedelta(seconds=61)
    found = [batches(pipeline) for _ in range(2)]

    assert [[len(batch.items) for batch in round_] for round_ in found] == [[MAX_BATCH_ITEMS], []]


def test_at_most_four_batches_of_stale_articles_are_queued(
    pipeline: Pipeline, imported: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.scheduler.handler.articles.MAX_BATCH_ITEMS", 5)

    sizes = [[len(batch.items) for batch in batches(pipeline)] for _ in range(2)]

    assert sizes == [[5, 5, 5, 5], []]


def test_a_lost_batch_is_emitted_again(pipeline: Pipeline, imported: list[str]) -> None:
    first = batches(pipeline)
    assert emitted(pipeline) == []
    end_all_waits(pipeline)

    second = batches(pipeline)

    assert [batch.items for batch in second] == [batch.items for batch in first]


def test_a_quarantined_article_is_in_no_batch(pipeline: Pipeline, imported: list[str]) -> None:
    dead = find_article(pipeline.index.stale_articles(pipeline.site)[0]) or ""
    pipeline.scheduler_deps.quarantine.add("epn", dead, pipeline.record(dead).revision or "", 60)

    assert dead not in {article for batch in batches(pipeline) for article in batch.items}


def test_news_emits_no_quarantined_page(pipeline: Pipeline, imported: list[str]) -> None:
    run_until_current(pipeline)
    old = imported[30]
    dead, *others = [each for each in imported if old in pipeline.record(each).shows]
    pipeline.scheduler_deps.quarantine.add("epn", dead, pipeline.record(dead).revision or "", 60)
    emitted_articles: list[str] = []

    correction = {"headline": "Story 30, corrected", "version_created": "2026-11-01T11:00:00Z"}
    pipeline.post(**a_story(30) | correction)
    while pipeline.queue:
        message = pipeline.queue.pop(0)
        emitted_articles += message.items if isinstance(message, ArticlesEnriched) else ()
        pipeline.queue.extend(pipeline.deliver(message))

    assert set(others) <= set(emitted_articles)
    assert dead not in emitted_articles


@pytest.mark.parametrize("kind", ["withdraw", "kill"])
@pytest.mark.parametrize("is_rendered", [False, True])
def test_an_article_removed_while_its_batch_is_queued_stays_removed(
    pipeline: Pipeline, imported: list[str], kind: Any, *, is_rendered: bool
) -> None:
    batch, *others = batches(pipeline)
    waiting: list[Message] = [batch]
    if is_rendered:
        waiting = list(pipeline.deliver(batch))
    gone = batch.items[7]
    path = pipeline.record(gone).path or ""
    pipeline.act(kind, gone)
    pipeline.run()

    pipeline.take([*waiting, *others])
    pipeline.run()

    assert pipeline.status_at(path) == "410"
    end_all_waits(pipeline)
    pipeline.tick()
    remaining = [article for article in imported if article != gone]
    assert all(is_up_to_date(pipeline, article) for article in remaining)
    assert not any(f"Story {imported.index(gone)}<" in pipeline.page_of(article) for article in remaining)


def test_a_changed_headline_does_not_wait_for_a_queued_batch(pipeline: Pipeline, imported: list[str]) -> None:
    rendered = [follow for batch in batches(pipeline) for follow in pipeline.deliver(batch)]
    pipeline.post(**a_story(5) | {"headline": "Corrected", "version_created": "2026-11-01T10:00:00Z"})

    pipeline.run()

    shows = [article for article in imported if imported[5] in pipeline.record(article).shows]
    assert shows
    assert all(
        "Corrected" in pipeline.page_of(article) and "Story 5<" not in pipeline.page_of(article) for article in shows
    )
    pipeline.take(rendered)
    pipeline.run()
    assert all("Corrected" in pipeline.page_of(article) for article in shows)


@pytest.mark.parametrize("at", [1, 2, 30])
@pytest.mark.parametrize("after", [False, True])
def test_the_pages_of_a_publisher_killed_halfway_are_published_by_the_next(
    pipeline: Pipeline, imported: list[str], at: int, *, after: bool
) -> None:
    (batch, *_) = batches(pipeline)
    (rendered,) = pipeline.deliver(batch)
    with failing_store(pipeline, at, after=after) as calls, suppress(StorageUnavailableError):
        pipeline.deliver(rendered)
    assert len(calls) >= at

    pipeline.take([rendered])
    pipeline.run()

    assert all(is_up_to_date(pipeline, article) for article in batch.items)
    pipeline.public.puts.clear()
    pipeline.deliver(rendered)
    assert pipeline.public.puts == []


@pytest.mark.parametrize("seed", range(3))
def test_batches_in_any_order_repeated_or_lost_end_in_the_same_site(
    new_pipeline: partial[Pipeline], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    in_order = new_pipeline()
    for number in range(20):
        in_order.submit(json.dumps(a_story(number)).encode(), lane=Lane.BULK)
        in_order.run()
    run_until_current(in_order)

    monkeypatch.setattr("services.scheduler.handler.articles.MAX_BATCH_ITEMS", 4)
    pipeline, rng, found = new_pipeline(), random.Random(seed), 0  # noqa: S311 -- disorder, not secrets
    for number in rng.sample(range(20), 20):
        pipeline.submit(json.dumps(a_story(number)).encode(), lane=Lane.BULK)
        end_all_waits(pipeline)
        pipeline.take(emitted(pipeline))
        waiting = pipeline.queue
        found += sum(isinstance(each, ArticlesEnriched) and len(each.items) > 1 for each in waiting)
        for each in rng.sample(waiting, len(waiting) * 2 // 3):
            pipeline.take(pipeline.deliver(each))
            if rng.random() < 0.75:
                pipeline.queue.remove(each)
        pipeline.queue = [each for each in pipeline.queue if not is_of_a_batch(each) or rng.random() < 0.75]
    pipeline.run(disorder=rng)
    run_until_current(pipeline)

    assert found > 10
    assert pipeline.site_bytes() == in_order.site_bytes()


def is_of_a_batch(message: Message) -> bool:
    return isinstance(message, ArticlesEnriched | PagesRendered) and len(message.items) > 1
