"""The order of a front: pins before urgency, urgency before time, until the pin or the urgency expires."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from shared.site import keys
from shared.site.pins import Pins
from tests.functional.conftest import Pipeline


def pin(pipeline: Pipeline, front: str, *articles: str, until: datetime | None = None) -> None:
    """Store pins and mark their front stale, as the endpoint does."""
    pins = Pins(articles=articles, until=until, set_by="editor", set_at=pipeline.now)
    pipeline.content.put(keys.front_key("epn", front), pins.model_dump_json().encode())
    pipeline.index.mark_stale(pipeline.site, "home" if front == "home" else f"section.{front}")
    pipeline.tick()


def headlines(pipeline: Pipeline, path: str) -> list[str]:
    """Return the headlines of a front in their order."""
    page = pipeline.page(path)
    return [part.split("</a>")[0].rpartition(">")[2] for part in page.split('class="card__headline"')[1:]]


def post(pipeline: Pipeline, name: str, hour: int, **fields: Any) -> str:
    article = pipeline.post(
        source_id=name, headline=name, version_created=f"2026-11-01T{hour:02d}:00:00Z", **fields
    ).article
    pipeline.tick()
    return article


def test_a_pinned_article_leads_until_its_time_is_over(pipeline: Pipeline) -> None:
    old = post(pipeline, "Old and pinned", 1)
    for hour in range(2, 8):
        post(pipeline, f"Story {hour}", hour)
    assert headlines(pipeline, "index.html")[0] == "Story 7"

    pin(pipeline, "home", old, until=pipeline.now + timedelta(hours=1))

    assert headlines(pipeline, "index.html")[0] == "Old and pinned"
    assert headlines(pipeline, "world/index.html")[0] == "Story 7"
    pipeline.now += timedelta(hours=2)
    pipeline.tick()
    assert headlines(pipeline, "index.html")[0] == "Story 7"


def test_a_pinned_article_that_is_killed_leaves_the_front(pipeline: Pipeline) -> None:
    old = post(pipeline, "Pinned", 1)
    post(pipeline, "Newer", 2)
    pin(pipeline, "world", old)
    assert headlines(pipeline, "world/index.html")[0] == "Pinned"

    pipeline.post(source_id="Pinned", status="canceled", body="", version_created="2026-11-01T09:00:00Z")
    pipeline.tick()

    assert headlines(pipeline, "world/index.html") == ["Newer"]


def test_an_urgent_story_leads_before_a_newer_one(pipeline: Pipeline) -> None:
    post(pipeline, "Urgent", 3, urgency=1)
    post(pipeline, "Newer", 4)

    assert headlines(pipeline, "index.html")[:2] == ["Urgent", "Newer"]


def test_a_pinned_article_that_is_not_live_is_left_out_and_leads_once_it_is(pipeline: Pipeline) -> None:
    post(pipeline, "There", 1)
    coming = keys.article_id("epn", "desk", "Coming")
    pin(pipeline, "home", coming)
    assert headlines(pipeline, "index.html")[0] == "There"

    post(pipeline, "Coming", 0)

    assert headlines(pipeline, "index.html")[0] == "Coming"
