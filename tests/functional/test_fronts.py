"""What leads a front: editors' pins before urgency, urgency before time; each until its time is over."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from shared import keys
from shared.pins import Pins
from tests.functional.conftest import Line


def pin(line: Line, front: str, *articles: str, until: datetime | None = None) -> None:
    """Store what the endpoint stores, and make the front stale as it does."""
    pins = Pins(articles=articles, until=until, set_by="editor", set_at=line.now)
    line.content.put(keys.front_key("epn", front), pins.model_dump_json().encode())
    line.index.touch(line.site, "home" if front == "home" else f"section.{front}")
    line.tick()


def headlines(line: Line, path: str) -> list[str]:
    """Return the headlines of a front, by rank."""
    page = line.page(path)
    return [part.split("</a>")[0].rpartition(">")[2] for part in page.split('class="card__headline"')[1:]]


def post(line: Line, name: str, hour: int, **fields: Any) -> str:
    article = line.post(
        source_id=name, headline=name, version_created=f"2026-11-01T{hour:02d}:00:00Z", **fields
    ).article
    line.tick()
    return article


def test_a_pinned_article_leads_until_its_time_is_over(line: Line) -> None:
    old = post(line, "Old and pinned", 1)
    for hour in range(2, 8):
        post(line, f"Story {hour}", hour)
    assert headlines(line, "index.html")[0] == "Story 7"

    pin(line, "home", old, until=line.now + timedelta(hours=1))

    assert headlines(line, "index.html")[0] == "Old and pinned"
    assert headlines(line, "world/index.html")[0] == "Story 7"
    line.now += timedelta(hours=2)
    line.tick()
    assert headlines(line, "index.html")[0] == "Story 7"


def test_a_pinned_article_that_is_killed_leaves_the_front(line: Line) -> None:
    old = post(line, "Pinned", 1)
    post(line, "Newer", 2)
    pin(line, "world", old)
    assert headlines(line, "world/index.html")[0] == "Pinned"

    line.post(source_id="Pinned", status="canceled", body="", version_created="2026-11-01T09:00:00Z")
    line.tick()

    assert headlines(line, "world/index.html") == ["Newer"]


def test_an_urgent_story_leads_before_a_newer_one(line: Line) -> None:
    post(line, "Urgent", 3, urgency=1)
    post(line, "Newer", 4)

    assert headlines(line, "index.html")[:2] == ["Urgent", "Newer"]


def test_a_pinned_article_that_is_not_live_is_left_out_and_leads_once_it_is(line: Line) -> None:
    post(line, "There", 1)
    coming = keys.article_id("epn", "desk", "Coming")
    pin(line, "home", coming)
    assert headlines(line, "index.html")[0] == "There"

    post(line, "Coming", 0)

    assert headlines(line, "index.html")[0] == "Coming"
