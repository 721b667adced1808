"""A dry run of a change of the index names the pages that the change then makes stale, and writes nothing."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from redis import Redis

from shared.index import Index
from shared.index.dry_run import DryRunIndex
from shared.index.redis import RedisIndex
from shared.model.card import Card
from shared.site.memberships import own_memberships
from tests.contract.test_pages_of_the_index import SITE, a_card

CHANGES = 80
"""In one random history."""

Change = Callable[[Index], tuple[str, ...]]


def values(redis: Redis) -> dict[str, object]:
    """Return the value of each key, in a form without the order of hash tables."""
    read: dict[str, Callable[[str], object]] = {
        "hash": redis.hgetall,
        "set": redis.smembers,
        "zset": lambda key: redis.zrange(key, 0, -1, withscores=True),
        "string": redis.get,
    }
    return {key: read[str(redis.type(key))](key) for key in map(str, redis.keys("*"))}


def check(change: Change, redis: Redis) -> set[str]:
    """Check that the dry run of a change returns the pages of the change itself; make the change."""
    dry, real = DryRunIndex(redis, lambda _: None), RedisIndex(redis)
    before = values(redis)

    expected = set(change(dry))

    assert values(redis) == before
    stale = set(change(real))
    assert expected == stale
    return stale


@pytest.mark.parametrize("seed", range(5))
def test_a_dry_run_names_the_same_pages_as_the_change_in_any_history(redis: Redis, seed: int) -> None:
    chance, seen = random.Random(seed), set[str]()  # noqa: S311 -- a random test, no secret
    known: dict[str, set[str]] = {}
    for number in range(CHANGES):
        article = f"{chance.choice('abcdefgh234567')}{chance.randrange(3)}"
        revision, former = f"{number:05}", known.setdefault(article, set())
        if chance.random() < 0.25:
            is_killed = chance.random() < 0.5
            seen |= check(_removal(article, revision, {*former}, is_killed=is_killed), redis)
            continue
        card = a_card(
            article,
            minutes=chance.choice((0, 1, 2, 3, 60, 1440, 2880, -1440)),
            section=chance.choice(("news", "world")),
            topics=chance.sample(("Ferries", "Rain", "Bread"), chance.randrange(3)),
            authors=chance.sample(("Ana Vell", "Bo Tarn"), chance.randrange(2)),
            headline=chance.choice(("One", "Two")),
        )
        if chance.random() < 0.9:
            RedisIndex(redis).choose_related(SITE, card)
        former |= {*own_memberships(SITE, card)}
        seen |= check(_upsert(card, revision, {*former}), redis)
    assert {"home", "section.world", "topic.rain"} <= seen
    assert any(page.startswith("article.") for page in seen)
    assert any(page.startswith("day.") for page in seen)


def test_a_dry_run_knows_the_parts_of_a_long_day(redis: Redis) -> None:
    index = RedisIndex(redis)
    for number in range(200):
        index.upsert(SITE, a_card(f"{'abcdefghijklmnopqrstuvwxyz234567'[number % 32]}{number}", number), "r1")

    more = check(_upsert(a_card("one-more"), "r1", set()), redis)
    less = check(_removal("one-more", "r2", set(), is_killed=False), redis)

    for stale in (more, less):
        assert {"day.2026-01-01", "day.2026-01-01.2", "sitemap.2026-01-01.2", "month.2026-01"} <= stale


def test_an_article_of_an_old_day_changes_no_front(redis: Redis) -> None:
    index = RedisIndex(redis)
    for number in range(3):
        index.upsert(SITE, a_card(f"a{number}", number), "r1")

    stale = check(_upsert(a_card("b", minutes=-100_000), "r1", set()), redis)

    assert "home" not in stale
    assert any(page.startswith("day.") for page in stale)


def _upsert(card: Card, revision: str, former: set[str]) -> Change:
    return lambda index: index.upsert(SITE, card, revision, former_memberships=sorted(former))


def _removal(article: str, revision: str, former: set[str], *, is_killed: bool) -> Change:
    return lambda index: index.remove(SITE, article, revision, former_memberships=sorted(former), is_killed=is_killed)
