"""Articles' pages that are stale, for a card that they show has changed: listings go first, then batches of them."""

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
from shared import keys
from shared.errors import StorageUnavailableError
from shared.listings import find_article
from shared.messages import MAX_BATCH_ITEMS, ArticlesEnriched, Lane, ListingsStale, Message, PagesRendered
from tests.functional.conftest import Line, an_article
from tests.functional.failing_store import failing_store
from tests.functional.test_any_interleaving import end_all_waits

ARTICLES = 60
_FIRST = datetime(2026, 10, 1, 6, tzinfo=UTC)


def a_story(number: float, **fields: Any) -> dict[str, Any]:
    said = (_FIRST + timedelta(minutes=number)).isoformat()
    return an_article(
        source_id=f"old-{number}", headline=f"Story {number}", first_created=said, version_created=said, **fields
    )


def bring_in(line: Line, articles: int = ARTICLES) -> None:
    """Import articles, the newest first, so that nearly every page is made before what it leads on to has come."""
    for number in reversed(range(articles)):
        line.submit(json.dumps(a_story(number)).encode(), lane=Lane.BULK)
    line.run()


@pytest.fixture
def imported(line: Line) -> list[str]:
    """An import that has just come in, and whose listings are made; its articles, the oldest first."""
    line.tick()
    bring_in(line)
    line.clockwork.busy_batch_at["epn"] = line.now
    line.backlog.messages = 200
    while line.index.stale(line.site):
        line.take(each for each in emit_stale_pages(line.site, line.clockwork) if isinstance(each, ListingsStale))
        line.run()
    line.backlog.messages = 0
    line.public.puts.clear()
    return [keys.article_id("epn", "desk", f"old-{number}") for number in range(ARTICLES)]


def emitted(line: Line) -> list[Message]:
    """Return what the scheduler emits in one round."""
    return list(emit_stale_pages(line.site, line.clockwork))


def batches(line: Line) -> list[ArticlesEnriched]:
    """Return the batches of articles that the scheduler emits in one round; it emits nothing else."""
    every = emitted(line)
    found = [each for each in every if isinstance(each, ArticlesEnriched)]
    assert len(found) == len(every)
    return found


def settle(line: Line) -> None:
    """Let all waits be over, and deliver all there is, until nothing is behind."""
    line.run()
    end_all_waits(line)
    line.tick()


def is_up_to_date(line: Line, article: str) -> bool:
    """Tell whether a page leads on to what it should lead on to now."""
    record = line.record(article)
    assert record.card
    related = line.index.relate(line.site, record.card)
    page = line.page_of(article)
    return record.shows == related.shows and all(keys.url_path(card.path) in page for card in related.cards)


def test_stale_pages_go_in_batches_once_each(line: Line, imported: list[str]) -> None:
    assert len(line.index.stale_articles(line.site)) > MAX_BATCH_ITEMS

    found = batches(line)
    line.take(found)
    line.run()

    assert [len(batch.items) <= MAX_BATCH_ITEMS and batch.lane is Lane.BULK for batch in found] == [True] * 2
    assert max(Counter(line.public.puts).values()) == 1
    assert line.index.behind(line.site) == {}
    assert all(is_up_to_date(line, article) for article in imported)


def test_listings_go_before_articles_pages(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    line.tick()
    bring_in(line)
    listings = line.index.stale(line.site)
    line.clockwork.busy_batch_at["epn"] = line.now
    monkeypatch.setattr("services.scheduler.handler.listings._MAX_AT_A_TICK", len(listings) - 1)

    first = emitted(line)
    assert {type(each) for each in first} == {ListingsStale}
    line.take(first)
    line.run()
    end_all_waits(line)
    second = emitted(line)

    assert ArticlesEnriched in {type(each) for each in second}
    line.take(second)
    settle(line)


def test_beside_an_import_one_batch_a_minute_is_renewed(line: Line, imported: list[str]) -> None:
    line.backlog.messages = 1000
    assert batches(line) == []

    line.now += timedelta(seconds=61)
    found = [batches(line) for _ in range(2)]

    assert [[len(batch.items) for batch in round_] for round_ in found] == [[MAX_BATCH_ITEMS], []]


def test_no_more_than_a_few_batches_are_on_their_way(
    line: Line, imported: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.scheduler.handler.articles.MAX_BATCH_ITEMS", 5)

    sizes = [[len(batch.items) for batch in batches(line)] for _ in range(2)]

    assert sizes == [[5, 5, 5, 5], []]


def test_a_batch_that_is_lost_is_emitted_again(line: Line, imported: list[str]) -> None:
    first = batches(line)
    assert emitted(line) == []
    end_all_waits(line)

    second = batches(line)

    assert [batch.items for batch in second] == [batch.items for batch in first]


def test_what_lies_among_the_dead_letters_is_in_no_batch(line: Line, imported: list[str]) -> None:
    dead = find_article(line.index.stale_articles(line.site)[0]) or ""
    line.clockwork.marks.park("epn", dead, line.record(dead).revision or "", 60)

    assert dead not in {article for batch in batches(line) for article in batch.items}


def test_news_renews_no_page_whose_article_lies_among_the_dead_letters(line: Line, imported: list[str]) -> None:
    settle(line)
    old = imported[30]
    dead, *others = [each for each in imported if old in line.record(each).shows]
    line.clockwork.marks.park("epn", dead, line.record(dead).revision or "", 60)
    said: list[str] = []

    mended = {"headline": "Story 30, mended", "version_created": "2026-11-01T11:00:00Z"}
    line.post(**a_story(30) | mended)
    while line.queue:
        message = line.queue.pop(0)
        said += message.items if isinstance(message, ArticlesEnriched) else ()
        line.queue.extend(line.deliver(message))

    assert set(others) <= set(said)
    assert dead not in said


@pytest.mark.parametrize("kind", ["withdraw", "kill"])
@pytest.mark.parametrize("is_rendered", [False, True])
def test_an_article_that_goes_while_its_batch_is_on_its_way_stays_gone(
    line: Line, imported: list[str], kind: Any, *, is_rendered: bool
) -> None:
    batch, *others = batches(line)
    waiting: list[Message] = [batch]
    if is_rendered:
        waiting = list(line.deliver(batch))
    gone = batch.items[7]
    path = line.record(gone).path or ""
    line.act(kind, gone)
    line.run()

    line.take([*waiting, *others])
    line.run()

    assert line.status_at(path) == "410"
    end_all_waits(line)
    line.tick()
    left = [article for article in imported if article != gone]
    assert all(is_up_to_date(line, article) for article in left)
    assert not any(f"Story {imported.index(gone)}<" in line.page_of(article) for article in left)


def test_a_changed_headline_does_not_wait_for_a_batch_that_is_on_its_way(line: Line, imported: list[str]) -> None:
    rendered = [follow for batch in batches(line) for follow in line.deliver(batch)]
    line.post(**a_story(5) | {"headline": "Mended", "version_created": "2026-11-01T10:00:00Z"})

    line.run()

    shows = [article for article in imported if imported[5] in line.record(article).shows]
    assert shows
    assert all("Mended" in line.page_of(article) and "Story 5<" not in line.page_of(article) for article in shows)
    line.take(rendered)
    line.run()
    assert all("Mended" in line.page_of(article) for article in shows)


@pytest.mark.parametrize("at", [1, 2, 30])
@pytest.mark.parametrize("after", [False, True])
def test_a_publisher_that_dies_halfway_leaves_the_pages_to_the_next(
    line: Line, imported: list[str], at: int, *, after: bool
) -> None:
    (batch, *_) = batches(line)
    (rendered,) = line.deliver(batch)
    with failing_store(line, at, after=after) as calls, suppress(StorageUnavailableError):
        line.deliver(rendered)
    assert len(calls) >= at

    line.take([rendered])
    line.run()

    assert all(is_up_to_date(line, article) for article in batch.items)
    line.public.puts.clear()
    line.deliver(rendered)
    assert line.public.puts == []


@pytest.mark.parametrize("seed", range(3))
def test_batches_in_any_order_twice_or_lost_end_in_the_same_site(
    new_line: partial[Line], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    in_order = new_line()
    for number in range(20):
        in_order.submit(json.dumps(a_story(number)).encode(), lane=Lane.BULK)
        in_order.run()
    settle(in_order)

    monkeypatch.setattr("services.scheduler.handler.articles.MAX_BATCH_ITEMS", 4)
    line, dice, found = new_line(), random.Random(seed), 0  # noqa: S311 -- disorder, not secrets
    for number in dice.sample(range(20), 20):
        line.submit(json.dumps(a_story(number)).encode(), lane=Lane.BULK)
        end_all_waits(line)
        line.take(emitted(line))
        waiting = line.queue
        found += sum(isinstance(each, ArticlesEnriched) and len(each.items) > 1 for each in waiting)
        for each in dice.sample(waiting, len(waiting) * 2 // 3):
            line.take(line.deliver(each))
            if dice.random() < 0.75:
                line.queue.remove(each)
        line.queue = [each for each in line.queue if not is_of_a_batch(each) or dice.random() < 0.75]
    line.run(disorder=dice)
    settle(line)

    assert found > 10
    assert line.site_bytes() == in_order.site_bytes()


def is_of_a_batch(message: Message) -> bool:
    return isinstance(message, ArticlesEnriched | PagesRendered) and len(message.items) > 1
