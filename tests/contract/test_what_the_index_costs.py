"""The cost of an article in Redis: the same commands for any number of articles, and little memory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis
from rich.console import Console

from shared.index.redis import RedisIndex
from shared.model.live_record import read_record
from shared.runtime.settings import ServiceSettings
from shared.site.listings import HOME, listing_of
from shared.site.sites import Site, load_sites
from shared.storage.s3 import S3ObjectStorage
from tests.bench.archive import record_of, stories
from tests.bench.synthetic import Filler, write_sites
from tests.conftest import ROOT

SITE: Site = load_sites(ROOT / "infra" / "sites")["epn"]
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
ARTICLES_PER_DAY = 60
FEW_ARTICLES, MANY_ARTICLES = ARTICLES_PER_DAY, 20 * ARTICLES_PER_DAY
MAX_BYTES_PER_ARTICLE = 1_825  # 1.9 KB at 100,000 articles, where sets of words and authors lose their compact form


def fill(index: RedisIndex, number: int) -> None:
    for story in stories(SITE, number, newest=NOW, articles_per_day=ARTICLES_PER_DAY):
        record = record_of(story, SITE)
        assert record.card is not None
        assert record.revision is not None
        index.choose_related(SITE, record.card)
        index.upsert(SITE, record.card, record.revision)


def commands(redis: Redis, action: Callable[[], object]) -> dict[str, int]:
    """Return the number of calls of each command, inside scripts too."""
    redis.config_resetstat()
    action()
    return {name: each["calls"] for name, each in redis.info("commandstats").items() if "config" not in name}


@pytest.fixture
def index(redis: Redis) -> RedisIndex:
    index = RedisIndex(redis)
    fill(index, 1)  # loads the scripts
    index.read(SITE, listing_of(SITE, HOME))
    index.clear(SITE)
    return index


def test_publishing_correcting_and_removing_take_the_same_commands_for_any_number_of_articles(
    index: RedisIndex, redis: Redis
) -> None:
    def cost(number: int) -> list[dict[str, int]]:
        index.clear(SITE)
        fill(index, number)
        newest = record_of(next(stories(SITE, 1, newest=NOW, articles_per_day=ARTICLES_PER_DAY)), SITE).card
        assert newest is not None
        card = newest.model_copy(update={"article": "a" * 26, "created_at": NOW.replace(hour=13)})
        corrected = card.model_copy(update={"headline": "Corrected"})
        return [
            commands(redis, lambda: index.choose_related(SITE, card)),
            commands(redis, lambda: index.upsert(SITE, card, "r1")),
            commands(redis, lambda: index.upsert(SITE, corrected, "r2")),
            commands(redis, lambda: index.read(SITE, listing_of(SITE, HOME))),
            commands(redis, lambda: index.read(SITE, listing_of(SITE, "day.2026-01-31"))),
            commands(redis, lambda: index.remove(SITE, card.article, "r3")),
        ]

    assert cost(MANY_ARTICLES) == cost(FEW_ARTICLES)


def test_an_article_takes_less_than_two_kilobytes(index: RedisIndex, redis: Redis) -> None:
    before = redis.info("memory")["used_memory"]

    fill(index, MANY_ARTICLES)

    assert (redis.info("memory")["used_memory"] - before) / MANY_ARTICLES < MAX_BYTES_PER_ARTICLE


def test_a_site_of_the_bench_is_in_the_state_that_publishing_would_give(
    tmp_path: Path, redis: Redis, redis_url: str, store_settings: ServiceSettings
) -> None:
    write_sites(tmp_path / "sites", ["one"])
    site = load_sites(tmp_path / "sites", "http://127.0.0.1")["one"]
    settings = store_settings.model_copy(update={"redis_url": redis_url})

    filled = Filler(settings, Console(quiet=True)).fill(site, 12)

    index, content = RedisIndex(redis), S3ObjectStorage(settings, settings.content_bucket)
    assert filled.articles == 12
    assert index.complete_until(site) is not None
    shown = [card.article for card in index.read(site, listing_of(site, "recent")).cards]
    assert len(shown) == 12
    newest, _ = read_record(content, site.id, shown[0])
    assert set(newest.shows) <= set(shown[1:])
    assert newest.shows
