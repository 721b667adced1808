"""The front page, the rails and the two notices."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import html

from services.render.adapters.minijinja_theme import MinijinjaTheme
from services.render.domain.view import front_view, notice_view, rail_view
from services.render.domain.view.fronts import ranked
from shared.model.article import Direction
from shared.model.card import Card, CardPicture
from shared.site.listings import Listing, ListingKind
from shared.site.sites import Section, Site
from tests.unit.render.conftest import CREATED

MakeCard = Callable[..., Card]
LATEST = Listing("rail.latest", ListingKind.RAIL, "_rail/latest.html")


def tree_of(page: str) -> Any:
    return html.fromstring(page)


def test_the_first_card_leads_and_the_others_follow_in_order(site: Site, make_card: MakeCard) -> None:
    front = front_view(site, tuple(make_card(number) for number in range(7)))

    assert front.lead is not None
    assert front.lead.headline == "Story 0"
    assert [card.headline for card in front.seconds] == ["Story 1", "Story 2", "Story 3"]
    assert [card.headline for card in front.river] == ["Story 4", "Story 5", "Story 6"]


SECTIONS = ("news", "world", "sea", "sport", "gone")  # the site has all of these but the last

a_story = st.tuples(st.integers(0, 40), st.sampled_from(SECTIONS), st.integers(1, 9))


def with_sections(site: Site, count: int) -> Site:
    sections = tuple(Section(id=section, name=section.title()) for section in SECTIONS[:count])
    return site.model_copy(update={"sections": sections})


def articles_on(page: bytes) -> list[str]:
    found: list[str] = tree_of(page.decode()).xpath("//main//*[@data-article]/@data-article")
    return found


@given(stories=st.lists(a_story, max_size=60), pinned=st.lists(a_story, max_size=10), count=st.integers(0, 4))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # the fixtures are the same for all examples
def test_each_story_is_on_a_front_exactly_once(
    theme: MinijinjaTheme,
    site: Site,
    make_card: MakeCard,
    stories: list[tuple[int, str, int]],
    pinned: list[tuple[int, str, int]],
    count: int,
) -> None:
    def cards_of(rows: list[tuple[int, str, int]]) -> tuple[Card, ...]:
        return tuple(make_card(number, section=section, urgency=urgency) for number, section, urgency in rows)

    cards, pins = cards_of(stories), cards_of(pinned)
    for section in (None, "world"):
        front = front_view(with_sections(site, count), cards, section=section, pins=pins)
        shown = articles_on(theme.front(front))
        assert len(shown) == len(set(shown))
        assert set(shown) == {card.article for card in (*cards, *pins)}
        assert all(len(block.cards) >= 2 for block in front.blocks)
        assert all(card.section == block.section.id for block in front.blocks for card in block.cards)


def test_a_block_shows_its_sections_newest_stories_that_are_not_above_it(site: Site, make_card: MakeCard) -> None:
    cards = tuple(make_card(number, section=SECTIONS[number % 2]) for number in range(24))

    front = front_view(with_sections(site, 2), cards)

    assert [[card.headline for card in block.cards] for block in front.blocks] == [
        ["Story 10", "Story 12", "Story 14", "Story 16"],
        ["Story 11", "Story 13", "Story 15", "Story 17"],
    ]
    assert [card.headline for card in front.river[:6]] == [f"Story {number}" for number in range(4, 10)]
    assert [card.headline for card in front.river[6:]] == [f"Story {number}" for number in range(18, 24)]


def test_a_block_with_too_few_stories_left_is_omitted(site: Site, make_card: MakeCard) -> None:
    sections = ["news"] * 10 + ["news", "news", "world", "world", "sea"]
    cards = tuple(make_card(number, section=section) for number, section in enumerate(sections))

    front = front_view(with_sections(site, 4), cards)

    assert [block.section.id for block in front.blocks] == ["news", "world"]
    assert front.river[-1].section == "sea"


def test_a_front_of_one_section_or_of_few_stories_has_no_blocks(site: Site, make_card: MakeCard) -> None:
    one_section = tuple(make_card(number, section="news") for number in range(24))
    few = tuple(make_card(number, section=SECTIONS[number % 4]) for number in range(8))

    assert front_view(with_sections(site, 4), one_section).blocks == ()
    assert front_view(with_sections(site, 4), few).blocks == ()
    assert len(front_view(with_sections(site, 4), few).river) == 4


def test_a_section_that_is_configured_twice_has_one_block(site: Site, make_card: MakeCard) -> None:
    twice = with_sections(site, 2)
    twice = twice.model_copy(update={"sections": (*twice.sections, Section(id="news", name="More news"))})
    cards = tuple(make_card(number, section=SECTIONS[number % 2]) for number in range(24))

    assert [block.section.id for block in front_view(twice, cards).blocks] == ["news", "world"]


def test_every_section_of_the_menu_has_a_front_of_its_own(theme: MinijinjaTheme, site: Site) -> None:
    page = tree_of(theme.front(front_view(site, ())).decode())

    assert set(page.xpath("//nav//ul[@class='sections']//a/@href")) == {"/news/", "/world/"}


def test_an_urgent_story_leads_for_some_hours_and_a_pin_ranks_above_it(site: Site, make_card: MakeCard) -> None:
    cards = tuple(make_card(number, created_at=CREATED - timedelta(hours=5 * number)) for number in range(5))
    urgent = cards[2].model_copy(update={"urgency": 1})
    too_old = cards[4].model_copy(update={"urgency": 1})

    def headlines(*cards: Card, pins: tuple[Card, ...] = ()) -> list[str]:
        return [card.headline for card in ranked(cards, pins)]

    assert headlines(cards[0], cards[1], urgent) == ["Story 2", "Story 0", "Story 1"]
    assert headlines(cards[0], cards[1], too_old) == ["Story 0", "Story 1", "Story 4"]
    assert headlines(cards[0], urgent, pins=(cards[3],)) == ["Story 3", "Story 0", "Story 2"]


def test_a_front_page_always_has_one_h1(theme: MinijinjaTheme, site: Site, make_card: MakeCard) -> None:
    for count in (0, 1, 9):
        page = tree_of(theme.front(front_view(site, tuple(map(make_card, range(count))))).decode())

        assert len(page.xpath("//h1")) == 1


def test_an_empty_front_page_says_so(theme: MinijinjaTheme, site: Site) -> None:
    page = theme.front(front_view(site, ())).decode()

    assert "Nothing has been published yet." in page
    assert not tree_of(page).xpath("//article")


def test_the_front_page_is_dated_by_its_newest_story_not_by_the_clock(
    theme: MinijinjaTheme, site: Site, make_card: MakeCard
) -> None:
    page = theme.front(front_view(site, (make_card(),))).decode()

    assert '<time datetime="2025-02-13">Thursday 13 February 2025</time>' in page
    assert page == theme.front(front_view(site, (make_card(),))).decode()


def test_a_card_shows_a_picture_only_where_there_is_one(
    theme: MinijinjaTheme, site: Site, make_card: MakeCard, picture: CardPicture
) -> None:
    page = tree_of(theme.front(front_view(site, (make_card(1, picture=picture), make_card(2)))).decode())

    (image,) = page.xpath("//img")
    assert (image.get("src"), image.get("width"), image.get("height")) == ("/media/0a1b/1200.jpg", "1200", "800")


def test_a_cards_text_is_never_markup(theme: MinijinjaTheme, site: Site, make_card: MakeCard) -> None:
    hostile = '<script>alert(1)</script>" onmouseover="alert(1)'
    card = make_card(headline=hostile, kicker=hostile, standfirst=hostile, byline=hostile)

    for page in (theme.front(front_view(site, (card,))), theme.rail(rail_view(site, LATEST, (card,)))):
        tree = tree_of(page.decode())
        assert b"<script>alert" not in page
        assert not tree.xpath("//*[@onmouseover]")


def test_a_story_in_another_language_has_its_language_in_a_listing(
    theme: MinijinjaTheme, site: Site, make_card: MakeCard
) -> None:
    card = make_card(headline="العبّارة تعود", language="ar", direction=Direction.RTL)

    (headline,) = tree_of(theme.rail(rail_view(site, LATEST, (card,))).decode()).xpath("//li//h3")

    assert (headline.get("lang"), headline.get("dir")) == ("ar", "rtl")


def test_a_rail_is_a_list_without_a_page_around_it(theme: MinijinjaTheme, site: Site, make_card: MakeCard) -> None:
    rail = theme.rail(rail_view(site, LATEST, (make_card(1), make_card(2)))).decode()

    assert rail.startswith("<ul")
    assert "<html" not in rail
    assert tree_of(rail).xpath("//li//a/@href") == ["/world/2025/02/13/story-1/", "/world/2025/02/13/story-2/"]
    assert tree_of(rail).xpath("//li//@data-article") == ["article1", "article2"]


def test_an_empty_rail_has_no_bytes(theme: MinijinjaTheme, site: Site) -> None:
    assert theme.rail(rail_view(site, LATEST, ())) == b""


def test_404_and_410_pages_explain_themselves_and_link_to_the_news(theme: MinijinjaTheme, site: Site) -> None:
    for page, text in (
        (theme.not_found(notice_view(site, is_gone=False)), "This page is not here"),
        (theme.gone(notice_view(site, is_gone=True)), "This story has been taken down"),
    ):
        tree = tree_of(page.decode())
        assert tree.xpath("//h1/text()") == [text]
        assert tree.xpath("//main//a[@href='/']")
        assert tree.xpath("//*[@data-rail='/_rail/latest.html']")
        assert tree.xpath("//meta[@name='robots']/@content") == ["noindex"]
