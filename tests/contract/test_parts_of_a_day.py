"""A day's sitemap tells how a day is split from its count alone; the index splits it in Lua. Both are to agree."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from redis import Redis

from shared.card import Card
from shared.index.redis import RedisIndex
from shared.listings import find_listing
from shared.sets import day_part
from shared.sites import Section, Site

SITE = Site(
    id="epn",
    name="EPN",
    tagline="t",
    base_url="http://127.0.0.1",
    zone="UTC",
    language="en",
    theme="epn",
    default_section="news",
    sections=(Section(id="news", name="News"),),
)


@pytest.mark.parametrize("count", [199, 200, 201, 299, 301, 601])
def test_the_index_shows_an_article_on_the_page_that_the_sitemap_counts_with(redis: Redis, count: int) -> None:
    index = RedisIndex(redis)
    names = [f"{'abcdefghijklmnopqrstuvwxyz234567'[number % 32]}{number}" for number in range(count)]
    for name in names:
        card = Card(
            article=name,
            path=f"news/{name}/index.html",
            headline=name,
            section="news",
            created_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        index.enter(SITE, card, "r1")

    for part in sorted({day_part(name, count) for name in names}):
        listing = find_listing(SITE, f"day.2026-01-01{f'.{part}' if part > 1 else ''}")
        assert listing
        shown = {card.article for card in index.read(SITE, listing).cards}
        assert shown == {name for name in names if day_part(name, count) == part}
