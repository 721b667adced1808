"""Every kind of page, in each of our themes and in a language of each direction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from lxml import html

from services.render.adapters.minijinja_theme import MinijinjaTheme
from services.render.domain.labels import labels_for
from services.render.domain.languages import direction_of
from services.render.domain.view import (
    article_view,
    cards_view,
    days_view,
    front_view,
    notice_view,
    rail_view,
    search_view,
)
from shared.model.article import Direction, EnrichedArticle
from shared.model.card import Card, CardPicture
from shared.site.listings import listing_of
from shared.site.sites import Section, Site
from tests.unit.render.conftest import CREATED, PATH

HOSTILE = """</script><script>alert(1)</script>"'><img src=x onerror=alert(1)><!-- &amp;"""
DAYS = ("2025-02-13", "2025-02-12", "2024-12-31")

MakeArticle = Callable[..., EnrichedArticle]
MakeCard = Callable[..., Card]


class Pages(NamedTuple):
    """Every kind of page, by name, and the fragments that pages include."""

    whole: Mapping[str, bytes]
    rails: Mapping[str, bytes]

    @property
    def every(self) -> Mapping[str, bytes]:
        return {**self.whole, **self.rails}


def pages_of(theme: MinijinjaTheme, site: Site, article: EnrichedArticle, cards: tuple[Card, ...]) -> Pages:
    def of(name: str, *, parts: int = 1) -> bytes:
        return theme.cards(cards_view(site, listing_of(site, name), cards, parts=parts))

    def days(name: str) -> bytes:
        return theme.days(days_view(site, listing_of(site, name), DAYS))

    def rail(name: str, previous: str | None = None) -> bytes:
        return theme.rail(rail_view(site, listing_of(site, name), cards, days=(previous,) if previous else ()))

    picture = next((card.picture for card in cards), None)
    view = article_view(
        article, site=site, path=PATH, created_at=CREATED, updated_at=CREATED, picture=picture, related=cards
    )
    whole = {
        "article": theme.article(view),
        "home": theme.front(front_view(site, cards)),
        "home, empty": theme.front(front_view(site, ())),
        "home, one story": theme.front(front_view(site, cards[:1])),
        "home, no picture": theme.front(front_view(site, cards[1:])),
        "section": theme.front(front_view(site, cards, section="world")),
        "section, empty": theme.front(front_view(site, (), section="world")),
        "topic": of("topic.transport"),
        "topic, empty": theme.cards(cards_view(site, listing_of(site, "topic.transport"), ())),
        "author": of("author.ilka-moreau"),
        "day": of("day.2025-02-13"),
        "day of a section, in parts": of("day.world.2025-02-13.2", parts=3),
        "archive": days("archive"),
        "archive of a section": days("archive.world"),
        "archive, empty": theme.days(days_view(site, listing_of(site, "archive"), ())),
        "month": days("month.2025-02"),
        "month, empty": theme.days(days_view(site, listing_of(site, "month.2025-02"), ())),
        "day, empty": theme.cards(cards_view(site, listing_of(site, "day.world.2025-02-13"), (), parts=2)),
        "search": theme.search(search_view(site)),
        "404": theme.not_found(notice_view(site, is_gone=False)),
        "410": theme.gone(notice_view(site, is_gone=True)),
    }
    return Pages(whole, {"rail": rail("rail.latest"), "rail of a day": rail("rail.2025-02-13", "2025-02-12")})


def tree_of(page: bytes) -> Any:
    return html.fromstring(page.decode())


@pytest.fixture(params=["epn", "almina"])
def own_theme(request: pytest.FixtureRequest, epn_folder: Path) -> MinijinjaTheme:
    return MinijinjaTheme(epn_folder.parent / request.param)


@pytest.fixture(params=["en", "ar"])
def own_site(request: pytest.FixtureRequest, site: Site) -> Site:
    return site.model_copy(update={"language": request.param})


@pytest.fixture
def cards(make_card: MakeCard, picture: CardPicture) -> tuple[Card, ...]:
    first = make_card(0, picture=picture, standfirst="A toll pays.", topics=("Transport",), authors=("Ilka Moreau",))
    return (first, *(make_card(number) for number in range(1, 9)))


@pytest.fixture
def article(own_site: Site, make_article: MakeArticle) -> EnrichedArticle:
    return make_article(language=own_site.language, direction=Direction(direction_of(own_site.language)))


@pytest.fixture
def pages(own_theme: MinijinjaTheme, own_site: Site, article: EnrichedArticle, cards: tuple[Card, ...]) -> Pages:
    return pages_of(own_theme, own_site, article, cards)


def test_every_page_has_one_h1_and_no_heading_skips_a_level(pages: Pages) -> None:
    for kind, page in pages.whole.items():
        levels = [int(head.tag[1]) for head in tree_of(page).xpath("//h1 | //h2 | //h3 | //h4")]

        assert levels.count(1) == 1, kind
        assert all(below - above <= 1 for above, below in zip([0, *levels], levels, strict=False)), (kind, levels)


def test_every_page_is_in_the_sites_language_and_direction(pages: Pages, own_site: Site) -> None:
    direction = "rtl" if own_site.language == "ar" else "ltr"
    for kind, page in pages.whole.items():
        root = tree_of(page)
        assert (root.get("lang"), root.get("dir")) == (own_site.language, direction), kind


def test_every_page_works_with_a_strict_content_policy(pages: Pages) -> None:
    for kind, page in pages.every.items():
        tree = tree_of(page)
        assert not tree.xpath("//style | //*[@style] | //iframe"), kind
        assert not [name for name in tree.xpath("//@*") if name.attrname.startswith("on")], kind
        assert set(tree.xpath("//script[not(@src)]/@type")) <= {"application/ld+json"}, kind


def test_the_same_input_gives_the_same_bytes(
    own_theme: MinijinjaTheme,
    own_site: Site,
    article: EnrichedArticle,
    cards: tuple[Card, ...],
    pages: Pages,
    epn_folder: Path,
) -> None:
    same_theme = MinijinjaTheme(epn_folder.parent / own_theme.name)

    assert pages_of(same_theme, own_site, article, cards) == pages


def test_no_id_occurs_twice_on_a_page(pages: Pages) -> None:
    for kind, page in pages.whole.items():
        ids = tree_of(page).xpath("//@id")
        assert len(ids) == len(set(ids)), kind


def test_every_page_has_a_skip_link_a_search_link_and_a_home_link(pages: Pages) -> None:
    for kind, page in pages.whole.items():
        tree = tree_of(page)
        links = set(tree.xpath("//a/@href"))
        assert tree.xpath("//main/@id") == ["epn-main"], kind
        assert {"#epn-main", "/", "/search/", "/archive/", "/news/", "/world/"} <= links, kind


def test_no_text_of_a_newsroom_or_a_site_is_ever_markup(
    own_theme: MinijinjaTheme, own_site: Site, make_article: MakeArticle, picture: CardPicture, make_card: MakeCard
) -> None:
    site = own_site.model_copy(
        update={
            "name": HOSTILE,
            "tagline": HOSTILE,
            "sections": (Section(id="news", name=HOSTILE), Section(id="world", name=HOSTILE)),
        }
    )
    words = {"headline": HOSTILE, "kicker": HOSTILE, "standfirst": HOSTILE, "byline": HOSTILE}
    bad_picture = picture.model_copy(update={"alt": HOSTILE})
    names = {"topics": (HOSTILE,), "authors": (HOSTILE,)}
    cards = tuple(make_card(number, picture=bad_picture, **words, **names) for number in range(9))
    article = make_article(
        **words,
        language=site.language,
        dateline=HOSTILE,
        correction_note=HOSTILE,
        topics=[{"name": HOSTILE}],
        entities=[{"name": HOSTILE}],
        authors=[{"name": HOSTILE}],
        rights={"notice": HOSTILE, "holder": HOSTILE},
        picture={"caption": HOSTILE, "credit": HOSTILE},
    )

    for kind, page in pages_of(own_theme, site, article, cards).every.items():
        tree = tree_of(page)
        assert b"<script>alert" not in page, kind
        assert not tree.xpath("//*[@onerror] | //img[@src='x']"), kind
        assert all(script.get("src") or script.get("type") for script in tree.xpath("//script")), kind


def test_the_pages_own_section_is_not_repeated_over_each_card(
    own_theme: MinijinjaTheme, site: Site, make_card: MakeCard
) -> None:
    cards = (make_card(1), make_card(2, kicker="Live"))

    def kickers(section: str | None) -> list[str]:
        page = tree_of(own_theme.front(front_view(site, cards, section=section)))
        return [kicker.text_content() for kicker in page.xpath("//main//*[@class='kicker']")]

    assert kickers("world") == ["Live"]
    assert kickers(None) == ["World", "Live"]


def test_pictures_have_sizes_and_only_the_first_loads_eagerly(pages: Pages) -> None:
    for kind, page in pages.whole.items():
        pictures = tree_of(page).xpath("//img")
        assert all(each.get("width") and each.get("height") for each in pictures), kind
        assert [each for each in pictures if each.get("loading") != "lazy"] == (
            pictures[:1] if kind in {"article", "home", "home, one story", "section"} else []
        ), kind


def test_the_current_part_of_a_day_is_marked_and_not_a_link(pages: Pages) -> None:
    (parts,) = tree_of(pages.whole["day of a section, in parts"]).xpath("//nav[@class='parts']")

    assert parts.xpath(".//a/@href") == ["/world/2025/02/13/", "/world/2025/02/13/3/"]
    assert parts.xpath(".//*[@aria-current='page']/text()") == ["2"]


def test_a_rail_links_to_the_next_older_rail_and_without_script_to_a_page(pages: Pages) -> None:
    def next_links(rail: str) -> tuple[str, str]:
        (link,) = tree_of(pages.rails[rail]).xpath("//*[@class='rail__onward']/a")
        return link.get("href"), link.get("data-more")

    # The latest rail ends within a day, so that day's rail follows; the script skips stories that are shown already.
    assert next_links("rail") == ("/archive/2025/02/13/", "/_rail/2025-02-13.html")
    assert next_links("rail of a day") == ("/archive/2025/02/12/", "/_rail/2025-02-12.html")


def test_the_oldest_rail_links_to_the_archive(own_theme: MinijinjaTheme, site: Site, cards: tuple[Card, ...]) -> None:
    rail = tree_of(own_theme.rail(rail_view(site, listing_of(site, "rail.2025-02-13"), cards)))

    (link,) = rail.xpath("//*[@class='rail__onward']/a")
    assert (link.get("href"), link.get("data-more")) == ("/archive/", None)


def test_the_archive_links_to_months_days_and_stories(pages: Pages) -> None:
    def links(kind: str) -> list[str]:
        found: list[str] = tree_of(pages.whole[kind]).xpath("//main//*[@class='days']//a/@href")
        return found

    assert links("archive") == ["/archive/2025/02/", "/archive/2024/12/"]
    assert links("archive of a section") == ["/world/2025/02/", "/world/2024/12/"]
    assert links("month") == ["/archive/2025/02/13/", "/archive/2025/02/12/"]
    assert "/world/2025/02/13/story-1/" in tree_of(pages.whole["day"]).xpath("//main//a/@href")


def test_every_page_with_an_address_has_a_canonical_link_and_share_tags(pages: Pages) -> None:
    for kind, page in pages.whole.items():
        head = tree_of(page).xpath("//head")[0]
        canonical = head.xpath("./link[@rel='canonical']/@href")
        shared = {tag.get("property"): tag.get("content") for tag in head.xpath("./meta[@property]")}
        if kind in ("404", "410"):
            assert (canonical, shared) == ([], {}), kind
        else:
            assert canonical == [shared["og:url"]], kind
            assert {"og:type", "og:site_name", "og:title", "og:description", "twitter:card"} <= shared.keys(), kind
    assert b'<link rel="canonical" href="https://epn.example/search/">' in pages.whole["search"]


def test_landmarks_of_one_kind_have_different_names(pages: Pages) -> None:
    for kind, page in pages.whole.items():
        tree = tree_of(page)
        for landmark in ("nav", "aside"):
            found = tree.xpath(f"//{landmark}")
            names = {each.get("aria-label") or each.get("aria-labelledby") for each in found}
            assert len(names - {None}) == len(found), (kind, landmark)


def test_the_search_is_a_plain_form_over_one_small_file(pages: Pages) -> None:
    page = tree_of(pages.whole["search"])

    (form,) = page.xpath("//main//form")
    assert (form.get("action"), form.get("method"), form.xpath(".//input/@name")) == ("/search/", "get", ["q"])
    assert page.xpath("//label/@for") == page.xpath("//input/@id")
    assert page.xpath("//*[@data-recent]/@data-recent") == ["/search/recent.json"]
    assert page.xpath("//noscript")


def test_empty_pages_say_so(pages: Pages, own_site: Site) -> None:
    labels = labels_for(own_site.language)
    for kind, text in (
        ("home, empty", labels.empty_front_text),
        ("section, empty", labels.empty_front_text),
        ("archive, empty", labels.empty_list),
        ("topic, empty", labels.empty_list),
        ("month, empty", labels.empty_list),
        ("day, empty", labels.empty_list),
    ):
        main = tree_of(pages.whole[kind]).xpath("//main")[0]
        assert text in main.text_content(), kind
        assert not main.xpath(".//article"), kind


def test_a_page_that_must_not_be_indexed_has_noindex(pages: Pages) -> None:
    kept = {kind for kind, page in pages.whole.items() if b'content="noindex"' not in page}

    assert set(pages.whole) - kept == {"search", "404", "410", "topic, empty", "month, empty", "day, empty"}


def test_untranslated_labels_are_marked_as_english(
    own_theme: MinijinjaTheme, site: Site, make_article: MakeArticle, cards: tuple[Card, ...]
) -> None:
    site = site.model_copy(update={"language": "xh"})

    pages = pages_of(own_theme, site, make_article(language="xh"), cards)

    for kind in ("article", "home", "home, empty", "topic", "archive, empty", "search", "404", "410"):
        (main,) = tree_of(pages.whole[kind]).xpath("//main")
        assert main.xpath(".//bdi[@lang='en']"), kind


def test_a_cached_part_of_a_page_never_shows_on_another_page(
    site: Site, make_article: MakeArticle, epn_folder: Path
) -> None:
    other = site.model_copy(update={"name": "Almina", "sections": (*site.sections, Section(id="sea", name="Sea"))})
    views = [
        article_view(
            make_article(language=language, section=section, direction=Direction(direction_of(language))),
            site=where,
            path=PATH,
            created_at=CREATED,
            updated_at=None,
            picture=None,
        )
        for where in (site, other)
        for language in ("en", "ar")
        for section in ("news", "world")
    ]
    kept = MinijinjaTheme(epn_folder)

    pages = [kept.article(view) for view in (*views, *views)]

    assert len(set(pages)) == len(views)
    assert pages == [MinijinjaTheme(epn_folder).article(view) for view in (*views, *views)]


def test_a_list_of_cards_of_a_kind_without_a_title_is_not_taken_for_an_author(site: Site, make_card: MakeCard) -> None:
    with pytest.raises(KeyError):
        cards_view(site, listing_of(site, "rail.latest"), (make_card(),))
