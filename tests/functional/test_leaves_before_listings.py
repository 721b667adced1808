"""A reader who follows any link at any moment finds a page: leaves before listings, and the other way round."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from datetime import timedelta
from functools import cache, partial
from typing import Any

import pytest

from services.scheduler.handler import emit_stale_pages
from shared.runtime.errors import RetryableError
from shared.site.listings import listing_at, permanent_listings
from tests.functional.conftest import Pipeline

LINK = re.compile(r'(?:href|data-more)="(/[^"#?]*)')
TOPICS, AUTHORS = ("Ferries", "Harbours", "Tides"), ("Asha Rao", "Ben Okri")
DAYS = ("2026-11-01", "2026-10-31", "2025-03-02")


def dead_links(pipeline: Pipeline, *, may_be_gone: bool = False) -> dict[str, str]:
    """Return, by page, a link to what is not there, or was withdrawn unless that `may_be_gone`.

    What a site always has may still be on its way.
    """
    site = pipeline.site_bytes()
    fine = ("200", "301", "410") if may_be_gone else ("200", "301")
    there = {path for path, (_, status) in site.items() if status in fine}
    there |= {listing.path for listing in permanent_listings(pipeline.site).values()}
    pages = {path: body for path, (body, status) in site.items() if path.endswith(".html") and status == "200"}
    return {path: link for path, body in pages.items() for link in links_of(body) if link not in there}


@cache
def links_of(body: bytes) -> frozenset[str]:
    """Return the keys of the pages of the site that a page leads to."""
    paths = (link.removeprefix("/") for link in LINK.findall(body.decode()))
    return frozenset(f"{path}index.html" if path.endswith("/") or not path else path for path in paths)


def settle(pipeline: Pipeline, dice: random.Random, going: list[Callable[[], None]], *, in_a_hurry: bool) -> int:
    """Deliver everything in any order, change after change, and look after every message; return how often.

    A change comes once all is quiet; in a hurry, while the last ones are still on their way.
    """
    quiet, looks = 0, 0
    while pipeline.queue or quiet < 8 or going:
        if going and dice.random() < ((0.03 if in_a_hurry else 0) if pipeline.queue else 0.4):
            going.pop(0)()
        if not pipeline.queue:
            quiet += 1
            pipeline.queue.extend(emit_stale_pages(pipeline.site, pipeline.scheduler_deps))
            continue
        message = pipeline.queue.pop(dice.randrange(len(pipeline.queue)))
        try:
            pipeline.queue.extend(pipeline.deliver(message))
        except RetryableError:  # a withdrawal waits for the lists; it asks again
            pipeline.now += timedelta(milliseconds=1)
            pipeline.queue.append(message)
            pipeline.queue.extend(emit_stale_pages(pipeline.site, pipeline.scheduler_deps))
        looks += 1
        assert dead_links(pipeline, may_be_gone=in_a_hurry) == {}, message
    pipeline.tick()
    return looks


def post(pipeline: Pipeline, dice: random.Random, number: int, **fields: Any) -> None:
    """Post a story, or what becomes of it: each time of other topics and authors, perhaps of another section."""
    topics = [{"name": name} for name in dice.sample(TOPICS, dice.randrange(3))]
    authors = [{"name": name} for name in dice.sample(AUTHORS, dice.randrange(2))]
    story: dict[str, Any] = {"topics": topics, "authors": authors, "section": dice.choice(("world", "sport"))}
    pipeline.post(source_id=f"s{number}", **story | fields)


def post_stories(pipeline: Pipeline, dice: random.Random, count: int) -> None:
    """Post some stories of several days."""
    pipeline.tick()
    for number in range(count):
        stamp = f"{dice.choice(DAYS)}T10:{number:02d}:00Z"
        post(pipeline, dice, number, headline=f"Story {number}", version_created=stamp)


def changes(
    pipeline: Pipeline, dice: random.Random, *, corrected: list[int], withdrawn: list[int]
) -> list[Callable[[], None]]:
    """Return what is to be done, one after the other."""
    stamps = (f"2026-11-01T11:{minute:02d}:00Z" for minute in range(60))
    mended: list[tuple[int, dict[str, Any]]] = [(number, {"headline": f"Mended {number}"}) for number in corrected]
    gone: list[tuple[int, dict[str, Any]]] = [(number, {"status": "withheld", "body": ""}) for number in withdrawn]
    return [
        partial(post, pipeline, dice, number, version_created=next(stamps), **fields)
        for number, fields in (*mended, *gone)
    ]


@pytest.mark.parametrize("seed", range(4))
def test_no_page_ever_links_to_a_page_that_is_not_there_or_was_withdrawn(pipeline: Pipeline, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - no secret
    post_stories(pipeline, dice, 8)

    looks = settle(pipeline, dice, changes(pipeline, dice, corrected=[], withdrawn=[*range(5)]), in_a_hurry=False)

    assert looks > 100
    assert sum(status == "410" for _, status in pipeline.site_bytes().values()) >= 5


@pytest.mark.parametrize("seed", range(4))
def test_news_in_a_hurry_leads_to_no_page_that_is_not_there(pipeline: Pipeline, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - no secret
    post_stories(pipeline, dice, 6)
    corrected, withdrawn = dice.sample(range(6), 5), dice.sample(range(6), 5)

    looks = settle(pipeline, dice, changes(pipeline, dice, corrected=corrected, withdrawn=withdrawn), in_a_hurry=True)

    assert looks > 100


@pytest.mark.parametrize("seed", range(2))
def test_listings_that_became_empty_stay_and_nothing_leads_to_them(pipeline: Pipeline, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - no secret
    post_stories(pipeline, dice, 4)
    settle(pipeline, dice, changes(pipeline, dice, corrected=[0, 1, 2, 3], withdrawn=[0, 1, 2, 3]), in_a_hurry=True)

    site = pipeline.site_bytes()
    always = {each.path for each in permanent_listings(pipeline.site).values()}
    empty = {path for path in site if path not in always and listing_at(pipeline.site, path)}

    assert any(path.startswith("topics/") for path in empty)
    assert any(path.startswith("archive/20") for path in empty)
    assert {status for path, (_, status) in site.items() if path in empty} == {"200"}
    assert all(b'content="noindex"' in site[path][0] for path in empty if not path.startswith(("_rail", "sitemaps")))
    dated = {path.removesuffix("index.html") for path in empty}
    links = {
        link.removesuffix("index.html") for path in always if path.endswith(".html") for link in links_of(site[path][0])
    }
    assert not dated & links
    named = pipeline.page("sitemap.xml") + pipeline.page("sitemaps/fronts.xml")
    assert not [path for path in dated if f"/{path}<" in named]
