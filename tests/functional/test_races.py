"""Kills, corrections, restores of the index and dead letters between two steps: no page stays wrong."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.ingest.handler import store_picture
from services.render.ports import Theme
from services.scheduler.handler import emit_stale_pages, release_due, restore_index
from shared.messaging.messages import ArticleRevision, ArticlesEnriched, ListingsStale, Message, PagesRendered
from shared.model.lane import Lane
from shared.model.live_record import LiveRecord
from shared.runtime.errors import PermanentError
from shared.site.sites import Site
from shared.storage import ObjectHead
from tests.functional.conftest import Pipeline, next_page_of_article, stale_listings
from tests.functional.test_interrupted_work import imported, pass_time
from tests.functional.test_rebuild import a_rebuild, rendered
from tests.functional.test_stale_articles import is_up_to_date, run_until_current


def end_leases(pipeline: Pipeline) -> None:
    """Let 30 s pass, and end all leases."""
    pipeline.now += timedelta(seconds=30)
    for key in pipeline.redis.scan_iter("*lease:*"):
        pipeline.redis.delete(key)


def test_a_picture_of_a_killed_article_is_not_put_back(
    pipeline: Pipeline, a_picture: bytes, other_theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = store_picture(a_picture, pipeline.site, pipeline.ingest_deps).media
    article = pipeline.post(picture={"media": media, "alt": "A bridge"}).article
    pipeline.run()
    pipeline.tick()
    (path,) = pipeline.record(article).media
    pipeline.theme = other_theme
    pages = rendered(pipeline, a_rebuild(pipeline))
    find_head = pipeline.public.find_head

    def find_head_after_the_kill(key: str) -> ObjectHead | None:
        monkeypatch.setattr(pipeline.public, "find_head", find_head)
        pipeline.act("kill", article)
        pipeline.run()
        return find_head(key)

    monkeypatch.setattr(pipeline.public, "find_head", find_head_after_the_kill)
    pipeline.take(pipeline.deliver(pages))
    pipeline.run()
    pipeline.sweep()
    pipeline.tick()

    assert pipeline.status_at(path) == "410"


def test_a_page_rendered_during_its_kill_is_not_stale_for_ever(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.post(source_id="shown", headline="Shown", version_created="2026-11-01T09:00:00Z")
    killed = pipeline.post(source_id="killed", headline="Killed", version_created="2026-11-01T10:00:00Z")
    pipeline.run()
    pipeline.tick()
    named = (ArticleRevision(article=killed.article, revision=killed.revision),)
    choose_related_for_all = pipeline.index.choose_related_for_all

    def choose_after_the_kill(*args: Any) -> Any:
        monkeypatch.setattr(pipeline.index, "choose_related_for_all", choose_related_for_all)
        pipeline.act("kill", killed.article)
        pipeline.run()
        return choose_related_for_all(*args)

    monkeypatch.setattr(pipeline.index, "choose_related_for_all", choose_after_the_kill)
    pipeline.take(pipeline.deliver(ArticlesEnriched(message_id=uuid4(), lane=Lane.BULK, site="epn", articles=named)))
    pipeline.run()
    pipeline.post(source_id="shown", headline="Shown, corrected", version_created="2026-11-01T11:00:00Z")
    pipeline.run()
    emitted = 0
    for _ in range(5):
        end_leases(pipeline)
        for message in emit_stale_pages(pipeline.site, pipeline.scheduler_deps):
            emitted += isinstance(message, ArticlesEnriched) and killed.article in message.items
            pipeline.take([message])
        pipeline.run()

    assert emitted <= 1


def test_a_dead_lettered_article_that_was_never_live_is_not_emitted_for_ever(pipeline: Pipeline) -> None:
    pipeline.post(source_id="shown", headline="Shown", version_created="2026-11-01T09:00:00Z")
    pipeline.run()
    pipeline.tick()
    bad = pipeline.post(source_id="bad", headline="Bad")
    page = next_page_of_article(pipeline)
    assert page.items == (bad.article,)

    def bury(message: Message) -> None:
        """Bury a message, as its task does after a permanent error."""
        payload = message.model_dump(mode="json")
        pipeline.ingest_deps.dead_letters.bury(
            "publish.PagesRendered", payload, PermanentError("x"), attempts=1, at=pipeline.now
        )

    bury(page)
    pipeline.queue.clear()
    pipeline.post(source_id="shown", headline="Shown, corrected", version_created="2026-11-01T11:00:00Z")
    emitted: list[Message] = []
    for _ in range(5):
        end_leases(pipeline)
        pipeline.queue.extend(emit_stale_pages(pipeline.site, pipeline.scheduler_deps))
        while pipeline.queue:
            message = pipeline.queue.pop(0)
            if isinstance(message, PagesRendered) and bad.article in message.items:
                emitted.append(message)
                bury(message.only([bad.article]))
                continue
            pipeline.queue.extend(pipeline.deliver(message))

    assert len(emitted) <= 1


def test_a_page_whose_related_articles_were_chosen_from_an_incomplete_index_is_rendered_again(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    articles = imported(pipeline, 10)
    article = articles[5]
    assert is_up_to_date(pipeline, article)
    named = (ArticleRevision(article=article, revision=pipeline.record(article).revision or ""),)
    pipeline.redis.flushall()
    pipeline.queue.clear()
    pipeline.index.load(pipeline.site, [pipeline.record(article)])  # only the restore's first batch
    choose_related_for_all = pipeline.index.choose_related_for_all

    def choose_before_the_restore_ends(*args: Any) -> Any:
        monkeypatch.setattr(pipeline.index, "choose_related_for_all", choose_related_for_all)
        found = choose_related_for_all(*args)
        restore_index(pipeline.site, pipeline.scheduler_deps)
        return found

    monkeypatch.setattr(pipeline.index, "choose_related_for_all", choose_before_the_restore_ends)
    pipeline.take(pipeline.deliver(ArticlesEnriched(message_id=uuid4(), lane=Lane.LIVE, site="epn", articles=named)))
    pipeline.run()
    run_until_current(pipeline)
    pass_time(pipeline)

    assert is_up_to_date(pipeline, article)


def test_a_listing_that_was_read_from_an_incomplete_index_is_not_put(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported(pipeline, 10)
    assert "Story 9" in pipeline.page("index.html")
    pipeline.redis.flushall()
    pipeline.queue.clear()
    pipeline.post(source_id="news", headline="The news", section="world", version_created="2026-11-01T11:00:00Z")
    while not any(isinstance(each, ListingsStale) and "home" in each.items for each in pipeline.queue):
        pipeline.queue.extend(pipeline.deliver(pipeline.queue.pop(0)))
    stale = next(each for each in pipeline.queue if isinstance(each, ListingsStale) and "home" in each.items)
    pipeline.queue.clear()
    read = pipeline.index.read

    def read_before_the_restore_ends(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(pipeline.index, "read", read)
        found = read(*args, **kwargs)
        restore_index(pipeline.site, pipeline.scheduler_deps)
        return found

    monkeypatch.setattr(pipeline.index, "read", read_before_the_restore_ends)
    for each in pipeline.deliver(stale.only(["home"])):
        pipeline.deliver(each)

    assert "Story 9" in pipeline.page("index.html")


def test_an_article_that_expires_before_its_card_is_indexed_stays_out_of_the_listings(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.tick()
    accepted = pipeline.post(headline="Short lived", expires_at="2026-11-01T12:30:00Z")
    pages, load = next_page_of_article(pipeline), pipeline.index.load

    def load_after_the_expiry(*args: Any, **named: Any) -> Any:
        monkeypatch.setattr(pipeline.index, "load", load)
        pipeline.now += timedelta(hours=1)
        pipeline.tick()
        assert pipeline.record(accepted.article).removed_by
        return load(*args, **named)

    monkeypatch.setattr(pipeline.index, "load", load_after_the_expiry)
    pipeline.take(pipeline.deliver(pages))
    run_until_current(pipeline)

    assert "Short lived" not in pipeline.page("index.html")


def test_an_article_that_expires_while_the_index_is_restored_stays_out_of_the_listings(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = pipeline.post(headline="Short lived", expires_at="2026-11-01T12:30:00Z")
    pipeline.run()
    pipeline.tick()
    pipeline.now += timedelta(minutes=45)
    pipeline.redis.flushall()
    load = pipeline.index.load

    def load_after_the_expiry(site: Site, records: Iterable[LiveRecord], **named: Any) -> Any:
        read = list(records)
        monkeypatch.setattr(pipeline.index, "load", load)
        pipeline.take(release_due(pipeline.site, pipeline.scheduler_deps))
        pipeline.run()
        assert pipeline.record(accepted.article).removed_by
        return load(site, read, **named)

    monkeypatch.setattr(pipeline.index, "load", load_after_the_expiry)
    for _ in range(3):
        pipeline.tick(until_quiet=False)
        pass_time(pipeline)

    assert "Short lived" not in pipeline.page("index.html")


@pytest.mark.parametrize("why", ["dead-lettered", "retired"])
def test_a_listing_that_cannot_be_rendered_delays_no_other_while_the_pipeline_is_busy(
    pipeline: Pipeline, why: str
) -> None:
    pipeline.post(topics=[{"name": "Ice"}])
    pipeline.run()
    pipeline.tick()
    bad = "topic.ice" if why == "dead-lettered" else "section.closed"
    pipeline.index.mark_stale(pipeline.site, bad)
    if why == "dead-lettered":
        pipeline.scheduler_deps.quarantine.add(
            pipeline.site.id, f"listing:{bad}", pipeline.index.stale_versions(pipeline.site)[bad], 600
        )
    pipeline.index.mark_stale(pipeline.site, "day.2026-11-01")
    pipeline.backlog.messages = 1_000
    emitted: set[str] = set()
    for _ in range(3):
        end_leases(pipeline)
        for each in stale_listings(pipeline):
            emitted |= {*each.items}
            pipeline.take([each])
        pipeline.run()

    assert "day.2026-11-01" in emitted
