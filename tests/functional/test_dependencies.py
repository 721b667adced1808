"""Work is bounded by the change: which PUTs, and how many calls of Redis, each kind of change costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared import keys
from shared.card import Card
from shared.listings import find_listing, listing_at
from shared.live import LiveRecord
from shared.slug import page_name
from tests.functional.conftest import NOON, Line

EARLY, LATER, LATEST = (f"2026-11-01T{hour}:00:00Z" for hour in ("10", "11", "12"))


def puts_of(line: Line, change: Callable[[], object]) -> list[str]:
    """Return the paths that a change leads to a PUT at, once everything is quiet again."""
    line.tick()
    line.public.puts.clear()
    change()
    line.tick()
    return sorted(set(line.public.puts))


def stories(line: Line, count: int, section: str = "world") -> list[str]:
    """Publish some stories, an hour apart."""
    made = [
        line.post(
            source_id=f"{section}-{number}",
            headline=f"{section} story {number}",
            section=section,
            version_created=f"2026-11-01T0{number}:00:00Z",
        ).article
        for number in range(count)
    ]
    line.tick()
    return made


def test_a_typo_in_the_body_rebuilds_one_page(line: Line) -> None:
    stories(line, 5)
    accepted = line.post(version_created=EARLY)

    puts = puts_of(line, lambda: line.post(version_created=LATER, body="<p>The ferry left at dawn.</p>"))

    assert puts == [line.record(accepted.article).path]


def test_a_changed_headline_rebuilds_the_page_and_exactly_the_pages_that_show_its_card(line: Line) -> None:
    stories(line, 5)
    stories(line, 3, "sport")
    accepted = line.post(version_created="2026-11-01T02:30:00Z")
    line.tick()
    showing = {path for path, (body, _) in line.site_bytes().items() if b"Ferry returns to Port Almina" in body}
    assert any("story-3" in path for path in showing)  # the stories after it lead on to it
    assert not any("sport" in path for path in showing)

    mended: dict[str, Any] = {"headline": "Ferry is back in Port Almina", "version_created": LATER}
    puts = puts_of(line, lambda: line.post(**mended))

    # It moved nowhere, for its first name stays in its address; what the new one would have made of it leads there.
    redirects = {path for path in puts if line.status_at(path) == "301"}
    assert set(puts) - redirects == showing
    assert redirects == {*line.record(accepted.article).claimed} - {line.record(accepted.article).path}
    assert not any(b"Ferry returns to Port Almina" in body for body, _ in line.site_bytes().values())


def test_an_article_is_in_the_sitemaps_from_when_it_lives_here(line: Line) -> None:
    accepted = line.post(canonical_url="https://wire.example/ferry", version_created=EARLY)
    line.tick()
    path = keys.url_path(line.record(accepted.article).path or "")
    of_the_day = line.page("sitemaps/2026-11-01.xml")
    assert path not in of_the_day + line.page("sitemap-news.xml")
    assert path in line.page("index.html")
    assert "/archive/2026/11/01/<" in of_the_day

    puts = puts_of(line, lambda: line.post(version_created=LATER))

    assert {"sitemaps/2026-11-01.xml", "sitemap-news.xml"} <= set(puts)
    assert line.page("sitemaps/2026-11-01.xml").count(f"{path}<") == 1
    assert line.page("sitemap-news.xml").count(f"{path}<") == 1


@pytest.mark.parametrize("status", ["canceled", "withheld"])
def test_a_removed_article_vanishes_from_every_page_that_showed_it(line: Line, status: str) -> None:
    stories(line, 5)
    accepted = line.post(version_created="2026-11-01T02:30:00Z", topics=[{"name": "Ferries"}])
    line.tick()
    path = line.record(accepted.article).path or ""
    named = keys.url_path(path).encode()
    showing = {each for each, (body, _) in line.site_bytes().items() if named in body}

    puts = puts_of(line, lambda: line.post(status=status, body="", version_created=LATER))

    left = {each for each, (body, _) in line.site_bytes().items() if named in body}
    assert left <= {path}
    assert set(puts) >= showing


def test_a_new_article_touches_the_fronts_and_its_day_and_no_other_day(line: Line) -> None:
    stories(line, 4)
    line.post(source_id="old", headline="An old one", version_created="2025-03-01T10:00:00Z")

    puts = puts_of(line, lambda: line.post(version_created=EARLY))

    assert not [path for path in puts if "2025" in path]
    assert not [path for path in puts if path.startswith("sport/")]
    assert {"index.html", "world/index.html", "archive/2026/11/01/index.html", "feed.xml"} <= set(puts)


def test_a_late_article_touches_its_own_day_and_no_front(line: Line) -> None:
    line = Line(line.redis)  # the same Redis, a site with small fronts
    fronts = {"home_cards": 2, "front_cards": 2, "rail_cards": 2, "feed_items": 2, "search_cards": 2}
    small = line.site.model_copy(update=fronts)
    for sites in (line.publisher.sites, line.renderer.sites, line.clockwork.sites, line.intake.sites):
        sites["epn"] = small  # type: ignore[index]
    line.site = small
    stories(line, 5)

    puts = puts_of(line, lambda: line.post(version_created="2025-03-01T10:00:00Z"))

    dated = {path for path in puts if "2025" in path}
    leading_on = {path for path in puts if "/world-story-" in path}  # they had fewer than four to lead on to
    assert set(puts) - dated - leading_on == {
        *("archive/index.html", "world/archive/index.html", "sitemap.xml", "sitemaps/fronts.xml"),
        "_rail/2026-11-01.html",
    }
    assert all("Ferry returns" in line.page(path) for path in leading_on)
    assert {"world/2025/03/01/index.html", "archive/2025/03/01/index.html", "sitemaps/2025-03-01.xml"} <= dated


def test_a_lost_message_about_a_neighbour_only_delays(line: Line) -> None:
    stories(line, 3)
    line.post(source_id="world-0", headline="Mended", section="world", version_created=LATER)
    line.run()
    line.queue.clear()
    line.redis.delete(*line.redis.keys("*turn:*") or ["none"])

    line.tick()

    assert not any(b"world story 0" in body for body, _ in line.site_bytes().values())


def test_every_article_stands_on_one_page_of_its_sections_calendar(line: Line) -> None:
    made = stories(line, 9)

    days = [
        path
        for path in line.site_bytes()
        if (found := listing_at(line.site, path)) and found.name.startswith("day.world")
    ]

    shown = Counter(article for path in days for article in made if article in line.page(path))
    assert shown == Counter(made)


def archive(line: Line, count: int) -> None:
    """Let the index know of many articles of many days, as it would after years."""
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
    line.index.take_in(line.site, records)
    for page, number in line.index.behind(line.site).items():
        if find_listing(line.site, page):
            line.index.set_published(line.site, page, number)
    # The ways into the archive were rendered before: with the first story of a day they are again.
    line.post(source_id="tomorrow", version_created="2026-11-02T10:00:00Z")
    line.tick()


def costs(line: Line) -> dict[str, tuple[int, int]]:
    """Return, of each kind of change, how many PUTs and how many calls of Redis it led to."""
    measured = {}
    article: dict[str, Any] = {"topics": [{"name": "Topic 7"}], "version_created": EARLY}
    changes: dict[str, Callable[[], object]] = {
        "publish": lambda: line.post(**article),
        "correct": lambda: line.post(**article | {"headline": "Mended", "version_created": LATER}),
        "kill": lambda: line.post(**article | {"status": "canceled", "body": "", "version_created": LATEST}),
    }
    for name, change in changes.items():
        line.tick()
        line.redis.delete(*line.redis.keys("*turn:*") or ["none"])
        line.public.puts.clear()
        line.redis.config_resetstat()
        change()
        line.run()
        calls = sum(int(each["calls"]) for each in line.redis.info("commandstats").values())
        measured[name] = (len(line.public.puts), calls)
    return measured


def test_a_change_costs_the_same_in_a_small_archive_and_in_a_large_one(new_line: Callable[[], Line]) -> None:
    found = []
    for count in (100, 10_000):
        line = new_line()
        line.tick()
        archive(line, count)
        found.append(costs(line))

    assert {name: puts for name, (puts, _) in found[0].items()} == {name: puts for name, (puts, _) in found[1].items()}
    for name, (_, calls) in found[0].items():
        assert found[1][name][1] <= calls * 1.1, name
