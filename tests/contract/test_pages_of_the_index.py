"""The pages that a changed card makes stale: fronts, the calendar, topics, and the pages that show it as related."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis

from shared.index import RelatedArticles
from shared.index.redis import RedisIndex
from shared.model.card import Card
from shared.model.live_record import LiveRecord, PageRecord
from shared.model.slug import page_name
from shared.site.listings import article_page, find_listing, listing_at, listing_of, permanent_listings
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
    home_cards=2,
    front_cards=2,
    rail_cards=2,
    feed_items=2,
    search_cards=2,
)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
FEEDS = {"feed.rss", "feed.atom", "feed.json"}


@pytest.fixture
def index(redis: Redis) -> RedisIndex:
    return RedisIndex(redis)


def a_card(article: str, minutes: int = 0, **fields: Any) -> Card:
    section = str(fields.get("section", "news"))
    return Card.model_validate(
        {
            "article": article,
            "path": f"{section}/{article}/index.html",
            "headline": f"About {article}",
            "section": section,
            "created_at": NOON + timedelta(minutes=minutes),
            "topic_pages": tuple(page_name(name) for name in fields.get("topics", ())),
            "author_pages": tuple(page_name(name) for name in fields.get("authors", ())),
        }
        | fields
    )


def publish(index: RedisIndex, *cards: Card, revision: str = "r1") -> set[str]:
    """Publish articles one after the other as the pipeline does; return the pages that the last one made stale."""
    stale: tuple[str, ...] = ()
    for card in cards:
        choose_related_and_publish(index, card)
        stale = index.upsert(SITE, card, revision)
    return set(stale)


def choose_related_and_publish(index: RedisIndex, card: Card) -> RelatedArticles:
    related = index.choose_related(SITE, card)
    index.set_published(SITE, article_page(card.article), related.wanted_version)
    return related


def test_a_new_article_makes_its_fronts_and_its_day_stale_and_no_other_day(index: RedisIndex) -> None:
    publish(index, a_card("a", -60 * 24), a_card("b", -5))

    stale = publish(index, a_card("c", topics=("Port Almina",), authors=("Mira Solen",)))

    assert stale == {
        *("home", "rail.latest", "recent", "sitemap.news", "section.news"),
        *FEEDS,
        *(f"{feed}.news" for feed in FEEDS),
        *("day.2026-01-01", "day.news.2026-01-01", "rail.2026-01-01", "sitemap.2026-01-01"),
        *("topic.port-almina", "author.mira-solen"),
    }


def test_the_first_article_of_a_day_makes_the_listings_of_days_stale(index: RedisIndex) -> None:
    publish(index, a_card("a"), a_card("later", 60 * 48))

    stale = publish(index, a_card("b", 60 * 24))

    assert {"archive", "archive.news", "month.2026-01", "month.news.2026-01", "sitemap", "sitemap.fronts"} <= stale
    assert "rail.2026-01-03" in stale  # it links to the day before
    assert tuple(index.read(SITE, listing_of(SITE, "archive")).days) == ("2026-01-03", "2026-01-02", "2026-01-01")
    index.remove(SITE, "b", "r2")
    assert tuple(index.read(SITE, listing_of(SITE, "archive")).days) == ("2026-01-03", "2026-01-01")


def test_a_late_article_of_an_old_day_makes_no_front_stale(index: RedisIndex) -> None:
    publish(index, *(a_card(f"a{number}", number) for number in range(3)))

    stale = publish(index, a_card("old", -60 * 24 * 300))

    assert not stale & {"home", "rail.latest", "section.news", "recent", *FEEDS}
    assert "day.news.2025-03-07" in stale


def test_a_day_of_many_articles_has_several_parts_and_each_article_is_on_one(index: RedisIndex) -> None:
    dice = random.Random(7)  # noqa: S311 - no secret
    names = ["".join(dice.choices("abcdefghijklmnopqrstuvwxyz234567", k=26)) for _ in range(700)]
    for number, name in enumerate(names):
        index.upsert(SITE, a_card(name, number % 60), "r1")
    pages = [
        index.read(SITE, listing_of(SITE, f"day.news.2026-01-01{end}")) for end in ("", *(f".{n}" for n in range(2, 9)))
    ]

    assert {page.parts for page in pages} == {8}
    shown = [card.article for page in pages for card in page.cards]
    assert sorted(shown) == sorted(names)
    assert max(len(page.cards) for page in pages) <= 200
    stale = {*index.remove(SITE, names[350], "r2")}
    for listing in ("day.news.", "day.2026", "sitemap.2026"):
        assert len({page for page in stale if page.startswith(listing)}) == 1


def test_a_day_keeps_its_parts_when_articles_leave_it(index: RedisIndex) -> None:
    names = [f"{'abcdefghijklmnopqrstuvwxyz234567'[number % 32]}{number}" for number in range(201)]
    former_memberships = ("day:2026-01-01", "sday:news:2026-01-01")
    for name in names:
        index.upsert(SITE, a_card(name), "r1", former_memberships=former_memberships)
    assert index.read(SITE, listing_of(SITE, "sitemap")).days == {"2026-01-01": 2}
    publish_stale_pages(index)

    for name in names[:150]:
        stale = index.remove(SITE, name, "r2", former_memberships=former_memberships)
        assert "sitemap" not in stale

    assert index.read(SITE, listing_of(SITE, "day.news.2026-01-01")).parts == 2
    assert index.read(SITE, listing_of(SITE, "sitemap")).days == {"2026-01-01": 2}
    restored = [
        LiveRecord(site="epn", article=name, removed_by="r2", former_memberships=former_memberships)
        for name in names[:150]
    ]
    restored += [LiveRecord(site="epn", article=each, revision="r1", card=a_card(each)) for each in names[150:]]
    index.clear(SITE)
    index.load(SITE, restored)
    assert index.read(SITE, listing_of(SITE, "day.news.2026-01-01.2")).parts == 2
    assert {"day.2026-01-01.2", "sitemap.2026-01-01.2"} <= {*index.stale_listings(SITE)}


def test_a_changed_headline_makes_only_the_pages_that_show_it_stale(index: RedisIndex) -> None:
    publish(index, a_card("old"), a_card("mid", 1), a_card("new", 2))

    stale = publish(index, a_card("old", headline="Corrected"), revision="r2")

    assert "home" not in stale
    assert {"day.news.2026-01-01", "rail.2026-01-01", article_page("mid"), article_page("new")} <= stale
    assert article_page("old") not in stale


def test_a_removed_article_leaves_the_pages_that_show_its_card(index: RedisIndex) -> None:
    publish(index, a_card("old"), a_card("new", 2))

    assert article_page("new") in index.remove(SITE, "old", "r2")

    version = index.stale_versions(SITE, [article_page("new")])[article_page("new")]
    again = index.choose_related(SITE, a_card("new", 2))
    assert (again.cards, again.wanted_version) == ((), version)
    index.set_published(SITE, article_page("new"), again.wanted_version)
    assert index.stale_versions(SITE, [article_page("new")]) == {}


def test_related_articles_share_topics_first_then_the_section_and_are_older(index: RedisIndex) -> None:
    publish(
        index,
        a_card("far", -90, topics=("Ferries",), section="world"),
        *(a_card(f"n{number}", number) for number in range(6)),
        a_card("newer", 50, topics=("Ferries",)),
    )

    related = index.choose_related(SITE, a_card("x", 10, topics=("Ferries",)))

    assert [card.article for card in related.cards] == ["far", "n5", "n4", "n3"]


@pytest.mark.parametrize("seed", range(6))
def test_related_articles_do_not_depend_on_the_order_of_arrival(index: RedisIndex, redis: Redis, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - no secret
    cards = [
        a_card(
            f"{'abcdefghijklmnopqrstuvwxyz'[number]}{number}",
            dice.randrange(12),  # some have the same time
            section=dice.choice(("news", "world")),
            topics=tuple(dice.sample(("Rail", "Sea", "Air"), dice.randrange(3))),
            keywords=tuple(dice.sample(("Almina", "Toll"), dice.randrange(2))),
        )
        for number in range(25)
    ]
    shown = []
    for _ in range(2):
        redis.flushall()
        dice.shuffle(cards)
        pages: dict[str, tuple[str, ...]] = {}
        for card in cards:
            pages[card.article] = tuple(each.article for each in choose_related_and_publish(index, card).cards)
            index.upsert(SITE, card, "r1")
        by_page = {article_page(card.article): card for card in cards}
        while stale := index.stale_articles(SITE):
            for page in stale:
                card = by_page[page]
                pages[card.article] = tuple(each.article for each in choose_related_and_publish(index, card).cards)
        shown.append(pages)

    assert shown[0] == shown[1]


def test_a_late_article_makes_only_the_pages_that_would_show_it_stale(index: RedisIndex) -> None:
    publish(index, *(a_card(f"n{number}", 10 + number) for number in range(20)))

    stale = {page for page in publish(index, a_card("late", 12, section="news")) if page.startswith("article.")}

    assert stale == {article_page(f"n{number}") for number in (2, 3, 4, 5)}  # "n2" sorts after "late"


def test_a_restored_index_finds_the_pages_that_show_an_outdated_card(index: RedisIndex) -> None:
    publish(index, a_card("old"), a_card("new", 2))
    shows = index.choose_related(SITE, a_card("new", 2)).shows
    index.clear(SITE)
    records = [
        LiveRecord(site="epn", article="new", revision="r1", card=a_card("new", 2), shows=shows),
        LiveRecord(site="epn", article="old", revision="r2", card=a_card("old", headline="Corrected")),
    ]

    index.load(SITE, records)

    assert article_page("new") in index.stale_articles(SITE)
    index.clear(SITE)
    index.load(SITE, [records[0], LiveRecord(site="epn", article="old", revision="r1", card=a_card("old"))])
    assert article_page("new") not in index.stale_articles(SITE)
    assert article_page("new") in index.remove(SITE, "old", "r2")


def test_stale_listings_and_stale_article_pages_are_separate(index: RedisIndex) -> None:
    pages = [article_page("b"), "day.2026-01-01", article_page("a"), "home"]
    for page in pages:
        index.mark_stale(SITE, page)

    assert index.stale_listings(SITE) == ["day.2026-01-01", "home"]
    assert index.stale_listings(SITE, limit=1) == ["day.2026-01-01"]
    assert index.stale_articles(SITE) == [article_page("b"), article_page("a")]
    assert index.stale_articles(SITE, limit=1) == [article_page("b")]
    assert list(index.stale_versions(SITE, pages)) == pages
    assert sorted(index.stale_versions(SITE)) == sorted(pages)


def test_news_ignores_the_lease_of_an_article_page_and_only_a_kill_that_of_a_listing(index: RedisIndex) -> None:
    pages = [article_page("a"), "home"]
    assert index.acquire_leases(SITE, pages) == pages

    assert index.acquire_leases(SITE, pages) == []
    assert index.acquire_leases(SITE, pages, is_news=True) == [article_page("a")]
    assert index.acquire_leases(SITE, pages, is_urgent=True) == pages


def test_the_page_of_a_removed_article_is_not_stale(index: RedisIndex) -> None:
    publish(index, a_card("a"))
    index.remove(SITE, "a", "r2")
    index.mark_stale(SITE, article_page("a"))

    index.remove(SITE, "a", "r2")

    assert article_page("a") not in index.stale_articles(SITE)


def test_a_changed_pinned_article_makes_the_front_stale_at_any_age(index: RedisIndex) -> None:
    publish(index, a_card("old"), *(a_card(f"n{number}", 1 + number) for number in range(4)))
    front = listing_of(SITE, "section.news")

    snapshot = index.read(SITE, front, pins=["old", "nowhere"])

    assert [card.article for card in snapshot.pins] == ["old"]
    assert "section.news" in publish(index, a_card("old", headline="Corrected"), revision="r2")
    index.read(SITE, front)
    assert "section.news" not in publish(index, a_card("old", headline="Corrected again"), revision="r3")


def test_a_listing_becomes_stale_at_its_scheduled_time(index: RedisIndex) -> None:
    index.mark_stale_at(SITE, "home", datetime.now(UTC) + timedelta(hours=1))
    assert index.mark_due_stale(SITE, datetime.now(UTC)) == ()

    index.mark_stale_at(SITE, "home", datetime.now(UTC) - timedelta(seconds=1))

    assert index.mark_due_stale(SITE, datetime.now(UTC)) == ("home",)
    assert index.mark_due_stale(SITE, datetime.now(UTC)) == ()
    assert "home" in index.stale_listings(SITE)


def test_of_several_scheduled_times_of_a_listing_the_earliest_counts(index: RedisIndex) -> None:
    now = datetime.now(UTC)
    index.mark_stale_at(SITE, "sitemap.news", now + timedelta(minutes=1))
    index.mark_stale_at(SITE, "sitemap.news", now + timedelta(minutes=9))  # of an older snapshot

    assert index.mark_due_stale(SITE, now + timedelta(minutes=2)) == ("sitemap.news",)


def test_a_changed_text_makes_feeds_stale_only_if_they_show_the_text(index: RedisIndex) -> None:
    full = SITE.model_copy(update={"feed_text": "full"})

    def texts(site: Site) -> set[str]:
        index.upsert(site, a_card("a"), "r1", text="one")
        return set(index.upsert(site, a_card("a"), "r2", text="two"))

    assert texts(SITE) == set()
    assert texts(full) == {*FEEDS, *(f"{feed}.news" for feed in FEEDS)}


@pytest.mark.parametrize(
    "name",
    [
        *permanent_listings(SITE),
        *("topic.port-almina", "author.mira-solen", "month.2026-01", "month.world.2026-01", "day.2026-01-01"),
        *("day.world.2026-01-01.12", "rail.2026-01-01", "sitemap.2026-01-01", "sitemap.2026-01-01.3"),
    ],
)
def test_each_listing_name_has_one_path_and_each_path_one_name(name: str) -> None:
    listing = listing_of(SITE, name)

    assert listing.name == name
    assert listing_at(SITE, listing.path) == listing


@pytest.mark.parametrize("path", ["world/2026/01/01/a-story-abc123/index.html", "nowhere/2026/01/index.html", "x.html"])
def test_other_paths_have_no_listing(path: str) -> None:
    assert listing_at(SITE, path) is None


@pytest.mark.parametrize(
    "name", ["section.nowhere", "day.nowhere.2026-01-01", "day.2026-01", "month.2026-01-01", "day.2026-01-01.1", "x"]
)
def test_an_unknown_name_has_no_listing(name: str) -> None:
    assert find_listing(SITE, name) is None


def test_a_records_text_is_the_digest_of_its_page() -> None:
    page = PageRecord(order="1", sha256="d1", etag="e")
    record = LiveRecord(site="epn", article="a", path="p", pages={"p": page})

    assert record.text == "d1"
    assert LiveRecord(site="epn", article="a").text == ""


def publish_stale_pages(index: RedisIndex, *pages: str) -> None:
    """Publish the stale pages among these, or all stale pages, in their present state."""
    for page, version in index.stale_versions(SITE, pages or None).items():
        index.set_published(SITE, page, version)


def test_a_day_that_became_empty_leaves_its_month(index: RedisIndex) -> None:
    publish(index, a_card("a"), a_card("b", -60 * 24 * 2))
    publish_stale_pages(index)

    stale = index.remove(SITE, "a", "r2")

    assert {"day.news.2026-01-01", "month.news.2026-01", "archive.news", "rail.2026-01-01"} <= {*stale}
    assert index.read(SITE, listing_of(SITE, "day.news.2026-01-01")).cards == ()
    assert not index.read(SITE, listing_of(SITE, "month.news.2026-01")).days


def test_the_listings_of_all_released_revisions_become_stale_once(index: RedisIndex) -> None:
    card, former = a_card("a"), ("topic:ice", "day:2025-12-31", "sday:world:2025-12-31")

    stale = {*index.upsert(SITE, card, "r2", former_memberships=former)}

    named = {"topic.ice", "day.2025-12-31", "day.world.2025-12-31", "sitemap.2025-12-31", "month.world.2025-12"}
    assert named <= stale
    publish_stale_pages(index)
    assert not named & {
        *index.upsert(SITE, card.model_copy(update={"headline": "Corrected"}), "r3", former_memberships=former)
    }
    assert not index.read(SITE, listing_of(SITE, "topic.ice")).cards
    assert "2025-12-31" not in index.read(SITE, listing_of(SITE, "archive")).days


def test_an_empty_topic_of_a_killed_article_is_closed_until_another_article_names_it(index: RedisIndex) -> None:
    topic = listing_of(SITE, "topic.ice")
    for name in ("a", "b"):
        publish(index, a_card(name, topics=("Ice",)))
    index.remove(SITE, "a", "r2", former_memberships=("topic:ice",), is_killed=True)
    assert not index.read(SITE, topic).is_killed  # another article names it

    index.remove(SITE, "b", "r2", former_memberships=("topic:ice",))
    publish_stale_pages(index)

    assert index.read(SITE, topic).is_killed
    assert topic.name in index.upsert(SITE, a_card("c", topics=("Ice",)), "r1")
    assert not index.read(SITE, topic).is_killed
    index.remove(SITE, "c", "r2", former_memberships=("topic:ice",))
    assert index.read(SITE, topic).is_killed


def test_a_restore_reopens_the_topic_of_a_killed_article_even_if_it_names_another_now(index: RedisIndex) -> None:
    topic = listing_of(SITE, "topic.ice")
    index.remove(SITE, "a", "r2", former_memberships=("topic:ice",), is_killed=True)
    publish_stale_pages(index)

    stale = index.upsert(SITE, a_card("a", topics=("Snow",)), "r3", former_memberships=("topic:ice", "topic:snow"))

    assert topic.name in stale
    assert not index.read(SITE, topic).is_killed


def test_a_withdrawal_that_becomes_a_kill_closes_the_topic(index: RedisIndex) -> None:
    publish(index, a_card("a", topics=("Ice",)))
    index.remove(SITE, "a", "r2", former_memberships=("topic:ice",))
    publish_stale_pages(index)
    assert not index.read(SITE, listing_of(SITE, "topic.ice")).is_killed

    assert "topic.ice" in index.remove(SITE, "a", "r3", former_memberships=("topic:ice",), is_killed=True)
    assert index.read(SITE, listing_of(SITE, "topic.ice")).is_killed


def test_a_restored_index_finds_empty_and_closed_listings(index: RedisIndex) -> None:
    former_memberships = ("topic:ice", "day:2026-01-01", "sday:news:2026-01-01")
    killed = LiveRecord(site="epn", article="a", removed_by="r2", is_killed=True, former_memberships=former_memberships)
    withdrawn = LiveRecord(site="epn", article="b", removed_by="r2", former_memberships=("topic:snow",))

    index.load(SITE, [killed, withdrawn])

    assert {"topic.ice", "topic.snow", "day.2026-01-01", "day.news.2026-01-01"} <= {*index.stale_listings(SITE)}
    assert index.read(SITE, listing_of(SITE, "topic.ice")).is_killed
    assert not index.read(SITE, listing_of(SITE, "topic.snow")).is_killed


def test_a_linked_listing_is_missing_only_until_it_was_published(index: RedisIndex) -> None:
    publish(index, a_card("a", topics=("Port Almina",), authors=("Mira Solen",)))
    card = a_card("b", topics=("Port Almina",), authors=("Mira Solen",))
    assert index.choose_related(SITE, card).missing == ("topic.port-almina", "author.mira-solen")

    index.mark_stale(SITE, "topic.port-almina")
    index.set_published(SITE, "topic.port-almina", 0)  # a stub
    assert index.choose_related(SITE, card).missing == ("author.mira-solen",)
    assert "topic.port-almina" in index.stale_listings(SITE)

    publish_stale_pages(index)
    assert index.choose_related(SITE, card).missing == ()


def test_an_article_leaves_memberships_that_its_caller_did_not_pass(index: RedisIndex) -> None:
    """With another site setting, a card of the same article had other memberships."""
    elsewhere = SITE.model_copy(update={"zone": "Asia/Tokyo"})
    index.upsert(elsewhere, a_card("a", 60 * 5), "r1")
    assert index.read(SITE, listing_of(SITE, "day.2026-01-02")).cards
    publish_stale_pages(index)

    stale = index.upsert(SITE, a_card("a", 60 * 5, headline="Corrected"), "r2")

    assert {"day.2026-01-02", "day.2026-01-01"} <= {*stale}
    assert not index.read(SITE, listing_of(SITE, "day.2026-01-02")).cards


def test_a_page_rendered_while_the_index_was_incomplete_is_stale_once_it_is_indexed(index: RedisIndex) -> None:
    record = LiveRecord(site="epn", article="a", revision="r1", card=a_card("a"), lacks_related=True)

    index.load(SITE, [record], is_restored=False)

    assert index.stale_articles(SITE) == [article_page("a")]
