"""Work is bounded by the change: the PUTs and the Redis commands of each kind of change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared.model.card import Card
from shared.model.live_record import LiveRecord
from shared.model.slug import page_name
from shared.site import keys
from shared.site.listings import find_listing, listing_at
from tests.functional.conftest import NOON, Pipeline

EARLY, LATER, LATEST = (f"2026-11-01T{hour}:00:00Z" for hour in ("10", "11", "12"))


def puts_of(pipeline: Pipeline, change: Callable[[], object]) -> list[str]:
    """Return the paths of the PUTs that a change causes until no page is stale."""
    pipeline.tick()
    pipeline.public.puts.clear()
    change()
    pipeline.tick()
    return sorted(set(pipeline.public.puts))


def stories(pipeline: Pipeline, count: int, section: str = "world") -> list[str]:
    """Publish articles, an hour apart; return their ids."""
    articles = [
        pipeline.post(
            source_id=f"{section}-{number}",
            headline=f"{section} story {number}",
            section=section,
            version_created=f"2026-11-01T0{number}:00:00Z",
        ).article
        for number in range(count)
    ]
    pipeline.tick()
    return articles


def test_a_typo_in_the_body_rebuilds_one_page(pipeline: Pipeline) -> None:
    stories(pipeline, 5)
    accepted = pipeline.post(version_created=EARLY)

    puts = puts_of(pipeline, lambda: pipeline.post(version_created=LATER, body="<p>The ferry left at dawn.</p>"))

    assert puts == [pipeline.record(accepted.article).path]


def test_a_changed_headline_rebuilds_the_page_and_exactly_the_pages_that_show_its_card(pipeline: Pipeline) -> None:
    stories(pipeline, 5)
    stories(pipeline, 3, "sport")
    accepted = pipeline.post(version_created="2026-11-01T02:30:00Z")
    pipeline.tick()
    showing = {path for path, (body, _) in pipeline.site_bytes().items() if b"Ferry returns to Port Almina" in body}
    assert any("story-3" in path for path in showing)  # later articles link to it
    assert not any("sport" in path for path in showing)

    correction: dict[str, Any] = {"headline": "Ferry is back in Port Almina", "version_created": LATER}
    puts = puts_of(pipeline, lambda: pipeline.post(**correction))

    # The address keeps the first slug; the address with the new slug redirects to it.
    redirects = {path for path in puts if pipeline.status_at(path) == "301"}
    assert set(puts) - redirects == showing
    assert redirects == {*pipeline.record(accepted.article).claimed} - {pipeline.record(accepted.article).path}
    assert not any(b"Ferry returns to Port Almina" in body for body, _ in pipeline.site_bytes().values())


def test_an_article_enters_the_sitemaps_once_its_canonical_address_is_at_this_site(pipeline: Pipeline) -> None:
    accepted = pipeline.post(canonical_url="https://wire.example/ferry", version_created=EARLY)
    pipeline.tick()
    path = keys.url_path(pipeline.record(accepted.article).path or "")
    of_the_day = pipeline.page("sitemaps/2026-11-01.xml")
    assert path not in of_the_day + pipeline.page("sitemap-news.xml")
    assert path in pipeline.page("index.html")
    assert "/archive/2026/11/01/<" in of_the_day

    puts = puts_of(pipeline, lambda: pipeline.post(version_created=LATER))

    assert {"sitemaps/2026-11-01.xml", "sitemap-news.xml"} <= set(puts)
    assert pipeline.page("sitemaps/2026-11-01.xml").count(f"{path}<") == 1
    assert pipeline.page("sitemap-news.xml").count(f"{path}<") == 1


@pytest.mark.parametrize("status", ["canceled", "withheld"])
def test_a_removed_article_vanishes_from_every_page_that_showed_it(pipeline: Pipeline, status: str) -> None:
    stories(pipeline, 5)
    accepted = pipeline.post(version_created="2026-11-01T02:30:00Z", topics=[{"name": "Ferries"}])
    pipeline.tick()
    path = pipeline.record(accepted.article).path or ""
    named = keys.url_path(path).encode()
    showing = {each for each, (body, _) in pipeline.site_bytes().items() if named in body}

    puts = puts_of(pipeline, lambda: pipeline.post(status=status, body="", version_created=LATER))

    remaining = {each for each, (body, _) in pipeline.site_bytes().items() if named in body}
    assert remaining <= {path}
    assert set(puts) >= showing


def test_a_new_article_changes_the_fronts_and_its_day_and_no_other_day(pipeline: Pipeline) -> None:
    stories(pipeline, 4)
    pipeline.post(source_id="old", headline="An old one", version_created="2025-03-01T10:00:00Z")

    puts = puts_of(pipeline, lambda: pipeline.post(version_created=EARLY))

    assert not [path for path in puts if "2025" in path]
    assert not [path for path in puts if path.startswith("sport/")]
    assert {"index.html", "world/index.html", "archive/2026/11/01/index.html", "feed.xml"} <= set(puts)


def test_a_late_article_changes_its_own_day_and_no_front(pipeline: Pipeline) -> None:
    pipeline = Pipeline(pipeline.redis)  # the same Redis; a site with small fronts
    fronts = {"home_cards": 2, "front_cards": 2, "rail_cards": 2, "feed_items": 2, "search_cards": 2}
    small = pipeline.site.model_copy(update=fronts)
    for sites in (
        pipeline.publish_deps.sites,
        pipeline.render_deps.sites,
        pipeline.scheduler_deps.sites,
        pipeline.ingest_deps.sites,
    ):
        sites["epn"] = small  # type: ignore[index]
    pipeline.site = small
    stories(pipeline, 5)

    puts = puts_of(pipeline, lambda: pipeline.post(version_created="2025-03-01T10:00:00Z"))

    dated = {path for path in puts if "2025" in path}
    related_pages = {path for path in puts if "/world-story-" in path}  # they linked to fewer than four articles
    assert set(puts) - dated - related_pages == {
        *("archive/index.html", "world/archive/index.html", "sitemap.xml", "sitemaps/fronts.xml"),
        "_rail/2026-11-01.html",
    }
    assert all("Ferry returns" in pipeline.page(path) for path in related_pages)
    assert {"world/2025/03/01/index.html", "archive/2025/03/01/index.html", "sitemaps/2025-03-01.xml"} <= dated


def test_a_lost_message_about_a_related_article_only_delays_its_pages(pipeline: Pipeline) -> None:
    stories(pipeline, 3)
    pipeline.post(source_id="world-0", headline="Corrected", section="world", version_created=LATER)
    pipeline.run()
    pipeline.queue.clear()
    pipeline.redis.delete(*pipeline.redis.keys("*lease:*") or ["none"])

    pipeline.tick()

    assert not any(b"world story 0" in body for body, _ in pipeline.site_bytes().values())


def test_every_article_is_on_one_page_of_its_sections_calendar(pipeline: Pipeline) -> None:
    articles = stories(pipeline, 9)

    days = [
        path
        for path in pipeline.site_bytes()
        if (found := listing_at(pipeline.site, path)) and found.name.startswith("day.world")
    ]

    shown = Counter(article for path in days for article in articles if article in pipeline.page(path))
    assert shown == Counter(articles)


def load_archive(pipeline: Pipeline, count: int) -> None:
    """Load articles of many days into the index, as after years of publication."""
    records = []
    for number in range(count):
        article = keys.article_id("epn", "archive", str(number))
        created = NOON - timedelta(hours=7 * number + 30)
        path = f"world/{created:%Y/%m/%d}/story-{number}-{article[:6]}/index.html"
        topics = (f"Topic {number % 40}",)
        card = Card(
            article=article,
            path=path,
            headline=f"Story {number}",
            section="world",
            topics=topics,
            topic_pages=tuple(map(page_name, topics)),
            created_at=created,
        )
        records.append(LiveRecord(site="epn", article=article, revision="1", path=path, card=card))
    pipeline.index.load(pipeline.site, records)
    for page, number in pipeline.index.stale_versions(pipeline.site).items():
        if find_listing(pipeline.site, page):
            pipeline.index.set_published(pipeline.site, page, number)
    # Render the archive's navigation now: the first article of a day renders it again.
    pipeline.post(source_id="tomorrow", version_created="2026-11-02T10:00:00Z")
    pipeline.tick()


def costs(pipeline: Pipeline) -> dict[str, tuple[int, int]]:
    """Return the numbers of PUTs and of Redis commands by kind of change."""
    measured = {}
    article: dict[str, Any] = {"topics": [{"name": "Topic 7"}], "version_created": EARLY}
    changes: dict[str, Callable[[], object]] = {
        "publish": lambda: pipeline.post(**article),
        "correct": lambda: pipeline.post(**article | {"headline": "Corrected", "version_created": LATER}),
        "kill": lambda: pipeline.post(**article | {"status": "canceled", "body": "", "version_created": LATEST}),
    }
    for name, change in changes.items():
        pipeline.tick()
        pipeline.redis.delete(*pipeline.redis.keys("*lease:*") or ["none"])
        pipeline.public.puts.clear()
        pipeline.redis.config_resetstat()
        change()
        pipeline.run()
        calls = sum(int(each["calls"]) for each in pipeline.redis.info("commandstats").values())
        measured[name] = (len(pipeline.public.puts), calls)
    return measured


def test_a_change_costs_the_same_in_a_small_archive_and_in_a_large_one(new_pipeline: Callable[[], Pipeline]) -> None:
    found = []
    for count in (100, 10_000):
        pipeline = new_pipeline()
        pipeline.tick()
        load_archive(pipeline, count)
        found.append(costs(pipeline))

    assert {name: puts for name, (puts, _) in found[0].items()} == {name: puts for name, (puts, _) in found[1].items()}
    for name, (_, calls) in found[0].items():
        assert found[1][name][1] <= calls * 1.1, name
