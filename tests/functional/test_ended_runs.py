"""Rebuilds that ended early: their pages are purged, and no page of an older theme stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.render.handler import article as article_module
from services.render.ports import Theme
from shared.messaging.messages import ArticleRevision, ArticlesEnriched, PagesRendered
from shared.model.lane import Lane
from shared.runtime.errors import EdgeUnavailableError, RedisUnavailableError, StorageUnavailableError
from shared.site import keys
from tests.functional.conftest import Pipeline
from tests.functional.test_rebuild import a_rebuild, finish, rendered


def refuse_purge(*_: Any, **__: Any) -> None:
    raise EdgeUnavailableError


def test_a_purge_of_an_ended_run_is_still_sent(
    pipeline: Pipeline, site: list[str], other_theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.theme = other_theme
    pages = rendered(pipeline, a_rebuild(pipeline, run="run-1"))
    with monkeypatch.context() as patch:
        patch.setattr(pipeline.edge, "purge", refuse_purge)
        with pytest.raises(EdgeUnavailableError):
            pipeline.deliver(pages)  # put, not purged
    finish(a_rebuild(pipeline, run="run-2", section="sport"), pipeline)  # another rebuild, of other articles
    pipeline.edge.purged.clear()

    pipeline.take(pipeline.deliver(pages))  # the retry
    pipeline.run()

    path = pipeline.record(site[0]).path or ""  # of world
    assert "Made anew" in pipeline.page(path)
    assert keys.path_surrogate_key(path) in pipeline.edge.purged


def test_a_page_that_an_ended_run_put_late_is_rendered_again_even_if_its_publisher_died(
    pipeline: Pipeline, site: list[str], other_theme: Theme
) -> None:
    own, before, put = pipeline.theme, pipeline.site_bytes(), pipeline.public.put
    pipeline.theme = other_theme
    delayed = rendered(pipeline, a_rebuild(pipeline, run="run-2")).only([site[0]])

    def put_late_and_die(key: str, *args: object, **kwargs: object) -> object:
        pipeline.public.put = put  # type: ignore[method-assign]
        pipeline.theme = own
        finish(a_rebuild(pipeline, run="run-3"), pipeline)
        put(key, *args, **kwargs)  # type: ignore[arg-type]
        raise SystemExit

    pipeline.public.put = put_late_and_die  # type: ignore[assignment, method-assign]
    with pytest.raises(SystemExit):
        pipeline.deliver(delayed)
    pipeline.take([delayed])  # delivered again
    pipeline.run()
    pipeline.sweep()
    pipeline.tick()

    assert pipeline.site_bytes() == before


def test_a_failed_recheck_is_repeated_by_the_retry(
    pipeline: Pipeline, site: list[str], other_theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, before, put, since = (
        pipeline.theme,
        pipeline.site_bytes(),
        pipeline.public.put,
        pipeline.publish_deps.revisions.since,
    )
    pipeline.theme = other_theme
    delayed = rendered(pipeline, a_rebuild(pipeline, run="run-2")).only([site[0]])

    def store_is_away(*_: Any) -> Any:
        raise StorageUnavailableError

    def put_when_the_next_rollout_is_done(key: str, *args: object, **kwargs: object) -> object:
        pipeline.public.put = put  # type: ignore[method-assign]
        pipeline.theme = own
        finish(a_rebuild(pipeline, run="run-3"), pipeline)
        monkeypatch.setattr(pipeline.publish_deps.revisions, "since", store_is_away)
        return put(key, *args, **kwargs)  # type: ignore[arg-type]

    pipeline.public.put = put_when_the_next_rollout_is_done  # type: ignore[assignment, method-assign]
    with pytest.raises(StorageUnavailableError):
        pipeline.deliver(delayed)
    monkeypatch.setattr(pipeline.publish_deps.revisions, "since", since)
    pipeline.take([delayed])
    pipeline.run()
    pipeline.tick()

    assert pipeline.site_bytes() == before


def test_a_late_page_of_an_older_theme_and_of_no_run_never_wins(
    pipeline: Pipeline, site: list[str], other_theme: Theme
) -> None:
    own, before = pipeline.theme, pipeline.site_bytes()
    revision = pipeline.record(site[0]).revision or ""
    pipeline.theme = other_theme
    named = (ArticleRevision(article=site[0], revision=revision),)
    (delayed,) = pipeline.deliver(ArticlesEnriched(message_id=uuid4(), lane=Lane.BULK, site="epn", articles=named))
    pipeline.now += timedelta(seconds=1)
    pipeline.theme = own
    finish(a_rebuild(pipeline, run="run-3"), pipeline)

    pipeline.take([delayed])
    pipeline.run()
    pipeline.sweep()
    pipeline.tick()

    assert pipeline.site_bytes() == before


def publish_once_redis_is_back(pipeline: Pipeline, pages: PagesRendered, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deliver the pages while Redis refuses their cards, then deliver them again."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise RedisUnavailableError

    with monkeypatch.context() as patch:
        patch.setattr(pipeline.index, "load", refuse)
        with pytest.raises(RedisUnavailableError):
            pipeline.deliver(pages)
    pipeline.take([pages])
    pipeline.run()


def test_a_card_that_a_rebuild_changed_reaches_the_listings_after_an_outage_of_redis(
    pipeline: Pipeline, site: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in list(pipeline.content.list_keys(keys.article_prefix("epn", site[0]))):
        if "/enriched/" in key:  # as a newer version of the enricher would write it
            body = pipeline.content.get(key).body.replace(b'"headline":"Story 0"', b'"headline":"Story zero"')
            pipeline.content.put(key, body)
    pages = rendered(pipeline, a_rebuild(pipeline))

    publish_once_redis_is_back(pipeline, pages, monkeypatch)
    pipeline.sweep()
    pipeline.tick()

    assert "Story zero" in pipeline.page_of(site[0])
    assert "Story zero" in pipeline.page("index.html")


def test_the_newer_of_two_runs_continues_after_redis_lost_its_last_second(pipeline: Pipeline, site: list[str]) -> None:
    a_rebuild(pipeline, run="run-1")
    newer = a_rebuild(pipeline, run="run-2")
    pipeline.redis.set("run:epn", "run-1")

    newer.go_on()

    assert pipeline.render_deps.runs.is_latest("epn", "run-2")


def test_a_card_that_changed_without_the_pages_bytes_reaches_the_listings_after_an_outage_of_redis(
    pipeline: Pipeline, site: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    card = article_module._card  # noqa: SLF001 -- as another release would make it

    def another_card(*args: Any, **named: Any) -> Any:
        return card(*args, **named).model_copy(update={"headline": "Made anew"})

    monkeypatch.setattr(article_module, "_card", another_card)
    pages = rendered(pipeline, a_rebuild(pipeline)).only([site[0]])

    publish_once_redis_is_back(pipeline, pages, monkeypatch)
    pipeline.tick()

    assert "Made anew" in pipeline.page("index.html")
