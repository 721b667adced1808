"""What was lost between two steps: a removal half done, a page put after a newer one, a kill beside an import."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.enrich import handler as enriching
from services.scheduler.handler import say_stale_pages, sweep
from shared import keys
from shared.card import Card
from shared.errors import EdgeUnavailableError
from shared.index import Related
from shared.index.restores import index_key
from shared.listings import article_page, find_listing
from shared.messages import (
    ArticleAccepted,
    ArticleEnriched,
    ArticleRemoved,
    Lane,
    ListingsStale,
    ListingStale,
    Message,
    PageRendered,
    RebuildPages,
)
from shared.sites import Site
from tests.functional.conftest import Line
from tests.functional.test_what_is_behind import a_story, bring_in, is_up_to_date, settle

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


def piece_of(line: Line, articles: Sequence[str]) -> RebuildPages:
    return RebuildPages(
        message_id=uuid4(),
        lane=Lane.BULK,
        begun_at=line.now,
        site="epn",
        run="",
        number=0,
        upto="",
        articles=tuple(articles),
    )


def lose_redis(line: Line) -> None:
    line.redis.flushall()
    line.queue.clear()


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
def test_a_kill_says_every_page_that_shows_the_killed_however_often_it_is_tried(line: Line, *, is_slow: bool) -> None:
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
    assert showing <= {each.article for each in follows if isinstance(each, ArticleAccepted)}
    assert {"section.world", _DAY} <= {each.listing for each in follows if isinstance(each, ListingStale)}


def test_a_kill_waits_for_no_handful_that_was_read_before_it(line: Line) -> None:
    articles = imported(line, 30)
    for number in range(40):
        line.index.touch(line.site, f"topic.t{number}")
    line.index.touch(line.site, _DAY)
    said = say_stale_pages(line.site, line.clockwork)
    handful = next(each for each in said if isinstance(each, ListingsStale) and _DAY in each.listings)
    (rendered,) = line.deliver(handful)

    line.act("kill", articles[3])
    line.take(line.deliver(taken(line)))
    line.run()
    line.take(line.deliver(rendered))
    line.run()

    listing = find_listing(line.site, _DAY)
    assert listing is not None
    assert "Story 3<" not in line.page(listing.path)


@pytest.mark.parametrize("name", ["day.2026-11-01", "topic.ice"])
def test_a_list_that_a_kill_took_away_is_not_put_back_by_what_was_read_before(line: Line, name: str) -> None:
    line.tick()
    accepted = line.post(topics=[{"name": "Ice"}], version_created="2026-11-01T10:00:00Z")
    line.tick()
    line.index.touch(line.site, name)
    (rendered,) = line.deliver(ListingStale(message_id=uuid4(), site="epn", listing=name))
    listing = find_listing(line.site, name)
    assert listing is not None
    assert line.public.find_head(listing.path) is not None

    line.act("kill", accepted.article)
    line.run()
    line.tick()
    assert line.public.find_head(listing.path) is None
    line.deliver(rendered)

    assert line.public.find_head(listing.path) is None


def test_a_list_that_was_put_while_its_removal_looked_is_taken_away(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.tick()
    accepted = line.post(topics=[{"name": "Ice"}])
    line.run()
    topic = find_listing(line.site, "topic.ice")
    assert topic is not None
    line.index.touch(line.site, topic.name)
    line.public.delete(topic.path)
    (late,) = line.deliver(ListingStale(message_id=uuid4(), site="epn", listing=topic.name))
    line.act("kill", accepted.article)
    others = [each for each in line.deliver(taken(line)) if getattr(each, "listing", "") != topic.name]
    (absent,) = line.deliver(ListingStale(message_id=uuid4(), site="epn", listing=topic.name))
    assert isinstance(absent, PageRendered)
    assert absent.is_absent
    set_published = line.index.set_published

    def after_the_late_one(*args: Any, **options: Any) -> bool:
        monkeypatch.setattr(line.index, "set_published", set_published)
        line.deliver(late)
        return set_published(*args, **options)

    monkeypatch.setattr(line.index, "set_published", after_the_late_one)
    line.take((*line.deliver(absent), *others))
    line.run()
    line.tick()

    assert line.public.find_head(topic.path) is None


def test_a_newer_page_that_was_put_while_a_removal_looked_stays(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    line.tick()
    topic = find_listing(line.site, "topic.ice")
    assert topic is not None
    line.index.touch(line.site, topic.name)
    (absent,) = line.deliver(ListingStale(message_id=uuid4(), site="epn", listing=topic.name))
    newer = {"order": "9" * 20, "sha256": "0" * 64, "status": "200"}
    set_published = line.index.set_published

    def after_a_newer_one(*args: Any, **options: Any) -> bool:
        monkeypatch.setattr(line.index, "set_published", set_published)
        line.public.put(topic.path, b"newer", content_type="text/html", metadata=newer)
        return set_published(*args, **options)

    monkeypatch.setattr(line.index, "set_published", after_a_newer_one)
    line.deliver(absent)

    assert line.public.get(topic.path).body == b"newer"


def test_a_list_that_an_order_of_a_clock_set_back_keeps_away_is_said_with_patience(line: Line) -> None:
    line.tick()
    line.post(topics=[{"name": "Ice"}])
    line.run()
    topic = find_listing(line.site, "topic.ice")
    assert topic is not None
    line.public.delete(topic.path)
    line.publisher.marks.decide("epn", topic.path, "9" * 20, "")
    line.index.touch(line.site, topic.name)
    line.redis.delete(index_key(line.site, f"turn:{topic.name}"))
    assert line.index.take_turns(line.site, [topic.name]) == [topic.name]
    (rendered,) = line.deliver(ListingStale(message_id=uuid4(), site="epn", listing=topic.name))

    assert line.deliver(rendered) == ()

    assert line.public.find_head(topic.path) is None
    assert topic.name in line.index.behind(line.site)
    assert line.index.take_turns(line.site, [topic.name]) == []


def test_what_an_older_page_brought_along_does_not_stay(line: Line) -> None:
    line.tick()
    line.post(source_id="other", version_created="2026-11-02T08:00:00Z")
    accepted = line.post(source_id="one", version_created="2026-11-01T08:00:00Z")
    line.run()
    day, month = find_listing(line.site, "day.2026-11-01"), find_listing(line.site, "month.2026-11")
    assert day is not None
    assert month is not None
    line.redis.hdel(index_key(line.site, "published"), day.name)  # as before it was first published
    line.public.delete(day.path)
    line.index.touch(line.site, month.name)
    (late,) = line.deliver(ListingStale(message_id=uuid4(), site="epn", listing=month.name))
    assert isinstance(late, PageRendered)
    assert day.name in {each.listing for each in late.placeholders}

    line.act("kill", accepted.article)
    line.run()
    line.tick()
    assert line.public.find_head(day.path) is None
    line.deliver(late)
    line.tick()

    assert line.public.find_head(day.path) is None


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
    line.index.touch(line.site, topic.name)
    (rendered,) = line.deliver(ListingStale(message_id=uuid4(), site="epn", listing=topic.name))

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


def test_a_kill_renews_also_a_page_that_once_lay_among_the_dead_letters(line: Line) -> None:
    articles = imported(line, 60)
    victim = articles[30]
    showing = next(each for each in articles if victim in line.record(each).shows)
    line.clockwork.marks.park("epn", showing, line.record(showing).revision or "", 60)

    line.act("kill", victim)
    line.run()

    assert victim not in line.record(showing).shows


def test_those_that_would_take_a_list_away_do_not_keep_each_other_going(line: Line) -> None:
    line.tick()
    accepted = line.post(topics=[{"name": "Ice"}])
    line.tick()
    line.act("kill", accepted.article)
    line.run()
    month = find_listing(line.site, "month.2026-11")
    assert month is not None
    stale = ListingStale(message_id=uuid4(), site="epn", listing=month.name, lane=Lane.URGENT)
    for _ in range(2):
        line.index.touch(line.site, month.name)
        line.queue += (stale, *line.deliver(stale))
    line.index.touch(line.site, month.name)

    line.run()
    line.tick()

    assert line.public.find_head(month.path) is None


def test_a_page_that_is_put_after_a_newer_one_is_made_again(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    articles = imported(line, 10)
    article = articles[5]
    revision = line.record(article).revision or ""
    relate_all, held = line.index.relate_all, list[Message]()

    def relate_late(site: Site, cards: Sequence[Card]) -> list[Related]:
        """While the piece is at work, the page is made alone, and after that there is more to lead on to."""
        if not held:
            line.now += timedelta(seconds=1)
            held.extend(
                line.deliver(
                    ArticleEnriched(message_id=uuid4(), site="epn", article=article, revision=revision, enricher="e1")
                )
            )
            line.now += timedelta(seconds=1)
            line.submit(json.dumps(a_story(4.5)).encode(), lane=Lane.BULK)
            line.run()
        return relate_all(site, cards)

    with monkeypatch.context() as patch:
        patch.setattr(line.index, "relate_all", relate_late)
        done = line.deliver(piece_of(line, [article]))
    line.take(done)
    line.run()
    line.take(held)
    line.run()
    settle(line)

    assert is_up_to_date(line, article)


def test_a_piece_never_goes_back_to_what_an_older_enricher_made(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    articles = imported(line, 60)
    line.take([piece_of(line, articles[:2])])
    line.run()  # the process has seen the old ones
    real = enriching.enrich

    def enrich(*args: Any) -> Any:
        made = real(*args)
        return made.model_copy(update={"enricher": "e9999", "body": made.body + "<p>By the newer rules.</p>"})

    monkeypatch.setattr(enriching, "ENRICHER", "e9999")
    monkeypatch.setattr(enriching, "enrich", enrich)
    line.now += timedelta(seconds=1)
    for each in articles:
        accepted = ArticleAccepted(
            message_id=uuid4(), site="epn", article=each, revision=line.record(each).revision or ""
        )
        line.take([accepted])
    line.run()
    assert all("By the newer rules." in line.page_of(each) for each in articles)

    line.now += timedelta(seconds=1)
    line.take([piece_of(line, articles)])
    line.run()

    assert all("By the newer rules." in line.page_of(each) for each in articles)
    assert line.redis.zcard(index_key(line.site, "behind")) == 0
    assert article_page(articles[0]) not in line.index.behind(line.site)
