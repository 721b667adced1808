"""Articles' pages that are behind: listings go first, many go in pieces, and each one's turn ends as it should."""

from __future__ import annotations

import json
import random
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from services.publish.handler import publish_pages
from services.scheduler.handler import say_stale_pages
from shared import keys
from shared.errors import StorageUnavailableError
from shared.index.restores import index_key
from shared.listings import article_page, find_article
from shared.messages import ArticleAccepted, Lane, ListingsStale, ListingStale, Message, PagesRendered, RebuildPages
from shared.rebuilds import PIECE
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
    line.backlog.messages = 200
    while line.index.stale(line.site):
        said = [each for each in say_stale_pages(line.site, line.clockwork) if isinstance(each, ListingStale)]
        line.take(said)
        line.run()
    line.backlog.messages = 0
    line.public.puts.clear()
    return [keys.article_id("epn", "desk", f"old-{number}") for number in range(ARTICLES)]


def say(line: Line) -> list[Message]:
    """Return what the scheduler says in one round."""
    return list(say_stale_pages(line.site, line.clockwork))


def say_pieces(line: Line) -> list[RebuildPages]:
    """Return the pieces that the scheduler sends in one round; it says nothing else."""
    said = say(line)
    pieces = [each for each in said if isinstance(each, RebuildPages)]
    assert len(pieces) == len(said)
    return pieces


def said_of_articles(line: Line) -> list[ArticleAccepted | RebuildPages]:
    return [each for each in say(line) if isinstance(each, ArticleAccepted | RebuildPages)]


def settle(line: Line) -> None:
    """Let all waits be over, and deliver all there is, until nothing is behind."""
    line.run()
    end_all_waits(line)
    line.tick()


def turns_of(line: Line) -> set[str]:
    """Return the articles for whose pages a message counts as on its way."""
    prefix = index_key(line.site, "turn:article.")
    lasting = (key for key in line.redis.scan_iter(f"{prefix}*") if line.redis.pttl(key) > 1000)
    return {key.removeprefix(prefix) for key in lasting}


def is_up_to_date(line: Line, article: str) -> bool:
    """Tell whether a page leads on to what it should lead on to now."""
    record = line.record(article)
    assert record.card
    related = line.index.relate(line.site, record.card)
    page = line.page_of(article)
    return record.shows == related.shows and all(keys.url_path(card.path) in page for card in related.cards)


def test_many_that_are_behind_go_in_pieces_once_each(line: Line, imported: list[str]) -> None:
    assert len(line.index.stale_articles(line.site)) > PIECE

    pieces = say_pieces(line)
    line.take(pieces)
    line.run()

    assert [len(piece.articles) <= PIECE and piece.lane is Lane.BULK for piece in pieces] == [True] * 2
    assert max(Counter(line.public.puts).values()) == 1
    assert line.index.behind(line.site) == {}
    assert all(is_up_to_date(line, article) for article in imported)
    assert turns_of(line) == set()
    assert list(line.content.list_keys("rendered/")) == []
    assert line.redis.keys("rebuild:*") == []


def test_a_few_that_are_behind_go_one_by_one(line: Line) -> None:
    line.tick()
    bring_in(line, 10)

    said = said_of_articles(line)

    assert said
    assert {type(each) for each in said} == {ArticleAccepted}
    settle(line)


def test_listings_go_before_articles_pages(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    line.tick()
    bring_in(line)
    listings = line.index.stale(line.site)
    monkeypatch.setattr("services.scheduler.handler.listings._MOST_AT_A_TICK", len(listings) - 1)

    first = say(line)
    assert {type(each) for each in first} == {ListingStale, ListingsStale}
    line.take(first)
    line.run()
    end_all_waits(line)
    second = say(line)

    assert RebuildPages in {type(each) for each in second}
    line.take(second)
    settle(line)


def test_beside_an_import_one_page_at_a_time_is_renewed_that_nobody_touched_for_a_minute(
    line: Line, imported: list[str]
) -> None:
    line.backlog.messages = 1000
    line.now = datetime.now(UTC)
    assert said_of_articles(line) == []

    line.now += timedelta(seconds=65)
    said = [said_of_articles(line) for _ in range(2)]

    assert [[type(each) for each in round_] for round_ in said] == [[ArticleAccepted], []]
    assert said[0][0].lane is Lane.LIVE


def test_no_more_than_a_few_pieces_are_on_their_way(
    line: Line, imported: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.scheduler.handler.articles.PIECE", 5)

    sizes = [[len(piece.articles) for piece in say_pieces(line)] for _ in range(2)]

    assert sizes == [[5, 5, 5, 5], []]


def test_a_piece_that_is_lost_is_sent_again_and_at_last_page_by_page(line: Line, imported: list[str]) -> None:
    first = say_pieces(line)
    assert say(line) == []
    end_all_waits(line)
    second = say_pieces(line)
    end_all_waits(line)

    third = say(line)

    assert [piece.articles for piece in second] == [piece.articles for piece in first]
    assert [type(each) for each in third] == [ArticleAccepted] * 4
    line.take(third)
    settle(line)
    assert all(is_up_to_date(line, article) for article in imported)


def test_what_lies_among_the_dead_letters_is_in_no_piece(line: Line, imported: list[str]) -> None:
    dead = find_article(line.index.stale_articles(line.site)[0]) or ""
    line.clockwork.marks.park("epn", dead, line.record(dead).revision or "", 60)

    pieces = say_pieces(line)

    assert dead not in {article for piece in pieces for article in piece.articles}


def test_news_says_no_page_whose_article_lies_among_the_dead_letters(line: Line, imported: list[str]) -> None:
    settle(line)
    old = imported[30]
    dead, *others = [each for each in imported if old in line.record(each).shows]
    line.clockwork.marks.park("epn", dead, line.record(dead).revision or "", 60)
    said: list[str] = []

    mended = {"headline": "Story 30, mended", "version_created": "2026-11-01T11:00:00Z"}
    line.post(**a_story(30) | mended)
    while line.queue:
        message = line.queue.pop(0)
        said += [message.article] if isinstance(message, ArticleAccepted) else []
        line.queue.extend(line.deliver(message))

    assert set(others) <= set(said)
    assert dead not in said


@pytest.mark.parametrize("kind", ["withdraw", "kill"])
@pytest.mark.parametrize("is_rendered", [False, True])
def test_an_article_that_goes_while_its_piece_is_on_its_way_stays_gone(
    line: Line, imported: list[str], kind: Any, *, is_rendered: bool
) -> None:
    piece, *others = say_pieces(line)
    waiting: list[Message] = [piece]
    if is_rendered:
        waiting = list(line.deliver(piece))
    gone = piece.articles[7]
    path = line.record(gone).path or ""
    line.act(kind, gone)
    line.run()

    line.take([*waiting, *others])
    line.run()

    assert line.status_at(path) == "410"
    assert gone not in turns_of(line)
    end_all_waits(line)
    line.tick()
    left = [article for article in imported if article != gone]
    assert all(is_up_to_date(line, article) for article in left)
    assert not any(f"Story {imported.index(gone)}<" in line.page_of(article) for article in left)


@pytest.mark.parametrize("kind", ["withdraw", "kill"])
@pytest.mark.parametrize("is_one_of_many", [False, True])
def test_the_page_of_an_article_that_is_not_live_is_not_behind_for_ever(
    line: Line, imported: list[str], monkeypatch: pytest.MonkeyPatch, kind: Any, *, is_one_of_many: bool
) -> None:
    monkeypatch.setattr("services.scheduler.handler.articles._MANY", 1 if is_one_of_many else 1000)
    line.act(kind, imported[3])
    settle(line)
    line.index.touch(line.site, article_page(imported[3]))  # as a late reading of the index leaves it

    line.take(said_of_articles(line))
    line.run()

    assert line.index.behind(line.site) == {}


def test_a_changed_headline_does_not_wait_for_a_piece_that_is_on_its_way(line: Line, imported: list[str]) -> None:
    pieces = say_pieces(line)
    rendered = [follow for piece in pieces for follow in line.deliver(piece)]
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
    (piece, *_) = say_pieces(line)
    (rendered,) = line.deliver(piece)
    with failing_store(line, at, after=after) as calls, suppress(StorageUnavailableError):
        line.deliver(rendered)
    assert len(calls) >= at

    line.take(line.deliver(rendered))

    assert all(is_up_to_date(line, article) for article in piece.articles)
    assert list(line.content.list_keys("rendered/")) == []
    line.public.puts.clear()
    assert line.deliver(rendered) == ()
    assert line.public.puts == []


def test_what_follows_a_piece_is_said_again_by_whom_its_publisher_leaves_it_to(line: Line, imported: list[str]) -> None:
    (piece, *_) = say_pieces(line)
    (rendered,) = line.deliver(piece)
    odd = line.record(piece.articles[0])
    spoilt = odd.model_copy(update={"claimed": ()})
    line.content.put(keys.live_key("epn", odd.article), spoilt.model_dump_json().encode())
    (rendered,) = line.deliver(piece)
    assert isinstance(rendered, PagesRendered)

    died = publish_pages(rendered, line.publisher)  # before it could say so
    again = line.deliver(rendered)

    assert [type(each) for each in again] == [ArticleAccepted]
    assert again == died


def test_pages_whose_message_was_lost_are_cleared_away_after_an_hour(line: Line, imported: list[str]) -> None:
    for piece in say_pieces(line):
        line.deliver(piece)
    waiting = list(line.content.list_keys("rendered/"))
    assert len(waiting) == 2

    line.now += timedelta(minutes=59)
    line.sweep()
    assert list(line.content.list_keys("rendered/")) == waiting
    line.now += timedelta(minutes=2)
    line.sweep()

    assert list(line.content.list_keys("rendered/")) == []


@pytest.mark.parametrize("seed", range(3))
def test_pieces_in_any_order_twice_or_lost_end_in_the_same_site(
    new_line: partial[Line], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    in_order = new_line()
    for number in range(20):
        in_order.submit(json.dumps(a_story(number)).encode(), lane=Lane.BULK)
        in_order.run()
    settle(in_order)

    monkeypatch.setattr("services.scheduler.handler.articles._MANY", 1)
    monkeypatch.setattr("services.scheduler.handler.articles.PIECE", 4)
    line, dice, pieces = new_line(), random.Random(seed), 0  # noqa: S311 -- disorder, not secrets
    for number in dice.sample(range(20), 20):
        line.submit(json.dumps(a_story(number)).encode(), lane=Lane.BULK)
        end_all_waits(line)
        line.take(say(line))
        waiting = line.queue
        pieces += sum(isinstance(each, RebuildPages) for each in waiting)
        for each in dice.sample(waiting, len(waiting) * 2 // 3):
            line.take(line.deliver(each))
            if dice.random() < 0.75:
                line.queue.remove(each)
        line.queue = [each for each in line.queue if not is_of_a_piece(each) or dice.random() < 0.75]
    line.run(disorder=dice)
    settle(line)

    assert pieces > 10
    assert line.site_bytes() == in_order.site_bytes()


def is_of_a_piece(message: Message) -> bool:
    return isinstance(message, RebuildPages | PagesRendered)
