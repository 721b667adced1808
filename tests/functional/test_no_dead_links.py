"""Every link leads to a page at every moment: articles are put before listings, and removed after them."""

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


def dead_links(pipeline: Pipeline, *, is_410_allowed: bool = False) -> dict[str, str]:
    """Return, by page, a link to a missing page, or to a 410 page unless `is_410_allowed`.

    Permanent listings may not be published yet.
    """
    site = pipeline.site_bytes()
    allowed = ("200", "301", "410") if is_410_allowed else ("200", "301")
    present = {path for path, (_, status) in site.items() if status in allowed}
    present |= {listing.path for listing in permanent_listings(pipeline.site).values()}
    pages = {path: body for path, (body, status) in site.items() if path.endswith(".html") and status == "200"}
    return {path: link for path, body in pages.items() for link in links_of(body) if link not in present}


@cache
def links_of(body: bytes) -> frozenset[str]:
    """Return the keys of the site's pages to which a page links."""
    paths = (link.removeprefix("/") for link in LINK.findall(body.decode()))
    return frozenset(f"{path}index.html" if path.endswith("/") or not path else path for path in paths)


def deliver_in_any_order(
    pipeline: Pipeline, rng: random.Random, pending: list[Callable[[], None]], *, is_overlapping: bool
) -> int:
    """Deliver in any order and make the changes; check the links after every delivery; return the number of deliveries.

    A change comes once no message is queued; if `is_overlapping`, also earlier.
    """
    quiet_rounds, deliveries = 0, 0
    while pipeline.queue or quiet_rounds < 8 or pending:
        if pending and rng.random() < ((0.03 if is_overlapping else 0) if pipeline.queue else 0.4):
            pending.pop(0)()
        if not pipeline.queue:
            quiet_rounds += 1
            pipeline.queue.extend(emit_stale_pages(pipeline.site, pipeline.scheduler_deps))
            continue
        message = pipeline.queue.pop(rng.randrange(len(pipeline.queue)))
        try:
            pipeline.queue.extend(pipeline.deliver(message))
        except RetryableError:  # a withdrawal waits for the listings and is retried
            pipeline.now += timedelta(milliseconds=1)
            pipeline.queue.append(message)
            pipeline.queue.extend(emit_stale_pages(pipeline.site, pipeline.scheduler_deps))
        deliveries += 1
        assert dead_links(pipeline, is_410_allowed=is_overlapping) == {}, message
    pipeline.tick()
    return deliveries


def post(pipeline: Pipeline, rng: random.Random, number: int, **fields: Any) -> None:
    """Post a revision with random topics, authors and section."""
    topics = [{"name": name} for name in rng.sample(TOPICS, rng.randrange(3))]
    authors = [{"name": name} for name in rng.sample(AUTHORS, rng.randrange(2))]
    story: dict[str, Any] = {"topics": topics, "authors": authors, "section": rng.choice(("world", "sport"))}
    pipeline.post(source_id=f"s{number}", **story | fields)


def post_stories(pipeline: Pipeline, rng: random.Random, count: int) -> None:
    """Post articles of several days."""
    pipeline.tick()
    for number in range(count):
        stamp = f"{rng.choice(DAYS)}T10:{number:02d}:00Z"
        post(pipeline, rng, number, headline=f"Story {number}", version_created=stamp)


def planned_changes(
    pipeline: Pipeline, rng: random.Random, *, corrected: list[int], withdrawn: list[int]
) -> list[Callable[[], None]]:
    """Return corrections and withdrawals as calls, in order."""
    stamps = (f"2026-11-01T11:{minute:02d}:00Z" for minute in range(60))
    corrections: list[tuple[int, dict[str, Any]]] = [
        (number, {"headline": f"Corrected {number}"}) for number in corrected
    ]
    withdrawals: list[tuple[int, dict[str, Any]]] = [
        (number, {"status": "withheld", "body": ""}) for number in withdrawn
    ]
    return [
        partial(post, pipeline, rng, number, version_created=next(stamps), **fields)
        for number, fields in (*corrections, *withdrawals)
    ]


@pytest.mark.parametrize("seed", range(4))
def test_no_page_ever_links_to_a_missing_or_withdrawn_page(pipeline: Pipeline, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - no secret
    post_stories(pipeline, rng, 8)

    deliveries = deliver_in_any_order(
        pipeline, rng, planned_changes(pipeline, rng, corrected=[], withdrawn=[*range(5)]), is_overlapping=False
    )

    assert deliveries > 100
    assert sum(status == "410" for _, status in pipeline.site_bytes().values()) >= 5


@pytest.mark.parametrize("seed", range(4))
def test_overlapping_changes_leave_no_link_to_a_missing_page(pipeline: Pipeline, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - no secret
    post_stories(pipeline, rng, 6)
    corrected, withdrawn = rng.sample(range(6), 5), rng.sample(range(6), 5)

    deliveries = deliver_in_any_order(
        pipeline, rng, planned_changes(pipeline, rng, corrected=corrected, withdrawn=withdrawn), is_overlapping=True
    )

    assert deliveries > 100


@pytest.mark.parametrize("seed", range(2))
def test_listings_that_became_empty_stay_and_no_page_links_to_them(pipeline: Pipeline, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - no secret
    post_stories(pipeline, rng, 4)
    deliver_in_any_order(
        pipeline,
        rng,
        planned_changes(pipeline, rng, corrected=[0, 1, 2, 3], withdrawn=[0, 1, 2, 3]),
        is_overlapping=True,
    )

    site = pipeline.site_bytes()
    permanent = {each.path for each in permanent_listings(pipeline.site).values()}
    empty = {path for path in site if path not in permanent and listing_at(pipeline.site, path)}

    assert any(path.startswith("topics/") for path in empty)
    assert any(path.startswith("archive/20") for path in empty)
    assert {status for path, (_, status) in site.items() if path in empty} == {"200"}
    assert all(b'content="noindex"' in site[path][0] for path in empty if not path.startswith(("_rail", "sitemaps")))
    dated = {path.removesuffix("index.html") for path in empty}
    links = {
        link.removesuffix("index.html")
        for path in permanent
        if path.endswith(".html")
        for link in links_of(site[path][0])
    }
    assert not dated & links
    named = pipeline.page("sitemap.xml") + pipeline.page("sitemaps/fronts.xml")
    assert not [path for path in dated if f"/{path}<" in named]
