"""Which pages a card makes stale: fronts, the calendar, topics, and the articles that lead on to it."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from shared.card import Card
from shared.index import Related
from shared.index.redis import RedisIndex
from shared.listings import article_page, find_listing, listing_at, listing_of, standing
from shared.live import LiveRecord, PageRecord
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


def a_card(article: str, minutes: int = 0, **fields: object) -> Card:
    section = str(fields.get("section", "news"))
    return Card.model_validate(
        {
            "article": article,
            "path": f"{section}/{article}/index.html",
            "headline": f"About {article}",
            "section": section,
            "created_at": NOON + timedelta(minutes=minutes),
        }
        | fields
    )


def enter(index: RedisIndex, *cards: Card, revision: str = "r1") -> set[str]:
    """Publish articles one after the other as the line does; return what the last one made stale."""
    touched: tuple[str, ...] = ()
    for card in cards:
        relate_and_publish(index, card)
        touched = index.enter(SITE, card, revision)
    return set(touched)


def relate_and_publish(index: RedisIndex, card: Card) -> Related:
    related = index.relate(SITE, card)
    index.set_published(SITE, article_page(card.article), related.changed)
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
    assert index.read(SITE, listing_of(SITE, "archive")).days == ("2026-01-03", "2026-01-02", "2026-01-01")
    index.leave(SITE, "b", "r2")
    assert index.read(SITE, listing_of(SITE, "archive")).days == ("2026-01-03", "2026-01-01")


def test_an_old_article_that_is_late_touches_no_front(index: RedisIndex) -> None:
    enter(index, *(a_card(f"a{number}", number) for number in range(3)))

    touched = enter(index, a_card("old", -60 * 24 * 300))

    assert not touched & {"home", "rail.latest", "section.news", "recent", *FEEDS}
    assert "day.news.2025-03-07" in touched


def test_a_day_of_many_articles_has_several_pages_and_each_article_stands_on_one(index: RedisIndex) -> None:
    dice = random.Random(7)  # noqa: S311 - no secret
    names = ["".join(dice.choices("abcdefghijklmnopqrstuvwxyz234567", k=26)) for _ in range(700)]
    for number, name in enumerate(names):
        index.enter(SITE, a_card(name, number % 60), "r1")
    pages = [
        index.read(SITE, listing_of(SITE, f"day.news.2026-01-01{end}")) for end in ("", *(f".{n}" for n in range(2, 9)))
    ]

    assert {page.parts for page in pages} == {8}
    shown = [card.article for page in pages for card in page.cards]
    assert sorted(shown) == sorted(names)
    assert max(len(page.cards) for page in pages) <= 200
    touched = {page for page in index.leave(SITE, names[350], "r2") if page.startswith("day.news")}
    assert len(touched) == 1


def test_a_changed_headline_touches_only_what_shows_it(index: RedisIndex) -> None:
    enter(index, a_card("old"), a_card("mid", 1), a_card("new", 2))

    touched = enter(index, a_card("old", headline="Mended"), revision="r2")

    assert "home" not in touched
    assert {"day.news.2026-01-01", "rail.2026-01-01", article_page("mid"), article_page("new")} <= touched
    assert article_page("old") not in touched


def test_an_article_that_goes_is_taken_from_the_pages_that_lead_on_to_it(index: RedisIndex) -> None:
    enter(index, a_card("old"), a_card("new", 2))

    assert article_page("new") in index.leave(SITE, "old", "r2")

    number = index.behind(SITE, [article_page("new")])[article_page("new")]
    again = index.relate(SITE, a_card("new", 2))
    assert (again.cards, again.changed) == ((), number)
    index.set_published(SITE, article_page("new"), again.changed)
    assert index.behind(SITE, [article_page("new")]) == {}


def test_related_articles_share_topics_first_then_the_section_and_are_older(index: RedisIndex) -> None:
    enter(
        index,
        a_card("far", -90, topics=("Ferries",), section="world"),
        *(a_card(f"n{number}", number) for number in range(6)),
        a_card("newer", 50, topics=("Ferries",)),
    )

    related = index.relate(SITE, a_card("x", 10, topics=("Ferries",)))

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
            index.enter(SITE, card, "r1")
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
    shows = index.relate(SITE, a_card("new", 2)).shows
    index.forget(SITE)
    records = [
        LiveRecord(site="epn", article="new", revision="r1", card=a_card("new", 2), shows=shows),
        LiveRecord(site="epn", article="old", revision="r2", card=a_card("old", headline="Mended")),
    ]

    index.take_in(SITE, records)

    assert article_page("new") in index.stale_articles(SITE)
    index.forget(SITE)
    index.take_in(SITE, [records[0], LiveRecord(site="epn", article="old", revision="r1", card=a_card("old"))])
    assert article_page("new") not in index.stale_articles(SITE)
    assert article_page("new") in index.leave(SITE, "old", "r2")


def test_listings_that_are_behind_stand_apart_from_articles_pages_that_are(index: RedisIndex) -> None:
    pages = [article_page("b"), "day.2026-01-01", article_page("a"), "home"]
    for page in pages:
        index.touch(SITE, page)

    assert index.stale(SITE) == ["day.2026-01-01", "home"]
    assert index.stale(SITE, most=1) == ["day.2026-01-01"]
    assert index.stale_articles(SITE) == [article_page("b"), article_page("a")]
    assert index.stale_articles(SITE, most=1) == [article_page("b")]
    assert list(index.behind(SITE, pages)) == pages
    assert sorted(index.behind(SITE)) == sorted(pages)


def test_news_takes_the_turn_of_an_articles_page_and_only_a_kill_that_of_a_listing(index: RedisIndex) -> None:
    pages = [article_page("a"), "home"]
    assert index.take_turns(SITE, pages) == pages

    assert index.take_turns(SITE, pages) == []
    assert index.take_turns(SITE, pages, is_news=True) == [article_page("a")]
    assert index.take_turns(SITE, pages, is_urgent=True) == pages


def test_the_page_of_an_article_that_is_gone_is_not_behind(index: RedisIndex) -> None:
    enter(index, a_card("a"))
    index.leave(SITE, "a", "r2")
    index.touch(SITE, article_page("a"))

    index.leave(SITE, "a", "r2")

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
    index.touch_at(SITE, "home", datetime.now(UTC) + timedelta(hours=1))
    assert index.touch_due(SITE, datetime.now(UTC)) == ()

    index.touch_at(SITE, "home", datetime.now(UTC) - timedelta(seconds=1))

    assert index.touch_due(SITE, datetime.now(UTC)) == ("home",)
    assert index.touch_due(SITE, datetime.now(UTC)) == ()
    assert "home" in index.stale(SITE)


def test_of_several_moments_of_a_listing_the_earliest_counts(index: RedisIndex) -> None:
    now = datetime.now(UTC)
    index.touch_at(SITE, "sitemap.news", now + timedelta(minutes=1))
    index.touch_at(SITE, "sitemap.news", now + timedelta(minutes=9))  # of an older reading

    assert index.touch_due(SITE, now + timedelta(minutes=2)) == ("sitemap.news",)


def test_a_mended_text_touches_feeds_only_where_they_bring_the_text(index: RedisIndex) -> None:
    full = SITE.model_copy(update={"feed_text": "full"})

    def texts(site: Site) -> set[str]:
        index.enter(site, a_card("a"), "r1", text="one")
        return set(index.enter(site, a_card("a"), "r2", text="two"))

    assert texts(SITE) == set()
    assert texts(full) == {*FEEDS, *(f"{feed}.news" for feed in FEEDS)}


@pytest.mark.parametrize(
    "name",
    [
        *standing(SITE),
        *("topic.port-almina", "author.mira-solen", "month.2026-01", "month.world.2026-01", "day.2026-01-01"),
        *("day.world.2026-01-01.12", "rail.2026-01-01", "sitemap.2026-01-01"),
    ],
)
def test_a_listings_name_and_its_path_stand_for_each_other(name: str) -> None:
    listing = listing_of(SITE, name)

    assert listing.name == name
    assert listing_at(SITE, listing.path) == listing


@pytest.mark.parametrize("path", ["world/2026/01/01/a-story-abc123/index.html", "nowhere/2026/01/index.html", "x.html"])
def test_what_is_no_listings_path_is_none(path: str) -> None:
    assert listing_at(SITE, path) is None


@pytest.mark.parametrize("name", ["section.nowhere", "day.nowhere.2026-01-01", "day.2026-01", "month.2026-01-01", "x"])
def test_a_name_that_the_site_has_no_listing_for_is_none(name: str) -> None:
    assert find_listing(SITE, name) is None


def test_a_record_tells_whether_its_text_changed() -> None:
    page = PageRecord(order="1", sha256="d1", etag="e")
    record = LiveRecord(site="epn", article="a", path="p", pages={"p": page})

    assert record.text == "d1"
    assert LiveRecord(site="epn", article="a").text == ""


def settle(index: RedisIndex, *pages: str) -> None:
    """Publish what is behind, of these pages or of all, as it is now."""
    for page, number in index.behind(SITE, pages or None).items():
        index.set_published(SITE, page, number)


def test_a_day_of_nothing_is_led_to_until_whatever_led_there_is_renewed(index: RedisIndex) -> None:
    enter(index, a_card("a"), a_card("b", -60 * 24))
    settle(index)
    day = listing_of(SITE, "day.news.2026-01-01")

    index.leave(SITE, "a", "r2")
    number = index.behind(SITE)[day.name]

    assert index.read(SITE, day).is_led_to
    assert index.set_published(SITE, day.name, number, is_absent=True) is True  # it has to stay
    settle(index, "month.news.2026-01")
    assert not index.read(SITE, day).is_led_to
    assert index.set_published(SITE, day.name, number, is_absent=True) is False
    assert day.name not in index.published(SITE)


def test_what_takes_a_list_away_erases_no_other_state_than_its_own(index: RedisIndex) -> None:
    """Also not one with a lower number, by a clock that was set back."""
    index.touch(SITE, "topic.ice")
    number = index.behind(SITE)["topic.ice"]

    for other in (number - 1, number + 1):
        assert index.set_published(SITE, "topic.ice", other, is_absent=True) is True
        assert index.behind(SITE) == {"topic.ice": number}
    assert index.set_published(SITE, "topic.ice", number, is_absent=True) is False
    assert index.behind(SITE) == {}


def test_a_month_and_its_day_that_stand_empty_do_not_wait_for_each_other(index: RedisIndex) -> None:
    enter(index, a_card("a"))
    settle(index)
    index.leave(SITE, "a", "r2")
    month, day = listing_of(SITE, "month.news.2026-01"), listing_of(SITE, "day.news.2026-01-01")

    assert index.read(SITE, month).is_led_to
    assert index.read(SITE, day).is_led_to
    index.set_published(SITE, month.name, index.behind(SITE)[month.name], is_hollow=True)

    assert not index.read(SITE, day).is_led_to  # what is hollow leads nowhere
    assert index.set_published(SITE, day.name, index.behind(SITE)[day.name], is_absent=True) is False
    assert month.name in index.stale(SITE)  # it is looked at again
    assert index.read(SITE, month).is_led_to
    settle(index, "archive.news")
    assert not index.read(SITE, month).is_led_to


def test_a_page_about_to_be_put_keeps_its_topics_and_authors_until_it_enters(index: RedisIndex) -> None:
    card, topic = a_card("a", topics=("Port Almina",), authors=("Mira Solen",)), listing_of(SITE, "topic.port-almina")

    related = index.relate(SITE, card, revision="r2")

    assert related.missing == ("topic.port-almina", "author.mira-solen")
    assert index.read(SITE, topic).is_led_to
    enter(index, a_card("a"), revision="r1")  # an older one that was late
    assert index.read(SITE, topic).is_led_to
    touched = enter(index, a_card("a"), revision="r3")  # never of that topic
    assert topic.name in touched
    assert not index.read(SITE, topic).is_led_to


def test_what_a_page_leads_to_is_missing_only_until_it_was_put(index: RedisIndex) -> None:
    enter(index, a_card("a", topics=("Port Almina",)))
    assert index.relate(SITE, a_card("b", topics=("Port Almina",)), revision="r1").missing == ("topic.port-almina",)

    settle(index)

    assert index.relate(SITE, a_card("b", topics=("Port Almina",)), revision="r1").missing == ()
    assert index.relate(SITE, a_card("a", topics=("Port Almina",)), revision="r2").missing == ()


def test_a_withdrawn_article_keeps_its_topics_until_its_page_is_taken_down(index: RedisIndex) -> None:
    enter(index, a_card("a", topics=("Port Almina",)))
    settle(index)
    topic = listing_of(SITE, "topic.port-almina")

    index.leave(SITE, "a", "r2", is_still_there=True)

    assert index.read(SITE, topic).is_led_to
    assert topic.name in index.leave(SITE, "a", "r2")
    assert not index.read(SITE, topic).is_led_to
