"""An empty listing stays public; a topic that only killed articles named answers 410."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from shared.messaging.messages import ListingsStale, first_envelope
from shared.model.lane import Lane
from shared.site.listings import listing_of
from tests.functional.conftest import Pipeline

EARLY, LATER, LATEST = (f"2026-11-01T{hour}:00:00Z" for hour in ("10", "11", "12"))
ICE = "topics/ice/index.html"


def post(pipeline: Pipeline, **fields: Any) -> str:
    article = pipeline.post(topics=[{"name": "Ice"}], **fields).article
    pipeline.tick()
    return article


def act(pipeline: Pipeline, kind: Any, article: str) -> None:
    pipeline.act(kind, article)
    pipeline.tick()


def lose_redis(pipeline: Pipeline) -> None:
    pipeline.redis.flushall()
    pipeline.tick()


def test_a_topic_without_articles_stays_empty_and_is_not_indexed(pipeline: Pipeline) -> None:
    article = post(pipeline)

    act(pipeline, "withdraw", article)

    assert pipeline.status_at(ICE) == "200"
    assert 'content="noindex"' in pipeline.page(ICE)
    assert "Ferry" not in pipeline.page(ICE)
    assert "topics/ice" not in pipeline.page("sitemaps/2026-11-01.xml")


def test_an_empty_topic_that_a_killed_article_named_answers_410_without_its_name(pipeline: Pipeline) -> None:
    article = pipeline.post(topics=[{"name": "Mira Solen's arrest"}]).article
    pipeline.tick()
    path = listing_of(pipeline.site, f"topic.{pipeline.record(article).card.topic_pages[0]}").path  # type: ignore[union-attr]
    assert pipeline.status_at(path) == "200"

    act(pipeline, "kill", article)

    assert pipeline.status_at(path) == "410"
    assert "Solen" not in pipeline.page(path)
    assert path.removesuffix("index.html") not in pipeline.page("sitemaps/2026-11-01.xml")


@pytest.mark.parametrize("reopen", ["restore", "another article"])
def test_a_restore_or_another_article_reopens_a_topic(pipeline: Pipeline, reopen: str) -> None:
    article = post(pipeline)
    act(pipeline, "kill", article)

    if reopen == "restore":
        act(pipeline, "restore", article)
    else:
        post(pipeline, source_id="another", headline="Ice again")

    assert pipeline.status_at(ICE) == "200"
    assert "Ferry" in pipeline.page(ICE) or "Ice again" in pipeline.page(ICE)


def test_a_topic_that_a_living_article_names_survives_a_kill(pipeline: Pipeline) -> None:
    killed, living = post(pipeline), post(pipeline, source_id="another", headline="Ice again")

    act(pipeline, "kill", killed)

    assert pipeline.status_at(ICE) == "200"
    act(pipeline, "withdraw", living)
    assert pipeline.status_at(ICE) == "410"


def test_a_killed_topic_still_answers_410_after_the_loss_of_redis(pipeline: Pipeline) -> None:
    article = post(pipeline)
    act(pipeline, "kill", article)
    before = pipeline.site_bytes()

    lose_redis(pipeline)

    assert pipeline.site_bytes() == before
    act(pipeline, "restore", article)
    lose_redis(pipeline)
    assert pipeline.status_at(ICE) == "200"


def test_a_listing_that_a_kill_emptied_is_not_overwritten_by_an_earlier_render(pipeline: Pipeline) -> None:
    article = post(pipeline)
    pipeline.index.mark_stale(pipeline.site, "topic.ice")
    pipeline.index.release_lease(pipeline.site, "topic.ice")
    version = pipeline.index.stale_versions(pipeline.site)["topic.ice"]
    stale = ListingsStale(message_id=uuid4(), site="epn", listings={"topic.ice": version})
    (late,) = pipeline.deliver(stale)

    act(pipeline, "kill", article)
    pipeline.take(pipeline.deliver(late))
    pipeline.tick()

    assert pipeline.status_at(ICE) == "410"


@pytest.mark.parametrize("is_ordered", [True, False])
def test_the_listings_of_a_corrected_article_are_those_of_all_its_revisions(
    new_pipeline: Callable[[], Pipeline], *, is_ordered: bool
) -> None:
    """The order of publication decides nothing: the public listings are a function of the revisions."""
    pipeline = new_pipeline()
    pipeline.tick()
    revisions: list[dict[str, Any]] = [
        {"topics": [{"name": "Ice"}], "section": "world", "version_created": EARLY},
        {"topics": [{"name": "Snow"}], "section": "sport", "version_created": LATER},
        {"topics": [{"name": "Rain"}], "section": "sport", "version_created": LATEST},
    ]

    for revision in revisions if is_ordered else (revisions[0], *revisions[:0:-1]):
        pipeline.post(**revision)
        if not is_ordered:
            pipeline.queue.clear()  # the sweep emits one event for all
    if not is_ordered:
        pipeline.sweep()
    pipeline.tick()

    found = {
        path for path in pipeline.site_bytes() if path.startswith("topics/") or path.endswith("2026/11/01/index.html")
    }
    topics = {f"topics/{name}/index.html" for name in ("ice", "snow", "rain")}
    assert found == topics | {f"{each}/2026/11/01/index.html" for each in ("archive", "world", "sport")}


def test_the_topic_of_an_article_killed_before_publication_answers_410(pipeline: Pipeline) -> None:
    pipeline.tick()
    accepted = pipeline.post(topics=[{"name": "Ice"}])
    pipeline.queue.clear()

    act(pipeline, "kill", accepted.article)

    assert pipeline.status_at(ICE) == "410"


def test_a_stub_of_a_revision_that_never_became_live_is_replaced_by_its_listing(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.tick()
    accepted = pipeline.post(topics=[{"name": "Ice"}])

    def fail(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr("services.publish.handler.publication.put_page", fail)
        with pytest.raises(ZeroDivisionError):
            pipeline.run()
    assert pipeline.public.get(ICE).head.metadata["order"].strip("0") == ""
    pipeline.queue.clear()

    pipeline.post(topics=None, version_created=LATER)
    pipeline.tick()

    assert pipeline.record(accepted.article).revision
    assert pipeline.status_at(ICE) == "200"
    assert (
        pipeline.index.published_versions(pipeline.site, ["topic.ice"])["topic.ice"] > 0
    )  # the listing itself was published, with the same bytes


def test_a_day_keeps_its_parts_and_their_sitemaps_when_articles_are_withdrawn(pipeline: Pipeline) -> None:
    pipeline.tick()
    articles = [pipeline.post(source_id=str(number), headline=f"Story {number}").article for number in range(201)]
    pipeline.run()
    pipeline.tick()
    second = {"archive/2026/11/01/2/index.html", "world/2026/11/01/2/index.html", "sitemaps/2026-11-01.2.xml"}
    assert second <= {*pipeline.site_bytes()}
    assert "/sitemaps/2026-11-01.2.xml<" in pipeline.page("sitemap.xml")
    named = pipeline.page("sitemaps/2026-11-01.xml") + pipeline.page("sitemaps/2026-11-01.2.xml")
    assert all(f"-{article[:6]}/<" in named for article in articles)

    for article in [each for each in articles if each[0] >= "q"][:5]:
        pipeline.act("withdraw", article)
        pipeline.run()
    pipeline.tick()

    assert '"/world/2026/11/01/2/"' in pipeline.page("world/2026/11/01/index.html")
    assert "/sitemaps/2026-11-01.2.xml<" in pipeline.page("sitemap.xml")


def test_a_rendering_that_changes_nothing_does_not_delay_the_next(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stub's listing may be rendered before its first article is in the index; the article must not wait."""
    pipeline.post(topics=[{"name": "Ice"}])
    pipeline.run()
    pipeline.tick()
    topic = "topic.ice"
    monkeypatch.setattr("shared.index.redis._interval_ms", lambda *_: 60_000)
    pipeline.index.mark_stale(pipeline.site, topic)
    (version,) = pipeline.index.stale_versions(pipeline.site, [topic]).values()
    assert pipeline.index.acquire_leases(pipeline.site, [topic]) == [topic]

    pipeline.take([ListingsStale(**first_envelope(Lane.LIVE), site="epn", listings={topic: version})])
    pipeline.run()

    assert pipeline.index.acquire_leases(pipeline.site, [topic]) == [topic]
