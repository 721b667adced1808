"""Which pages a card makes stale: fronts, the calendar, topics, and the articles that lead on to it."""

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
            "topic_pages": tuple(dict.fromkeys(page_name(name) for name in fields.get("topics", ()))),
            "author_pages": tuple(dict.fromkeys(page_name(name) for name in fields.get("authors", ()))),
        }
        | fields
    )


def enter(index: RedisIndex, *cards: Card, revision: str = "r1") -> set[str]:
    """Publish articles one after the other as the line does; return what the last one made stale."""
    touched: tuple[str, ...] = ()
    for card in cards:
        relate_and_publish(index, card)
        touched = index.upsert(SITE, card, revision)
    return set(touched)


def relate_and_publish(index: RedisIndex, card: Card) -> RelatedArticles:
    related = index.choose_related(SITE, card)
    index.set_published(SITE, article_page(card.article), related.wanted_version)
    return related


def test_a_new_article_touches_its_fronts_its_day_and_nothing_of_other_days(index: RedisIndex) -> None:
    enter(index, a_card("a", -60 * 24), a_card("b", -5))

    touched = enter(index, a_card("c", topics=("Port Almina",), authors=("Mira Solen",)))

    assert touched == {
        *("home", "rail.latest", "recent", "sitemap.news", "section.news"),
        *FEEDS,
        *(f"{feed}.news" for feed in FEEDS),
        *("day.2026-01-01", "day.news.2026-01-01", "rail.2026-01-01", "sitemap.2026-01-01"),
        *("topic.port-almina", "author.mira-solen"),
    }


def test_the_first_article_of_a_day_touches_what_lists_days(index: RedisIndex) -> None:
    enter(index, a_card("a"), a_card("later", 60 * 48))

    touched = enter(index, a_card("b", 60 * 24))

    assert {"archive", "archive.news", "month.2026-01", "month.news.2026-01", "sitemap", "sitemap.fronts"} <= touched
    assert "rail.2026-01-03" in touched  # it leads on to the day before it
    assert tuple(index.read(SITE, listing_of(SITE, "archive")).days) == ("2026-01-03", "2026-01-02", "2026-01-01")
    index.remove(SITE, "b", "r2")
    assert tuple(index.read(SITE, listing_of(SITE, "archive")).days) == ("2026-01-03", "2026-01-01")


def test_an_old_article_that_is_late_touches_no_front(index: RedisIndex) -> None:
    enter(index, *(a_card(f"a{number}", number) for number in range(3)))

    touched = enter(index, a_card("old", -60 * 24 * 300))

    assert not touched & {"home", "rail.latest", "section.news", "recent", *FEEDS}
    assert "day.news.2025-03-07" in touched


def test_a_day_of_many_articles_has_several_pages_and_each_article_stands_on_one(index: RedisIndex) -> None:
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
    touched = {*index.remove(SITE, names[350], "r2")}
    for listing in ("day.news.", "day.2026", "sitemap.2026"):
        assert len({page for page in touched if page.startswith(listing)}) == 1


def test_a_day_keeps_its_parts_when_articles_leave_it(index: RedisIndex) -> None:
    names = [f"{'abcdefghijklmnopqrstuvwxyz234567'[number % 32]}{number}" for number in range(201)]
    former_memberships = ("day:2026-01-01", "sday:news:2026-01-01")
    for name in names:
        index.upsert(SITE, a_card(name), "r1", former_memberships=former_memberships)
    assert index.read(SITE, listing_of(SITE, "sitemap")).days == {"2026-01-01": 2}
    settle(index)

    for name in names[:150]:
        touched = index.remove(SITE, name, "r2", former_memberships=former_memberships)
        assert "sitemap" not in touched

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


def test_a_changed_headline_touches_only_what_shows_it(index: RedisIndex) -> None:
    enter(index, a_card("old"), a_card("mid", 1), a_card("new", 2))

    touched = enter(index, a_card("old", headline="Mended"), revision="r2")

    assert "home" not in touched
    assert {"day.news.2026-01-01", "rail.2026-01-01", article_page("mid"), article_page("new")} <= touched
    assert article_page("old") not in touched


def test_an_article_that_goes_is_taken_from_the_pages_that_lead_on_to_it(index: RedisIndex) -> None:
    enter(index, a_card("old"), a_card("new", 2))

    assert article_page("new") in index.remove(SITE, "old", "r2")

    number = index.stale_versions(SITE, [article_page("new")])[article_page("new")]
    again = index.choose_related(SITE, a_card("new", 2))
    assert (again.cards, again.wanted_version) == ((), number)
    index.set_published(SITE, article_page("new"), again.wanted_version)
    assert index.stale_versions(SITE, [article_page("new")]) == {}


def test_related_articles_share_topics_first_then_the_section_and_are_older(index: RedisIndex) -> None:
    enter(
        index,
        a_card("far", -90, topics=("Ferries",), section="world"),
        *(a_card(f"n{number}", number) for number in range(6)),
        a_card("newer", 50, topics=("Ferries",)),
    )

    related = index.choose_related(SITE, a_card("x", 10, topics=("Ferries",)))

    assert [card.article for card in related.cards] == ["far", "n5", "n4", "n3"]


@pytest.mark.parametrize("seed", range(6))
def test_what_articles_lead_on_to_does_not_depend_on_the_order_in_which_they_came(
    index: RedisIndex, redis: Redis, seed: int
) -> None:
    dice = random.Random(seed)  # noqa: S311 - no secret
    cards = [
        a_card(
            f"{'abcdefghijklmnopqrstuvwxyz'[number]}{number}",
            dice.randrange(12),  # some were made at the same moment
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
            pages[card.article] = tuple(each.article for each in relate_and_publish(index, card).cards)
            index.upsert(SITE, card, "r1")
        by_page = {article_page(card.article): card for card in cards}
        while behind := index.stale_articles(SITE):
            for page in behind:
                card = by_page[page]
                pages[card.article] = tuple(each.article for each in relate_and_publish(index, card).cards)
        shown.append(pages)

    assert shown[0] == shown[1]


def test_a_late_article_touches_only_the_pages_that_would_show_it(index: RedisIndex) -> None:
    enter(index, *(a_card(f"n{number}", 10 + number) for number in range(20)))

    touched = {page for page in enter(index, a_card("late", 12, section="news")) if page.startswith("article.")}

    assert touched == {article_page(f"n{number}") for number in (2, 3, 4, 5)}  # "n2" sorts behind "late"


def test_the_index_made_again_from_records_knows_which_pages_show_a_card_that_has_changed(index: RedisIndex) -> None:
    enter(index, a_card("old"), a_card("new", 2))
    shows = index.choose_related(SITE, a_card("new", 2)).shows
    index.clear(SITE)
    records = [
        LiveRecord(site="epn", article="new", revision="r1", card=a_card("new", 2), shows=shows),
        LiveRecord(site="epn", article="old", revision="r2", card=a_card("old", headline="Mended")),
    ]

    index.load(SITE, records)

    assert article_page("new") in index.stale_articles(SITE)
    index.clear(SITE)
    index.load(SITE, [records[0], LiveRecord(site="epn", article="old", revision="r1", card=a_card("old"))])
    assert article_page("new") not in index.stale_articles(SITE)
    assert article_page("new") in index.remove(SITE, "old", "r2")


def test_listings_that_are_behind_stand_apart_from_articles_pages_that_are(index: RedisIndex) -> None:
    pages = [article_page("b"), "day.2026-01-01", article_page("a"), "home"]
    for page in pages:
        index.mark_stale(SITE, page)

    assert index.stale_listings(SITE) == ["day.2026-01-01", "home"]
    assert index.stale_listings(SITE, limit=1) == ["day.2026-01-01"]
    assert index.stale_articles(SITE) == [article_page("b"), article_page("a")]
    assert index.stale_articles(SITE, limit=1) == [article_page("b")]
    assert list(index.stale_versions(SITE, pages)) == pages
    assert sorted(index.stale_versions(SITE)) == sorted(pages)


def test_news_takes_the_turn_of_an_articles_page_and_only_a_kill_that_of_a_listing(index: RedisIndex) -> None:
    pages = [article_page("a"), "home"]
    assert index.acquire_leases(SITE, pages) == pages

    assert index.acquire_leases(SITE, pages) == []
    assert index.acquire_leases(SITE, pages, is_news=True) == [article_page("a")]
    assert index.acquire_leases(SITE, pages, is_urgent=True) == pages


def test_the_page_of_an_article_that_is_gone_is_not_behind(index: RedisIndex) -> None:
    enter(index, a_card("a"))
    index.remove(SITE, "a", "r2")
    index.mark_stale(SITE, article_page("a"))

    index.remove(SITE, "a", "r2")

    assert article_page("a") not in index.stale_articles(SITE)


def test_a_pinned_article_makes_the_front_stale_however_old_it_is(index: RedisIndex) -> None:
    enter(index, a_card("old"), *(a_card(f"n{number}", 1 + number) for number in range(4)))
    front = listing_of(SITE, "section.news")

    snapshot = index.read(SITE, front, pins=["old", "nowhere"])

    assert [card.article for card in snapshot.pins] == ["old"]
    assert "section.news" in enter(index, a_card("old", headline="Mended"), revision="r2")
    index.read(SITE, front)
    assert "section.news" not in enter(index, a_card("old", headline="Mended again"), revision="r3")


def test_a_listing_that_is_due_becomes_stale_at_its_moment(index: RedisIndex) -> None:
    index.mark_stale_at(SITE, "home", datetime.now(UTC) + timedelta(hours=1))
    assert index.mark_due_stale(SITE, datetime.now(UTC)) == ()

    index.mark_stale_at(SITE, "home", datetime.now(UTC) - timedelta(seconds=1))

    assert index.mark_due_stale(SITE, datetime.now(UTC)) == ("home",)
    assert index.mark_due_stale(SITE, datetime.now(UTC)) == ()
    assert "home" in index.stale_listings(SITE)


def test_of_several_moments_of_a_listing_the_earliest_counts(index: RedisIndex) -> None:
    now = datetime.now(UTC)
    index.mark_stale_at(SITE, "sitemap.news", now + timedelta(minutes=1))
    index.mark_stale_at(SITE, "sitemap.news", now + timedelta(minutes=9))  # of an older reading

    assert index.mark_due_stale(SITE, now + timedelta(minutes=2)) == ("sitemap.news",)


def test_a_mended_text_touches_feeds_only_where_they_bring_the_text(index: RedisIndex) -> None:
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
def test_a_listings_name_and_its_path_stand_for_each_other(name: str) -> None:
    listing = listing_of(SITE, name)

    assert listing.name == name
    assert listing_at(SITE, listing.path) == listing


@pytest.mark.parametrize("path", ["world/2026/01/01/a-story-abc123/index.html", "nowhere/2026/01/index.html", "x.html"])
def test_what_is_no_listings_path_is_none(path: str) -> None:
    assert listing_at(SITE, path) is None


@pytest.mark.parametrize(
    "name", ["section.nowhere", "day.nowhere.2026-01-01", "day.2026-01", "month.2026-01-01", "day.2026-01-01.1", "x"]
)
def test_a_name_that_the_site_has_no_listing_for_is_none(name: str) -> None:
    assert find_listing(SITE, name) is None


def test_a_record_tells_whether_its_text_changed() -> None:
    page = PageRecord(order="1", sha256="d1", etag="e")
    record = LiveRecord(site="epn", article="a", path="p", pages={"p": page})

    assert record.text == "d1"
    assert LiveRecord(site="epn", article="a").text == ""


def settle(index: RedisIndex, *pages: str) -> None:
    """Publish what is behind, of these pages or of all, as it is now."""
    for page, number in index.stale_versions(SITE, pages or None).items():
        index.set_published(SITE, page, number)


def test_a_day_that_became_empty_is_no_day_of_its_month_any_more(index: RedisIndex) -> None:
    enter(index, a_card("a"), a_card("b", -60 * 24 * 2))
    settle(index)

    touched = index.remove(SITE, "a", "r2")

    assert {"day.news.2026-01-01", "month.news.2026-01", "archive.news", "rail.2026-01-01"} <= {*touched}
    assert index.read(SITE, listing_of(SITE, "day.news.2026-01-01")).cards == ()
    assert not index.read(SITE, listing_of(SITE, "month.news.2026-01")).days


def test_the_listings_of_all_released_revisions_are_made_public_once(index: RedisIndex) -> None:
    card, former = a_card("a"), ("topic:ice", "day:2025-12-31", "sday:world:2025-12-31")

    touched = {*index.upsert(SITE, card, "r2", former_memberships=former)}

    named = {"topic.ice", "day.2025-12-31", "day.world.2025-12-31", "sitemap.2025-12-31", "month.world.2025-12"}
    assert named <= touched
    settle(index)
    assert not named & {
        *index.upsert(SITE, card.model_copy(update={"headline": "Mended"}), "r3", former_memberships=former)
    }
    assert not index.read(SITE, listing_of(SITE, "topic.ice")).cards
    assert "2025-12-31" not in index.read(SITE, listing_of(SITE, "archive")).days


def test_an_empty_topic_that_a_killed_article_named_is_gone_until_another_names_it(index: RedisIndex) -> None:
    topic = listing_of(SITE, "topic.ice")
    for name in ("a", "b"):
        enter(index, a_card(name, topics=("Ice",)))
    index.remove(SITE, "a", "r2", former_memberships=("topic:ice",), is_killed=True)
    assert not index.read(SITE, topic).is_killed  # another article names it

    index.remove(SITE, "b", "r2", former_memberships=("topic:ice",))
    settle(index)

    assert index.read(SITE, topic).is_killed
    assert topic.name in index.upsert(SITE, a_card("c", topics=("Ice",)), "r1")
    assert not index.read(SITE, topic).is_killed
    index.remove(SITE, "c", "r2", former_memberships=("topic:ice",))
    assert index.read(SITE, topic).is_killed


def test_a_restore_reopens_the_topic_of_a_killed_article_also_where_it_names_another_now(index: RedisIndex) -> None:
    topic = listing_of(SITE, "topic.ice")
    index.remove(SITE, "a", "r2", former_memberships=("topic:ice",), is_killed=True)
    settle(index)

    touched = index.upsert(SITE, a_card("a", topics=("Snow",)), "r3", former_memberships=("topic:ice", "topic:snow"))

    assert topic.name in touched
    assert not index.read(SITE, topic).is_killed


def test_a_withdrawal_that_becomes_a_kill_closes_the_topic(index: RedisIndex) -> None:
    enter(index, a_card("a", topics=("Ice",)))
    index.remove(SITE, "a", "r2", former_memberships=("topic:ice",))
    settle(index)
    assert not index.read(SITE, listing_of(SITE, "topic.ice")).is_killed

    assert "topic.ice" in index.remove(SITE, "a", "r3", former_memberships=("topic:ice",), is_killed=True)
    assert index.read(SITE, listing_of(SITE, "topic.ice")).is_killed


def test_an_index_made_again_from_records_knows_what_is_empty_and_what_is_gone(index: RedisIndex) -> None:
    former_memberships = ("topic:ice", "day:2026-01-01", "sday:news:2026-01-01")
    killed = LiveRecord(site="epn", article="a", removed_by="r2", is_killed=True, former_memberships=former_memberships)
    withdrawn = LiveRecord(site="epn", article="b", removed_by="r2", former_memberships=("topic:snow",))

    index.load(SITE, [killed, withdrawn])

    assert {"topic.ice", "topic.snow", "day.2026-01-01", "day.news.2026-01-01"} <= {*index.stale_listings(SITE)}
    assert index.read(SITE, listing_of(SITE, "topic.ice")).is_killed
    assert not index.read(SITE, listing_of(SITE, "topic.snow")).is_killed


def test_what_a_page_links_to_is_missing_only_until_it_was_put(index: RedisIndex) -> None:
    enter(index, a_card("a", topics=("Port Almina",), authors=("Mira Solen",)))
    card = a_card("b", topics=("Port Almina",), authors=("Mira Solen",))
    assert index.choose_related(SITE, card).missing == ("topic.port-almina", "author.mira-solen")

    index.mark_stale(SITE, "topic.port-almina")
    index.set_published(SITE, "topic.port-almina", 0)  # a stub
    assert index.choose_related(SITE, card).missing == ("author.mira-solen",)
    assert "topic.port-almina" in index.stale_listings(SITE)

    settle(index)
    assert index.choose_related(SITE, card).missing == ()


def test_an_article_leaves_memberships_that_its_caller_does_not_know(index: RedisIndex) -> None:
    """By another site setting, a card of the same article had other memberships."""
    elsewhere = SITE.model_copy(update={"zone": "Asia/Tokyo"})
    index.upsert(elsewhere, a_card("a", 60 * 5), "r1")
    assert index.read(SITE, listing_of(SITE, "day.2026-01-02")).cards
    settle(index)

    touched = index.upsert(SITE, a_card("a", 60 * 5, headline="Mended"), "r2")

    assert {"day.2026-01-02", "day.2026-01-01"} <= {*touched}
    assert not index.read(SITE, listing_of(SITE, "day.2026-01-02")).cards


def test_a_page_that_was_rendered_while_the_index_was_incomplete_is_stale_once_it_is_indexed(index: RedisIndex) -> None:
    record = LiveRecord(site="epn", article="a", revision="r1", card=a_card("a"), lacks_related=True)

    index.load(SITE, [record], is_restored=False)

    assert index.stale_articles(SITE) == [article_page("a")]
