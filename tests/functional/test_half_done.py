"""What was lost between two steps: a removal half done, a page put after a newer one, a kill beside an import."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.scheduler.handler import emit_stale_pages, sweep
from shared import keys
from shared.card import Card
from shared.errors import EdgeUnavailableError
from shared.index import Related
from shared.listings import find_listing
from shared.messages import ArticleRemoved, ArticleRevision, ArticlesEnriched, Lane, ListingsStale, Message
from shared.sites import Site
from tests.functional.conftest import Line
from tests.functional.test_stale_articles import a_story, bring_in, is_up_to_date, settle

_DAY = "day.2026-10-01"


def hours_pass(line: Line, minutes: int = 60) -> None:
    for _ in range(minutes // 10):
        line.now += timedelta(minutes=10)
        line.sweep()
        line.tick()


def imported(line: Line, number: int) -> list[str]:
    line.tick()
    bring_in(line, number)
    settle(line)
    line.now += timedelta(seconds=1)
    return [keys.article_id("epn", "desk", f"old-{each}") for each in range(number)]


def taken(line: Line) -> Message:
    """Take the one message that is on its way."""
    (message,) = line.queue
    line.queue.clear()
    return message


def lose_redis(line: Line) -> None:
    line.redis.flushall()
    line.queue.clear()


def stale(line: Line, *names: str) -> ListingsStale:
    """Return the message that has listings rendered again."""
    for name in names:
        line.index.touch(line.site, name)
    return ListingsStale(message_id=uuid4(), site="epn", listings=line.index.behind(line.site, names))


def test_a_withdrawal_that_was_half_done_when_redis_was_lost_is_done(line: Line) -> None:
    accepted = line.post()
    hours_pass(line)
    path = line.record(accepted.article).path or ""
    line.act("withdraw", accepted.article)
    assert any(isinstance(each, ArticleRemoved) for each in line.deliver(taken(line)))
    assert line.status_at(path) == "200"  # out of the lists, and not yet taken down

    list(sweep(line.site, line.clockwork))
    lose_redis(line)
    hours_pass(line, 120)

    assert line.status_at(path) == "410"


def test_a_kill_that_was_not_seen_through_when_redis_was_lost_is_seen_through(line: Line) -> None:
    accepted = line.post()
    hours_pass(line)
    line.act("kill", accepted.article)
    line.edge.shows = 200
    with pytest.raises(EdgeUnavailableError):
        line.deliver(taken(line))

    list(sweep(line.site, line.clockwork))
    lose_redis(line)
    line.edge.shows = None
    hours_pass(line, 120)

    assert line.record(accepted.article).removed_by


@pytest.mark.parametrize("is_slow", [False, True])
def test_a_kill_emits_every_page_that_shows_the_killed_however_often_it_is_tried(line: Line, *, is_slow: bool) -> None:
    articles = imported(line, 60)
    victim = articles[30]
    showing = {each for each in articles if victim in line.record(each).shows}
    line.act("kill", victim)
    kill = taken(line)

    if is_slow:
        line.edge.shows = 200
        with pytest.raises(EdgeUnavailableError):
            line.deliver(kill)
        line.edge.shows = None
    follows = line.deliver(kill)

    assert showing
    assert showing <= {name for each in follows if isinstance(each, ArticlesEnriched) for name in each.items}
    assert {"section.world", _DAY} <= {
        name for each in follows if isinstance(each, ListingsStale) for name in each.items
    }
    assert {each.lane for each in follows} == {Lane.URGENT}


def test_a_kill_waits_for_no_batch_that_was_read_before_it(line: Line) -> None:
    articles = imported(line, 30)
    for number in range(40):
        line.index.touch(line.site, f"topic.t{number}")
    line.index.touch(line.site, _DAY)
    emitted = emit_stale_pages(line.site, line.clockwork)
    batch = next(each for each in emitted if isinstance(each, ListingsStale) and _DAY in each.listings)
    (rendered,) = line.deliver(batch)

    line.act("kill", articles[3])
    line.take(line.deliver(taken(line)))
    line.run()
    line.take(line.deliver(rendered))
    line.run()

    listing = find_listing(line.site, _DAY)
    assert listing is not None
    assert "Story 3<" not in line.page(listing.path)


def test_a_list_that_is_as_it_was_before_is_told_to_an_edge_that_heard_of_neither_change(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.tick()
    line.post(source_id="one", topics=[{"name": "Ice"}])
    line.tick()
    topic, purge = find_listing(line.site, "topic.ice"), line.edge.purge
    assert topic is not None
    as_it_was = line.public.get(topic.path)
    metadata = {**as_it_was.head.metadata, "sha256": "0" * 64}
    line.public.put(topic.path, b"put, and not told", content_type="text/html", metadata=metadata)
    (rendered,) = line.deliver(stale(line, topic.name))

    def is_away(*_: Any, **__: Any) -> None:
        raise EdgeUnavailableError

    monkeypatch.setattr(line.edge, "purge", is_away)
    with pytest.raises(EdgeUnavailableError):
        line.deliver(rendered)
    assert line.public.get(topic.path).body == as_it_was.body
    monkeypatch.setattr(line.edge, "purge", purge)
    line.edge.purged.clear()

    line.deliver(rendered)

    assert keys.listing_surrogate_key("epn", topic.name) in line.edge.purged


def test_a_listing_that_was_rendered_before_a_later_one_was_published_does_not_stay(line: Line) -> None:
    """Its publisher stood still, and its PUT came through: to the store the page had gone A -> B -> A."""
    line.tick()
    line.post(source_id="one", topics=[{"name": "Ice"}])
    line.tick()
    topic = find_listing(line.site, "topic.ice")
    assert topic is not None
    older = line.public.get(topic.path)
    (late,) = line.deliver(stale(line, topic.name))
    line.index.end_turn(line.site, topic.name)
    line.post(source_id="two", headline="More ice", topics=[{"name": "Ice"}])
    line.tick()
    line.public.put(topic.path, older.body, content_type="text/html", metadata=older.head.metadata)

    line.take(line.deliver(late))
    line.tick()

    assert "More ice" in line.page(topic.path)


def test_a_kill_renews_also_a_page_that_once_lay_among_the_dead_letters(line: Line) -> None:
    articles = imported(line, 60)
    victim = articles[30]
    showing = next(each for each in articles if victim in line.record(each).shows)
    line.clockwork.marks.park("epn", showing, line.record(showing).revision or "", 60)

    line.act("kill", victim)
    line.run()

    assert victim not in line.record(showing).shows


def test_a_page_that_is_put_after_a_newer_one_is_rendered_again(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    articles = imported(line, 10)
    article = articles[5]
    revision = line.record(article).revision or ""
    relate_all, waiting = line.index.relate_all, list[Message]()

    def enriched() -> ArticlesEnriched:
        named = (ArticleRevision(article=article, revision=revision),)
        return ArticlesEnriched(message_id=uuid4(), lane=Lane.BULK, site="epn", articles=named)

    def relate_late(site: Site, cards: Sequence[Card]) -> list[Related]:
        """While a batch is at work, the page is rendered by another, and after that there is more to lead on to."""
        if not waiting:
            waiting.append(enriched())
            line.now += timedelta(seconds=1)
            waiting[:] = line.deliver(enriched())
            line.now += timedelta(seconds=1)
            line.submit(json.dumps(a_story(4.5)).encode(), lane=Lane.BULK)
            line.run()
        return relate_all(site, cards)

    with monkeypatch.context() as patch:
        patch.setattr(line.index, "relate_all", relate_late)
        done = line.deliver(enriched())
    line.take(done)
    line.run()
    line.take(waiting)
    line.run()
    settle(line)

    assert is_up_to_date(line, article)


def test_messages_of_one_listing_that_come_in_disorder_do_not_keep_each_other_going(line: Line) -> None:
    """Each of them shows the same bytes, so that none is newer to the store."""
    line.tick()
    line.post(topics=[{"name": "Ice"}])
    line.tick()
    rendered: list[Message] = []
    for _ in range(3):
        message = stale(line, "topic.ice").model_copy(update={"lane": Lane.URGENT})
        rendered += line.deliver(message)

    follows = [line.deliver(each) for each in reversed(rendered)]

    assert follows == [(), (), ()]
    assert line.index.behind(line.site) == {}
