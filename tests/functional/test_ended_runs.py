"""Rebuilds that were ended by a newer one, or cut short: what they have put is purged, and is no older theme's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.render.handler import article as article_module
from services.render.ports import Theme
from shared import keys
from shared.errors import EdgeUnavailableError, RedisUnavailableError, StorageUnavailableError
from shared.messages import ArticleRevision, ArticlesEnriched, Lane, PagesRendered
from tests.functional.conftest import Line
from tests.functional.test_rebuild import a_rebuild, finish, rendered


def away(*_: Any, **__: Any) -> None:
    raise EdgeUnavailableError


def test_a_purge_of_a_run_that_was_ended_meanwhile_is_sent(
    line: Line, site: list[str], other_theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.theme = other_theme
    pages = rendered(line, a_rebuild(line, run="run-1"))
    with monkeypatch.context() as patch:
        patch.setattr(line.edge, "purge", away)
        with pytest.raises(EdgeUnavailableError):
            line.deliver(pages)  # put, and not purged
    finish(a_rebuild(line, run="run-2", section="sport"), line)  # another rebuild, of other articles
    line.edge.purged.clear()

    line.take(line.deliver(pages))  # the retry
    line.run()

    path = line.record(site[0]).path or ""  # of world
    assert "Made anew" in line.page(path)
    assert keys.path_surrogate_key(path) in line.edge.purged


def test_a_page_that_an_ended_run_put_late_is_rendered_again_though_its_publisher_died(
    line: Line, site: list[str], other_theme: Theme
) -> None:
    own, before, put = line.theme, line.site_bytes(), line.public.put
    line.theme = other_theme
    delayed = rendered(line, a_rebuild(line, run="run-2")).only([site[0]])

    def put_late_and_die(key: str, *args: object, **kwargs: object) -> object:
        line.public.put = put  # type: ignore[method-assign]
        line.theme = own
        finish(a_rebuild(line, run="run-3"), line)
        put(key, *args, **kwargs)  # type: ignore[arg-type]
        raise SystemExit

    line.public.put = put_late_and_die  # type: ignore[assignment, method-assign]
    with pytest.raises(SystemExit):
        line.deliver(delayed)
    line.take([delayed])  # delivered again
    line.run()
    line.sweep()
    line.tick()

    assert line.site_bytes() == before


def test_a_recheck_that_failed_is_made_by_the_retry(
    line: Line, site: list[str], other_theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, before, put, since = line.theme, line.site_bytes(), line.public.put, line.publisher.revisions.since
    line.theme = other_theme
    delayed = rendered(line, a_rebuild(line, run="run-2")).only([site[0]])

    def store_is_away(*_: Any) -> Any:
        raise StorageUnavailableError

    def put_when_the_next_rollout_is_done(key: str, *args: object, **kwargs: object) -> object:
        line.public.put = put  # type: ignore[method-assign]
        line.theme = own
        finish(a_rebuild(line, run="run-3"), line)
        monkeypatch.setattr(line.publisher.revisions, "since", store_is_away)
        return put(key, *args, **kwargs)  # type: ignore[arg-type]

    line.public.put = put_when_the_next_rollout_is_done  # type: ignore[assignment, method-assign]
    with pytest.raises(StorageUnavailableError):
        line.deliver(delayed)
    monkeypatch.setattr(line.publisher.revisions, "since", since)
    line.take([delayed])
    line.run()
    line.tick()

    assert line.site_bytes() == before


def test_a_late_page_of_an_older_theme_and_of_no_run_never_wins(
    line: Line, site: list[str], other_theme: Theme
) -> None:
    own, before = line.theme, line.site_bytes()
    revision = line.record(site[0]).revision or ""
    line.theme = other_theme
    named = (ArticleRevision(article=site[0], revision=revision),)
    (delayed,) = line.deliver(ArticlesEnriched(message_id=uuid4(), lane=Lane.BULK, site="epn", articles=named))
    line.now += timedelta(seconds=1)
    line.theme = own
    finish(a_rebuild(line, run="run-3"), line)

    line.take([delayed])
    line.run()
    line.sweep()
    line.tick()

    assert line.site_bytes() == before


def publish_once_redis_is_back(line: Line, pages: PagesRendered, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deliver the pages while Redis does not take their cards, then once more."""

    def lost(*_: Any, **__: Any) -> Any:
        raise RedisUnavailableError

    with monkeypatch.context() as patch:
        patch.setattr(line.index, "take_in", lost)
        with pytest.raises(RedisUnavailableError):
            line.deliver(pages)
    line.take([pages])
    line.run()


def test_a_card_that_a_rebuild_changed_reaches_the_listings_though_redis_was_away(
    line: Line, site: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in list(line.content.list_keys(keys.article_prefix("epn", site[0]))):
        if "/enriched/" in key:  # as a newer version of the enricher would say it
            body = line.content.get(key).body.replace(b'"headline":"Story 0"', b'"headline":"Story zero"')
            line.content.put(key, body)
    pages = rendered(line, a_rebuild(line))

    publish_once_redis_is_back(line, pages, monkeypatch)
    line.sweep()
    line.tick()

    assert "Story zero" in line.page_of(site[0])
    assert "Story zero" in line.page("index.html")


def test_the_newer_of_two_runs_goes_on_though_redis_lost_its_last_second(line: Line, site: list[str]) -> None:
    a_rebuild(line, run="run-1")
    newer = a_rebuild(line, run="run-2")
    line.redis.set("run:epn", "run-1")

    newer.go_on()

    assert line.renderer.runs.is_latest("epn", "run-2")


def test_a_card_that_changed_without_the_pages_bytes_reaches_the_listings_though_redis_was_away(
    line: Line, site: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    card = article_module._card  # noqa: SLF001 -- as another release would make it

    def another_card(*args: Any, **named: Any) -> Any:
        return card(*args, **named).model_copy(update={"headline": "Made anew"})

    monkeypatch.setattr(article_module, "_card", another_card)
    pages = rendered(line, a_rebuild(line)).only([site[0]])

    publish_once_redis_is_back(line, pages, monkeypatch)
    line.tick()

    assert "Made anew" in line.page("index.html")
