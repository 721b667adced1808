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


def make_whole(index: RedisIndex) -> None:
    restore = index.begin_restore(SITE, NOON)
    assert restore is not None
    assert index.mark_complete(SITE, restore.minute, restore.token)


def headlines(index: RedisIndex, listing: str = HOME) -> list[str]:
    return [card.headline for card in index.read(SITE, listing_of(SITE, listing)).cards]


def changed(index: RedisIndex, listing: str) -> int:
    return index.read(SITE, listing_of(SITE, listing)).wanted_version


def test_listings_show_the_newest_first_and_no_more_than_they_hold(index: RedisIndex) -> None:
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
    before = changed(index, HOME)

    assert index.upsert(SITE, a_card("a"), "r2") == ()
    assert changed(index, HOME) == before
    assert index.revisions(SITE, ["a", "b"]) == {"a": "r2"}


def test_a_changed_section_touches_the_old_listings_and_the_new(index: RedisIndex) -> None:
    index.upsert(SITE, a_card("a", section="news"), "r1")
    before = {name: changed(index, name) for name in ("section.news", "section.world")}

    index.upsert(SITE, a_card("a", section="world"), "r2")

    assert all(changed(index, name) > before[name] for name in before)
    assert headlines(index, "section.news") == []
    assert headlines(index, "section.world") == ["A headline"]


def test_an_article_too_old_to_be_shown_touches_no_front(index: RedisIndex) -> None:
    for number in range(4):
        index.upsert(SITE, a_card(f"a{number}", number), "r1")
    before = changed(index, HOME)

    assert HOME not in index.upsert(SITE, a_card("old", -1), "r1")
    assert changed(index, HOME) == before


def test_a_listing_is_stale_until_its_page_shows_the_last_change(index: RedisIndex) -> None:
    index.upsert(SITE, a_card("a"), "r1")
    first = changed(index, HOME)
    index.upsert(SITE, a_card("b"), "r1")

    index.set_published(SITE, HOME, first)
    assert HOME in index.stale_listings(SITE)

    second = changed(index, HOME)
    index.set_published(SITE, HOME, second)
    assert HOME not in index.stale_listings(SITE)

    index.set_published(SITE, HOME, first)  # a late publisher
    assert index.published_versions(SITE)[HOME] == second


def test_a_listing_has_one_turn_an_interval_whoever_asks(index: RedisIndex) -> None:
    assert [index.acquire_leases(SITE, [HOME]) for _ in range(3)] == [[HOME], [], []]


def test_a_listing_is_not_queued_again_while_its_page_waits_for_its_publisher(index: RedisIndex, redis: Redis) -> None:
    index.acquire_leases(SITE, [HOME])
    number = changed(index, HOME)
    left_ms = redis.pttl(f"index:{SITE.id}:lease:{HOME}")
    index.set_published(SITE, HOME, number)

    assert left_ms > 15_000
    assert redis.pttl(f"index:{SITE.id}:lease:{HOME}") <= SITE.listing_interval_seconds * 1000


def test_an_index_is_not_whole_before_it_was_marked_nor_after_a_flush(index: RedisIndex, redis: Redis) -> None:
    assert index.complete_until(SITE) is None
    make_whole(index)
    assert index.complete_until(SITE) == NOON
    redis.flushall()
    assert index.complete_until(SITE) is None


def test_a_mark_is_moved_but_never_made_without_a_restore(index: RedisIndex) -> None:
    assert index.mark_complete(SITE, NOON) is False

    make_whole(index)

    assert index.mark_complete(SITE, NOON + timedelta(minutes=1)) is True
    assert index.complete_until(SITE) == NOON + timedelta(minutes=1)


def test_another_redis_process_with_the_old_file_is_incomplete_and_restored_from_its_last_minute(
    index: RedisIndex, redis: Redis
) -> None:
    make_whole(index)
    redis.hset("index:epn:complete", "run_id", "another")

    assert index.complete_until(SITE) is None
    restore = index.begin_restore(SITE, NOON + timedelta(hours=1))
    assert restore is not None
    assert restore.since == NOON


def test_a_page_rendered_before_redis_was_emptied_does_not_pass_for_the_state_after_it(
    index: RedisIndex, redis: Redis
) -> None:
    for number in range(3):
        index.upsert(SITE, a_card(f"a{number}", number), "r1")
    rendered = changed(index, HOME)
    redis.flushall()
    index.upsert(SITE, a_card("b"), "r1")

    index.set_published(SITE, HOME, rendered)

    assert HOME in index.stale_listings(SITE)
    assert changed(index, HOME) > index.published_versions(SITE)[HOME]


def test_a_page_rendered_before_redis_went_back_to_an_old_file_does_not_pass_for_the_state_after_it(
    index: RedisIndex, redis: Redis
) -> None:
    index.upsert(SITE, a_card("a"), "r1")
    raw = Redis.from_url(_url_of(redis))
    old_file = {key: raw.dump(key) or b"" for key in raw.scan_iter()}
    for number in range(3):
        index.upsert(SITE, a_card(f"b{number}", number), "r1")
    rendered = changed(index, HOME)
    redis.flushall()
    for key, value in old_file.items():
        raw.restore(key, 0, value)
    raw.close()
    index.upsert(SITE, a_card("c", 9), "r1")

    index.set_published(SITE, HOME, rendered)

    assert HOME in index.stale_listings(SITE)


def test_a_number_that_this_index_never_gave_makes_the_listing_stale_whatever_the_clocks(index: RedisIndex) -> None:
    index.mark_stale(SITE, HOME)
    index.set_published(SITE, HOME, changed(index, HOME))

    index.set_published(SITE, HOME, 2**53 - 2)  # from a Redis whose clock was ahead

    assert HOME in index.stale_listings(SITE)


def test_numbers_rise_with_redis_clock_and_where_it_stands_still_by_one(index: RedisIndex, redis: Redis) -> None:
    far = 2**53 - 2
    redis.hset("index:epn:wanted", HOME, far)

    index.mark_stale(SITE, HOME)
    index.mark_stale(SITE, RAIL_LATEST)

    assert changed(index, HOME) == far + 1
    assert far > changed(index, RAIL_LATEST) > NOON.timestamp() * 1_000_000


def test_a_publisher_is_told_that_a_later_state_was_published_before_its_own(index: RedisIndex) -> None:
    index.upsert(SITE, a_card("a"), "r1")
    first = changed(index, HOME)
    index.upsert(SITE, a_card("b"), "r1")
    second = changed(index, HOME)

    assert index.set_published(SITE, HOME, second) is False
    assert index.set_published(SITE, HOME, second) is False
    assert index.set_published(SITE, HOME, first) is True


def test_many_records_are_taken_in_by_the_rules_of_one(index: RedisIndex) -> None:
    index.upsert(SITE, a_card("a", headline="New"), "r2")
    old = LiveRecord(site="epn", article="a", revision="r1", card=a_card("a", headline="Old"))
    new = LiveRecord(site="epn", article="b", revision="r1", card=a_card("b", 1, headline="Another"))
    gone = LiveRecord(site="epn", article="c", removed_by="r3")
    index.upsert(SITE, a_card("c", 2), "r2")

    index.load(SITE, [old, new, gone, LiveRecord(site="epn", article="d")])

    assert headlines(index) == ["Another", "New"]
    assert index.revisions(SITE, ["a", "b", "c", "d"]) == {"a": "r2", "b": "r1", "c": "r3"}


def test_a_restore_goes_on_where_it_was_and_one_scheduler_works_at_it(index: RedisIndex, redis: Redis) -> None:
    begun = index.begin_restore(SITE, NOON)
    assert begun is not None
    assert index.advance_restore(SITE, replace(begun, cursor="m", done=7))
    other = RedisIndex(redis)

    assert other.begin_restore(SITE, NOON + timedelta(minutes=1)) is None
    redis.delete("index:epn:restorer")  # the first was killed, and not heard of for some seconds
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


def test_a_forgotten_index_is_as_empty_as_a_lost_one(index: RedisIndex, redis: Redis) -> None:
    index.upsert(SITE, a_card("a"), "r1")
    index.set_published(SITE, HOME, changed(index, HOME))
    make_whole(index)

    index.clear(SITE)

    assert index.complete_until(SITE) is None
    assert list(redis.scan_iter("index:epn:*")) == []


def _url_of(redis: Redis) -> str:
    options = redis.connection_pool.connection_kwargs
    return f"redis://{options['host']}:{options['port']}/{options['db']}"
