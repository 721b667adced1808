"""Work that was interrupted between two steps: removals, late PUTs, a kill during an import."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.scheduler.handler import emit_stale_pages, sweep
from shared.index import RelatedArticles
from shared.messaging.messages import ArticleRemoved, ArticleRevision, ArticlesEnriched, ListingsStale, Message
from shared.model.card import Card
from shared.model.lane import Lane
from shared.runtime.errors import EdgeUnavailableError
from shared.site import keys
from shared.site.listings import find_listing
from shared.site.sites import Site
from tests.functional.conftest import Pipeline
from tests.functional.test_stale_articles import a_story, import_articles, is_up_to_date, run_until_current

_DAY = "day.2026-10-01"


def pass_time(pipeline: Pipeline, minutes: int = 60) -> None:
    for _ in range(minutes // 10):
        pipeline.now += timedelta(minutes=10)
        pipeline.sweep()
        pipeline.tick()


def imported(pipeline: Pipeline, count: int) -> list[str]:
    pipeline.tick()
    import_articles(pipeline, count)
    run_until_current(pipeline)
    pipeline.now += timedelta(seconds=1)
    return [keys.article_id("epn", "desk", f"old-{each}") for each in range(count)]


def take_only_message(pipeline: Pipeline) -> Message:
    """Remove the one queued message and return it."""
    (message,) = pipeline.queue
    pipeline.queue.clear()
    return message


def lose_redis(pipeline: Pipeline) -> None:
    pipeline.redis.flushall()
    pipeline.queue.clear()


def stale(pipeline: Pipeline, *names: str) -> ListingsStale:
    """Mark listings stale; return the message that renders them."""
    for name in names:
        pipeline.index.mark_stale(pipeline.site, name)
    return ListingsStale(message_id=uuid4(), site="epn", listings=pipeline.index.stale_versions(pipeline.site, names))


def test_a_withdrawal_interrupted_by_the_loss_of_redis_is_completed(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pass_time(pipeline)
    path = pipeline.record(accepted.article).path or ""
    pipeline.act("withdraw", accepted.article)
    assert any(isinstance(each, ArticleRemoved) for each in pipeline.deliver(take_only_message(pipeline)))
    assert pipeline.status_at(path) == "200"  # out of the listings, page not removed yet

    list(sweep(pipeline.site, pipeline.scheduler_deps))
    lose_redis(pipeline)
    pass_time(pipeline, 120)

    assert pipeline.status_at(path) == "410"


def test_a_kill_interrupted_by_the_loss_of_redis_is_completed(pipeline: Pipeline) -> None:
    accepted = pipeline.post()
    pass_time(pipeline)
    pipeline.act("kill", accepted.article)
    pipeline.edge.shows = 200
    with pytest.raises(EdgeUnavailableError):
        pipeline.deliver(take_only_message(pipeline))

    list(sweep(pipeline.site, pipeline.scheduler_deps))
    lose_redis(pipeline)
    pipeline.edge.shows = None
    pass_time(pipeline, 120)

    assert pipeline.record(accepted.article).removed_by


@pytest.mark.parametrize("is_slow", [False, True])
def test_every_try_of_a_kill_emits_all_pages_that_show_the_killed_article(pipeline: Pipeline, *, is_slow: bool) -> None:
    articles = imported(pipeline, 60)
    victim = articles[30]
    showing = {each for each in articles if victim in pipeline.record(each).shows}
    pipeline.act("kill", victim)
    kill = take_only_message(pipeline)

    if is_slow:
        pipeline.edge.shows = 200
        with pytest.raises(EdgeUnavailableError):
            pipeline.deliver(kill)
        pipeline.edge.shows = None
    follows = pipeline.deliver(kill)

    assert showing
    assert showing <= {name for each in follows if isinstance(each, ArticlesEnriched) for name in each.items}
    assert {"section.world", _DAY} <= {
        name for each in follows if isinstance(each, ListingsStale) for name in each.items
    }
    assert {each.lane for each in follows} == {Lane.URGENT}


def test_a_kill_does_not_wait_for_a_batch_that_was_read_before_it(pipeline: Pipeline) -> None:
    articles = imported(pipeline, 30)
    for number in range(40):
        pipeline.index.mark_stale(pipeline.site, f"topic.t{number}")
    pipeline.index.mark_stale(pipeline.site, _DAY)
    emitted = emit_stale_pages(pipeline.site, pipeline.scheduler_deps)
    batch = next(each for each in emitted if isinstance(each, ListingsStale) and _DAY in each.listings)
    (rendered,) = pipeline.deliver(batch)

    pipeline.act("kill", articles[3])
    pipeline.take(pipeline.deliver(take_only_message(pipeline)))
    pipeline.run()
    pipeline.take(pipeline.deliver(rendered))
    pipeline.run()

    listing = find_listing(pipeline.site, _DAY)
    assert listing is not None
    assert "Story 3<" not in pipeline.page(listing.path)


def test_a_listing_that_returned_to_its_earlier_bytes_is_purged_after_two_lost_purges(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.tick()
    pipeline.post(source_id="one", topics=[{"name": "Ice"}])
    pipeline.tick()
    topic, purge = find_listing(pipeline.site, "topic.ice"), pipeline.edge.purge
    assert topic is not None
    before = pipeline.public.get(topic.path)
    metadata = {**before.head.metadata, "sha256": "0" * 64}
    pipeline.public.put(topic.path, b"put, not purged", content_type="text/html", metadata=metadata)
    (rendered,) = pipeline.deliver(stale(pipeline, topic.name))

    def refuse_purge(*_: Any, **__: Any) -> None:
        raise EdgeUnavailableError

    monkeypatch.setattr(pipeline.edge, "purge", refuse_purge)
    with pytest.raises(EdgeUnavailableError):
        pipeline.deliver(rendered)
    assert pipeline.public.get(topic.path).body == before.body
    monkeypatch.setattr(pipeline.edge, "purge", purge)
    pipeline.edge.purged.clear()

    pipeline.deliver(rendered)

    assert keys.listing_surrogate_key("epn", topic.name) in pipeline.edge.purged


def test_a_listing_rendered_before_a_later_one_was_published_does_not_stay(pipeline: Pipeline) -> None:
    """Its publisher stalled, and its late PUT succeeded: for the store the page went A -> B -> A."""
    pipeline.tick()
    pipeline.post(source_id="one", topics=[{"name": "Ice"}])
    pipeline.tick()
    topic = find_listing(pipeline.site, "topic.ice")
    assert topic is not None
    older = pipeline.public.get(topic.path)
    (late,) = pipeline.deliver(stale(pipeline, topic.name))
    pipeline.index.release_lease(pipeline.site, topic.name)
    pipeline.post(source_id="two", headline="More ice", topics=[{"name": "Ice"}])
    pipeline.tick()
    pipeline.public.put(topic.path, older.body, content_type="text/html", metadata=older.head.metadata)

    pipeline.take(pipeline.deliver(late))
    pipeline.tick()

    assert "More ice" in pipeline.page(topic.path)


def test_a_kill_renders_quarantined_pages_too(pipeline: Pipeline) -> None:
    articles = imported(pipeline, 60)
    victim = articles[30]
    showing = next(each for each in articles if victim in pipeline.record(each).shows)
    pipeline.scheduler_deps.quarantine.add("epn", showing, pipeline.record(showing).revision or "", 60)

    pipeline.act("kill", victim)
    pipeline.run()

    assert victim not in pipeline.record(showing).shows


def test_a_page_that_is_put_after_a_newer_one_is_rendered_again(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    articles = imported(pipeline, 10)
    article = articles[5]
    revision = pipeline.record(article).revision or ""
    choose_related_for_all, waiting = pipeline.index.choose_related_for_all, list[Message]()

    def enriched() -> ArticlesEnriched:
        named = (ArticleRevision(article=article, revision=revision),)
        return ArticlesEnriched(message_id=uuid4(), lane=Lane.BULK, site="epn", articles=named)

    def choose_late(site: Site, cards: Sequence[Card]) -> list[RelatedArticles]:
        """While this batch is handled, another worker renders the page, and then a new related article arrives."""
        if not waiting:
            waiting.append(enriched())
            pipeline.now += timedelta(seconds=1)
            waiting[:] = pipeline.deliver(enriched())
            pipeline.now += timedelta(seconds=1)
            pipeline.submit(json.dumps(a_story(4.5)).encode(), lane=Lane.BULK)
            pipeline.run()
        return choose_related_for_all(site, cards)

    with monkeypatch.context() as patch:
        patch.setattr(pipeline.index, "choose_related_for_all", choose_late)
        done = pipeline.deliver(enriched())
    pipeline.take(done)
    pipeline.run()
    pipeline.take(waiting)
    pipeline.run()
    run_until_current(pipeline)

    assert is_up_to_date(pipeline, article)


def test_messages_of_one_listing_out_of_order_do_not_re_emit_each_other(pipeline: Pipeline) -> None:
    """All have the same bytes, so for the store none is newer."""
    pipeline.tick()
    pipeline.post(topics=[{"name": "Ice"}])
    pipeline.tick()
    rendered: list[Message] = []
    for _ in range(3):
        message = stale(pipeline, "topic.ice").model_copy(update={"lane": Lane.URGENT})
        rendered += pipeline.deliver(message)

    follows = [pipeline.deliver(each) for each in reversed(rendered)]

    assert follows == [(), (), ()]
    assert pipeline.index.stale_versions(pipeline.site) == {}
