"""The index in Redis: listings, stale pages, leases, completeness and restores."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from shared.index.redis import RedisIndex
from shared.model.article import Direction
from shared.model.card import Card
from shared.model.live_record import LiveRecord
from shared.site.listings import HOME, RAIL_LATEST, listing_of
from shared.site.sites import Section, Site

SITE = Site(
    id="epn",
    name="EPN",
    tagline="t",
    base_url="http://127.0.0.1",
    zone="UTC",
    language="en",
    theme="epn",
    default_section="news",
    sections=(Section(id="news", name="News"), Section(id="world", name="World")),
    home_cards=3,
    rail_cards=2,
)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def index(redis: Redis) -> RedisIndex:
    return RedisIndex(redis)


def a_card(article: str, minutes: int = 0, headline: str = "A headline", section: str = "news") -> Card:
    return Card(
        article=article,
        path=f"{section}/{article}/index.html",
        headline=headline,
        section=section,
        direction=Direction.LTR,
        created_at=NOON + timedelta(minutes=minutes),
    )


def complete_index(index: RedisIndex) -> None:
    restore = index.begin_restore(SITE, NOON)
    assert restore is not None
    assert index.mark_complete(SITE, restore.minute, restore.token)


def headlines(index: RedisIndex, listing: str = HOME) -> list[str]:
    return [card.headline for card in index.read(SITE, listing_of(SITE, listing)).cards]


def wanted_version(index: RedisIndex, listing: str) -> int:
    return index.read(SITE, listing_of(SITE, listing)).wanted_version


def test_listings_show_the_newest_cards_first_up_to_their_limit(index: RedisIndex) -> None:
    for number in (2, 0, 3, 1):
        index.upsert(SITE, a_card(f"a{number}", number, f"Number {number}"), "r1")

    assert headlines(index) == ["Number 3", "Number 2", "Number 1"]
    assert headlines(index, RAIL_LATEST) == ["Number 3", "Number 2"]


def test_a_late_index_step_does_not_bring_an_older_card_back(index: RedisIndex) -> None:
    index.upsert(SITE, a_card("a", headline="New"), "r2")

    assert index.upsert(SITE, a_card("a", headline="Old"), "r1") == ()
    assert headlines(index) == ["New"]


def test_a_late_index_step_does_not_bring_a_removed_article_back(index: RedisIndex) -> None:
    index.upsert(SITE, a_card("a"), "r1")
    index.remove(SITE, "a", "r2")

    assert index.upsert(SITE, a_card("a"), "r1") == ()
    assert headlines(index) == []


def test_the_same_card_of_a_newer_revision_makes_no_listing_stale(index: RedisIndex) -> None:
    index.upsert(SITE, a_card("a"), "r1")
    before = wanted_version(index, HOME)

    assert index.upsert(SITE, a_card("a"), "r2") == ()
    assert wanted_version(index, HOME) == before
    assert index.revisions(SITE, ["a", "b"]) == {"a": "r2"}


def test_a_changed_section_makes_the_old_and_the_new_listings_stale(index: RedisIndex) -> None:
    index.upsert(SITE, a_card("a", section="news"), "r1")
    before = {name: wanted_version(index, name) for name in ("section.news", "section.world")}

    index.upsert(SITE, a_card("a", section="world"), "r2")

    assert all(wanted_version(index, name) > before[name] for name in before)
    assert headlines(index, "section.news") == []
    assert headlines(index, "section.world") == ["A headline"]


def test_an_article_too_old_for_a_front_makes_no_front_stale(index: RedisIndex) -> None:
    for number in range(4):
        index.upsert(SITE, a_card(f"a{number}", number), "r1")
    before = wanted_version(index, HOME)

    assert HOME not in index.upsert(SITE, a_card("old", -1), "r1")
    assert wanted_version(index, HOME) == before


def test_a_listing_is_stale_until_its_page_shows_the_last_change(index: RedisIndex) -> None:
    index.upsert(SITE, a_card("a"), "r1")
    first = wanted_version(index, HOME)
    index.upsert(SITE, a_card("b"), "r1")

    index.set_published(SITE, HOME, first)
    assert HOME in index.stale_listings(SITE)

    second = wanted_version(index, HOME)
    index.set_published(SITE, HOME, second)
    assert HOME not in index.stale_listings(SITE)

    index.set_published(SITE, HOME, first)  # a late publisher
    assert index.published_versions(SITE)[HOME] == second


def test_a_listing_is_leased_once_in_an_interval(index: RedisIndex) -> None:
    assert [index.acquire_leases(SITE, [HOME]) for _ in range(3)] == [[HOME], [], []]


def test_a_listing_keeps_its_lease_until_its_page_is_published(index: RedisIndex, redis: Redis) -> None:
    index.acquire_leases(SITE, [HOME])
    version = wanted_version(index, HOME)
    remaining_ms = redis.pttl(f"index:{SITE.id}:lease:{HOME}")
    index.set_published(SITE, HOME, version)

    assert remaining_ms > 15_000
    assert redis.pttl(f"index:{SITE.id}:lease:{HOME}") <= SITE.listing_interval_seconds * 1000


def test_an_index_is_incomplete_before_its_mark_and_after_a_flush(index: RedisIndex, redis: Redis) -> None:
    assert index.complete_until(SITE) is None
    complete_index(index)
    assert index.complete_until(SITE) == NOON
    redis.flushall()
    assert index.complete_until(SITE) is None


def test_a_completeness_mark_is_moved_but_never_made_without_a_restore(index: RedisIndex) -> None:
    assert index.mark_complete(SITE, NOON) is False

    complete_index(index)

    assert index.mark_complete(SITE, NOON + timedelta(minutes=1)) is True
    assert index.complete_until(SITE) == NOON + timedelta(minutes=1)


def test_another_redis_process_with_the_old_file_is_incomplete_and_restored_from_its_last_minute(
    index: RedisIndex, redis: Redis
) -> None:
    complete_index(index)
    redis.hset("index:epn:complete", "run_id", "another")

    assert index.complete_until(SITE) is None
    restore = index.begin_restore(SITE, NOON + timedelta(hours=1))
    assert restore is not None
    assert restore.since == NOON


def test_a_page_rendered_before_redis_was_emptied_does_not_count_as_the_later_state(
    index: RedisIndex, redis: Redis
) -> None:
    for number in range(3):
        index.upsert(SITE, a_card(f"a{number}", number), "r1")
    rendered = wanted_version(index, HOME)
    redis.flushall()
    index.upsert(SITE, a_card("b"), "r1")

    index.set_published(SITE, HOME, rendered)

    assert HOME in index.stale_listings(SITE)
    assert wanted_version(index, HOME) > index.published_versions(SITE)[HOME]


def test_a_page_rendered_before_redis_loaded_an_old_file_does_not_count_as_the_later_state(
    index: RedisIndex, redis: Redis
) -> None:
    index.upsert(SITE, a_card("a"), "r1")
    raw = Redis.from_url(_url_of(redis))
    old_file = {key: raw.dump(key) or b"" for key in raw.scan_iter()}
    for number in range(3):
        index.upsert(SITE, a_card(f"b{number}", number), "r1")
    rendered = wanted_version(index, HOME)
    redis.flushall()
    for key, value in old_file.items():
        raw.restore(key, 0, value)
    raw.close()
    index.upsert(SITE, a_card("c", 9), "r1")

    index.set_published(SITE, HOME, rendered)

    assert HOME in index.stale_listings(SITE)


def test_a_version_that_this_index_never_gave_makes_the_listing_stale(index: RedisIndex) -> None:
    index.mark_stale(SITE, HOME)
    index.set_published(SITE, HOME, wanted_version(index, HOME))

    index.set_published(SITE, HOME, 2**53 - 2)  # from a Redis whose clock was ahead

    assert HOME in index.stale_listings(SITE)


def test_versions_grow_with_redis_clock_and_by_at_least_one(index: RedisIndex, redis: Redis) -> None:
    far_version = 2**53 - 2
    redis.hset("index:epn:wanted", HOME, far_version)

    index.mark_stale(SITE, HOME)
    index.mark_stale(SITE, RAIL_LATEST)

    assert wanted_version(index, HOME) == far_version + 1
    assert far_version > wanted_version(index, RAIL_LATEST) > NOON.timestamp() * 1_000_000


def test_a_late_publisher_learns_that_a_later_version_was_published(index: RedisIndex) -> None:
    index.upsert(SITE, a_card("a"), "r1")
    first = wanted_version(index, HOME)
    index.upsert(SITE, a_card("b"), "r1")
    second = wanted_version(index, HOME)

    assert index.set_published(SITE, HOME, second) is False
    assert index.set_published(SITE, HOME, second) is False
    assert index.set_published(SITE, HOME, first) is True


def test_many_records_are_loaded_by_the_rules_of_a_single_upsert(index: RedisIndex) -> None:
    index.upsert(SITE, a_card("a", headline="New"), "r2")
    old = LiveRecord(site="epn", article="a", revision="r1", card=a_card("a", headline="Old"))
    new = LiveRecord(site="epn", article="b", revision="r1", card=a_card("b", 1, headline="Another"))
    gone = LiveRecord(site="epn", article="c", removed_by="r3")
    index.upsert(SITE, a_card("c", 2), "r2")

    index.load(SITE, [old, new, gone, LiveRecord(site="epn", article="d")])

    assert headlines(index) == ["Another", "New"]
    assert index.revisions(SITE, ["a", "b", "c", "d"]) == {"a": "r2", "b": "r1", "c": "r3"}


def test_a_restore_continues_at_its_cursor_and_only_one_scheduler_runs_it(index: RedisIndex, redis: Redis) -> None:
    begun = index.begin_restore(SITE, NOON)
    assert begun is not None
    assert index.advance_restore(SITE, replace(begun, cursor="m", done=7))
    other = RedisIndex(redis)

    assert other.begin_restore(SITE, NOON + timedelta(minutes=1)) is None
    redis.delete("index:epn:restorer")  # the first was killed, and its lease expired
    assert other.begin_restore(SITE, NOON + timedelta(minutes=1)) == replace(begun, cursor="m", done=7)


def test_a_restore_begun_in_another_redis_process_begins_anew(index: RedisIndex, redis: Redis) -> None:
    begun = index.begin_restore(SITE, NOON)
    assert begun is not None
    index.advance_restore(SITE, replace(begun, cursor="m", done=7))
    redis.hset("index:epn:restore", "run_id", "another")

    again = index.begin_restore(SITE, NOON + timedelta(minutes=1))

    assert again is not None
    assert (again.cursor, again.done, again.minute) == ("", 0, NOON + timedelta(minutes=1))
    assert not index.advance_restore(SITE, begun)
    assert not index.mark_complete(SITE, NOON, begun.token)


def test_a_cleared_index_is_as_empty_as_a_lost_one(index: RedisIndex, redis: Redis) -> None:
    index.upsert(SITE, a_card("a"), "r1")
    index.set_published(SITE, HOME, wanted_version(index, HOME))
    complete_index(index)

    index.clear(SITE)

    assert index.complete_until(SITE) is None
    assert list(redis.scan_iter("index:epn:*")) == []


def _url_of(redis: Redis) -> str:
    options = redis.connection_pool.connection_kwargs
    return f"redis://{options['host']}:{options['port']}/{options['db']}"
