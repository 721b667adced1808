"""A listing that was ever public stays public when it is empty; a topic that only killed articles named is gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from shared.listings import listing_of
from shared.messages import ListingsStale
from tests.functional.conftest import Line

EARLY, LATER, LATEST = (f"2026-11-01T{hour}:00:00Z" for hour in ("10", "11", "12"))
ICE = "topics/ice/index.html"


def post(line: Line, **fields: Any) -> str:
    article = line.post(topics=[{"name": "Ice"}], **fields).article
    line.tick()
    return article


def act(line: Line, kind: Any, article: str) -> None:
    line.act(kind, article)
    line.tick()


def lose_redis(line: Line) -> None:
    line.redis.flushall()
    line.tick()


def test_a_topic_without_articles_stays_empty_and_is_not_indexed(line: Line) -> None:
    article = post(line)

    act(line, "withdraw", article)

    assert line.status_at(ICE) == "200"
    assert 'content="noindex"' in line.page(ICE)
    assert "Ferry" not in line.page(ICE)
    assert "topics/ice" not in line.page("sitemaps/2026-11-01.xml")


def test_an_empty_topic_that_a_killed_article_named_is_gone_without_its_name(line: Line) -> None:
    article = line.post(topics=[{"name": "Mira Solen's arrest"}]).article
    line.tick()
    path = listing_of(line.site, f"topic.{line.record(article).card.topic_pages[0]}").path  # type: ignore[union-attr]
    assert line.status_at(path) == "200"

    act(line, "kill", article)

    assert line.status_at(path) == "410"
    assert "Solen" not in line.page(path)
    assert path.removesuffix("index.html") not in line.page("sitemaps/2026-11-01.xml")


@pytest.mark.parametrize("reopen", ["restore", "another article"])
def test_a_restore_or_another_article_reopens_a_topic(line: Line, reopen: str) -> None:
    article = post(line)
    act(line, "kill", article)

    if reopen == "restore":
        act(line, "restore", article)
    else:
        post(line, source_id="another", headline="Ice again")

    assert line.status_at(ICE) == "200"
    assert "Ferry" in line.page(ICE) or "Ice again" in line.page(ICE)


def test_a_topic_that_a_living_article_names_survives_a_kill(line: Line) -> None:
    killed, living = post(line), post(line, source_id="another", headline="Ice again")

    act(line, "kill", killed)

    assert line.status_at(ICE) == "200"
    act(line, "withdraw", living)
    assert line.status_at(ICE) == "410"


def test_a_killed_topic_stays_gone_although_redis_was_lost(line: Line) -> None:
    article = post(line)
    act(line, "kill", article)
    before = line.site_bytes()

    lose_redis(line)

    assert line.site_bytes() == before
    act(line, "restore", article)
    lose_redis(line)
    assert line.status_at(ICE) == "200"


def test_a_list_that_a_kill_emptied_is_not_put_back_by_what_was_read_before(line: Line) -> None:
    article = post(line)
    line.index.touch(line.site, "topic.ice")
    line.index.end_turn(line.site, "topic.ice")
    version = line.index.behind(line.site)["topic.ice"]
    stale = ListingsStale(message_id=uuid4(), site="epn", listings={"topic.ice": version})
    (late,) = line.deliver(stale)

    act(line, "kill", article)
    line.take(line.deliver(late))
    line.tick()

    assert line.status_at(ICE) == "410"


@pytest.mark.parametrize("is_ordered", [True, False])
def test_the_listings_of_a_corrected_article_are_those_of_all_its_revisions(
    new_line: Callable[[], Line], *, is_ordered: bool
) -> None:
    """The one that is published first decides nothing: what is public is a function of the revisions."""
    line = new_line()
    line.tick()
    revisions: list[dict[str, Any]] = [
        {"topics": [{"name": "Ice"}], "section": "world", "version_created": EARLY},
        {"topics": [{"name": "Snow"}], "section": "sport", "version_created": LATER},
        {"topics": [{"name": "Rain"}], "section": "sport", "version_created": LATEST},
    ]

    for revision in revisions if is_ordered else (revisions[0], *revisions[:0:-1]):
        line.post(**revision)
        if not is_ordered:
            line.queue.clear()  # only the last one is announced
    if not is_ordered:
        line.sweep()
    line.tick()

    found = {path for path in line.site_bytes() if path.startswith("topics/") or path.endswith("2026/11/01/index.html")}
    topics = {f"topics/{name}/index.html" for name in ("ice", "snow", "rain")}
    assert found == topics | {f"{each}/2026/11/01/index.html" for each in ("archive", "world", "sport")}


def test_an_article_that_was_killed_before_it_was_public_leaves_no_topic_open(line: Line) -> None:
    line.tick()
    accepted = line.post(topics=[{"name": "Ice"}])
    line.queue.clear()

    act(line, "kill", accepted.article)

    assert line.status_at(ICE) == "410"


def test_a_stub_of_a_revision_that_never_became_live_is_followed_by_its_listing(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.tick()
    accepted = line.post(topics=[{"name": "Ice"}])

    def fail(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr("services.publish.handler.publication.put_page", fail)
        with pytest.raises(ZeroDivisionError):
            line.run()
    assert line.public.get(ICE).head.metadata["order"].strip("0") == ""
    line.queue.clear()

    line.post(topics=None, version_created=LATER)
    line.tick()

    assert line.record(accepted.article).revision
    assert line.status_at(ICE) == "200"
    assert line.index.published(line.site, ["topic.ice"])["topic.ice"] > 0  # by its listing, which reads the same


def test_a_day_keeps_its_parts_and_their_sitemaps_when_articles_are_withdrawn(line: Line) -> None:
    line.tick()
    articles = [line.post(source_id=str(number), headline=f"Story {number}").article for number in range(201)]
    line.run()
    line.tick()
    second = {"archive/2026/11/01/2/index.html", "world/2026/11/01/2/index.html", "sitemaps/2026-11-01.2.xml"}
    assert second <= {*line.site_bytes()}
    assert "/sitemaps/2026-11-01.2.xml<" in line.page("sitemap.xml")
    named = line.page("sitemaps/2026-11-01.xml") + line.page("sitemaps/2026-11-01.2.xml")
    assert all(f"-{article[:6]}/<" in named for article in articles)

    for article in [each for each in articles if each[0] >= "q"][:5]:
        line.act("withdraw", article)
        line.run()
    line.tick()

    assert '"/world/2026/11/01/2/"' in line.page("world/2026/11/01/index.html")
    assert "/sitemaps/2026-11-01.2.xml<" in line.page("sitemap.xml")
