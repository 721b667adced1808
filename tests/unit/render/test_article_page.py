"""The page of an article."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import html

from services.render.adapters.minijinja_theme import MinijinjaTheme
from services.render.domain.view import ArticleView
from shared.model.article import Direction
from shared.model.card import CardPicture

MakeView = Callable[..., ArticleView]
PageOf = Callable[..., str]
HOSTILE = """<script>alert(1)</script>"'><img src=x onerror=alert(1)>&amp;"""


@pytest.fixture
def page_of(theme: MinijinjaTheme, make_view: MakeView) -> PageOf:
    return lambda **article: theme.article(make_view(**article)).decode()


def tree_of(page: str) -> Any:
    return html.fromstring(page)


def json_ld(page: str) -> dict[str, Any]:
    script, _ = tree_of(page).xpath("//script[@type='application/ld+json']/text()")
    described: dict[str, Any] = json.loads(script)
    return described


def test_the_same_article_gives_the_same_bytes(epn_folder: Path, make_view: MakeView) -> None:
    first, second = MinijinjaTheme(epn_folder), MinijinjaTheme(epn_folder)

    assert first.article(make_view()) == second.article(make_view())
    assert first.version == second.version
    assert first.assets == second.assets


def test_two_revisions_never_share_their_bytes(theme: MinijinjaTheme, make_view: MakeView) -> None:
    page = tree_of(theme.article(make_view()).decode())

    assert page.xpath("//meta[@name='revision']/@content") == ["20250213004400000-0000000001-000"]


def test_a_correction_shows_its_note_and_its_time(page_of: PageOf) -> None:
    page = tree_of(page_of(correction_note="It was 4, not 2."))

    assert "It was 4, not 2." in page.xpath("string(//aside[@class='correction'])")
    assert len(page.xpath("//aside[@class='correction']//time/@datetime")) == 1


def test_the_headline_is_the_only_h1(page_of: PageOf, picture: CardPicture) -> None:
    page = tree_of(
        page_of(picture=picture, body="<p>A</p><h2 id='b'>B</h2><p>C</p>", correction_note="It was 4, not 2.")
    )

    assert page.xpath("//h1/text()") == ["The ferry is back on the river"]


def test_everything_the_newsroom_wrote_is_on_the_page(page_of: PageOf) -> None:
    page = page_of(
        kicker="Live",
        standfirst="A toll on lorries pays for it.",
        byline="EPN Desk",
        dateline="Lower Marrin",
        topics=[{"name": "Transport"}],
        entities=[{"name": "Ottilie Varga", "kind": "person"}],
        correction_note="The cost is 4.2 million.",
        rights={"notice": "Not for syndication."},
        body="<p>The boat is back.</p><h2 id='next'>What comes next</h2>",
    )

    shown = tree_of(page).xpath("string(//main)")
    for words in (
        "Live",
        "A toll on lorries pays for it.",
        "EPN Desk",
        "Lower Marrin",
        "Transport",
        "Ottilie Varga",
        "The cost is 4.2 million.",
        "Not for syndication.",
        "The boat is back.",
        "What comes next",
    ):
        assert words in shown


def test_times_are_shown_in_the_sites_zone(page_of: PageOf) -> None:
    assert '<time dir="auto" datetime="2025-02-13T06:14:00+05:30">13 February 2025 06:14</time>' in page_of()


def test_updated_is_shown_only_if_the_text_changed(page_of: PageOf) -> None:
    assert "Updated" not in page_of()

    corrected = page_of(updated_at=datetime(2025, 2, 13, 4, 10, tzinfo=UTC))

    assert "Updated" in corrected
    assert "13 February 2025 09:40" in corrected


def test_text_of_the_newsroom_is_never_markup(page_of: PageOf, picture: CardPicture) -> None:
    page = page_of(
        headline=HOSTILE,
        kicker=HOSTILE,
        standfirst=HOSTILE,
        byline=HOSTILE,
        dateline=HOSTILE,
        correction_note=HOSTILE,
        topics=[{"name": HOSTILE}],
        entities=[{"name": HOSTILE}],
        picture=picture.model_copy(update={"alt": HOSTILE}),
        rights={"notice": HOSTILE},
    )

    tree = tree_of(page)
    assert "<script>alert" not in page
    assert not tree.xpath("//*[@onerror]")
    assert not tree.xpath("//img[@src='x']")
    assert len(tree.xpath("//script")) == 3
    assert tree.xpath("//h1/text()") == [HOSTILE]
    assert tree.xpath("//img/@alt") == [HOSTILE]


def test_the_body_keeps_its_markup(page_of: PageOf) -> None:
    assert "<blockquote><p>Two towns</p></blockquote>" in page_of(body="<blockquote><p>Two towns</p></blockquote>")


def test_a_headline_cannot_end_the_json_ld(page_of: PageOf) -> None:
    headline = "</script><script>alert(1)</script> & \u2028 <!--"
    page = page_of(headline=headline)

    assert len(tree_of(page).xpath("//script")) == 3
    assert "\u2028" not in page.split("ld+json")[1].split("</script>")[0]
    # The model normalises white space; apart from it, the headline is the same.
    assert json_ld(page)["headline"] == " ".join(headline.split())


def test_the_json_ld_matches_the_page(page_of: PageOf, picture: CardPicture) -> None:
    described = json_ld(
        page_of(picture=picture, authors=[{"name": "Ilka Moreau"}], updated_at=datetime(2025, 2, 13, 4, 10, tzinfo=UTC))
    )

    assert described["@type"] == "NewsArticle"
    assert described["datePublished"] == "2025-02-13T06:14:00+05:30"
    assert described["dateModified"] == "2025-02-13T09:40:00+05:30"
    url = "https://epn.example/authors/ilka-moreau/"
    assert described["author"] == [{"@type": "Person", "name": "Ilka Moreau", "url": url}]
    assert described["image"][0]["url"] == "https://epn.example/media/0a1b/1200.jpg"
    assert described["articleSection"] == "World"
    assert described["inLanguage"] == "en"


def test_the_site_is_an_organisation_and_an_author_is_a_person(page_of: PageOf) -> None:
    assert json_ld(page_of(byline="EPN Desk"))["author"] == [{"@type": "Organization", "name": "EPN Desk"}]
    assert json_ld(page_of(byline="Ilka Moreau"))["author"] == [{"@type": "Person", "name": "Ilka Moreau"}]
    assert json_ld(page_of())["author"][0]["name"] == "EPN"


def test_the_canonical_address_is_the_senders_or_our_own(page_of: PageOf) -> None:
    canonical = "//link[@rel='canonical']/@href"

    assert tree_of(page_of()).xpath(canonical) == ["https://epn.example/world/2025/02/13/ferry-back-abc123/"]
    elsewhere = page_of(canonical_url="https://first.example/ferry")
    assert tree_of(elsewhere).xpath(canonical) == ["https://first.example/ferry"]


def test_a_picture_has_its_size_and_credit(page_of: PageOf, picture: CardPicture) -> None:
    words = {"caption": "The north landing.", "credit": "Jun Castellane"}
    page = tree_of(page_of(picture=picture, facts_picture=words))

    (image,) = page.xpath("//figure/img")
    assert (image.get("width"), image.get("height"), image.get("alt")) == ("1200", "800", "A ferry at dusk")
    assert page.xpath("string(//figcaption/*[@class='caption'])") == "The north landing."
    assert page.xpath("string(//figcaption/*[@class='credit'])") == "Picture: Jun Castellane"
    assert page.xpath("//meta[@property='og:image']/@content") == ["https://epn.example/media/0a1b/1200.jpg"]


def test_a_caption_without_its_picture_still_shows(page_of: PageOf) -> None:
    page = tree_of(page_of(facts_picture={"caption": "US President"}))

    assert not page.xpath("//figure//img")
    assert page.xpath("//figure/*[@aria-hidden='true']")
    assert page.xpath("string(//figcaption)").strip() == "US President"


def test_a_page_without_a_picture_has_no_figure(page_of: PageOf) -> None:
    page = tree_of(page_of())

    assert not page.xpath("//figure | //img")
    assert not page.xpath("//meta[@property='og:image']")


def test_an_arabic_story_is_right_to_left_with_arabic_labels(page_of: PageOf) -> None:
    page = tree_of(page_of(language="ar", direction=Direction.RTL, headline="العبّارة تعود"))

    assert (page.get("lang"), page.get("dir")) == ("ar", "rtl")
    assert page.xpath("string(//*[@id='epn-rail-latest'])") == "آخر الأخبار"
    assert page.xpath("string(//main//time)") == "13 فبراير 2025 06:14"
    assert set(page.xpath("//*[@class='tagline']/bdi/@lang")) == {"en"}


@pytest.mark.parametrize(
    ("language", "latest"),
    [
        ("en-IN", "Latest News"),
        ("hi", "ताज़ा ख़बरें"),
        ("de-AT", "Neueste Nachrichten"),
        ("fr", "Dernières nouvelles"),
        ("es", "Últimas noticias"),
    ],
)
def test_labels_are_in_the_storys_language(page_of: PageOf, language: str, latest: str) -> None:
    title = tree_of(page_of(language=language)).xpath("//*[@id='epn-rail-latest']")[0]

    assert title.text_content() == latest
    assert not title.xpath("./bdi")


def test_untranslated_labels_are_marked_as_english(page_of: PageOf) -> None:
    page = tree_of(page_of(language="xh"))

    (title,) = page.xpath("//*[@id='epn-rail-latest']/bdi")
    assert (title.text, title.get("lang"), title.get("dir")) == ("Latest News", "en", "ltr")


def test_nothing_is_loaded_from_another_site(page_of: PageOf, picture: CardPicture) -> None:
    page = tree_of(page_of(picture=picture))

    fetched = page.xpath("//script/@src | //img/@src | //iframe/@src | //link[not(@rel='canonical')]/@href")
    assert fetched
    assert all(re.match(r"/[^/]", address) for address in fetched)


def test_a_strict_content_policy_is_possible(page_of: PageOf, picture: CardPicture) -> None:
    page = tree_of(page_of(picture=picture))

    assert not page.xpath("//style | //*[@style] | //*[@onclick]")
    assert set(page.xpath("//script[not(@src)]/@type")) == {"application/ld+json"}


def test_every_link_has_an_existing_target(page_of: PageOf) -> None:
    page = tree_of(page_of())

    inner = {link for link in page.xpath("//a/@href") if link.startswith(("/", "#"))}
    assert inner == {"/", "/news/", "/world/", "/archive/", "/search/", "/feed.xml", "#epn-main", "#epn-top"}
    assert page.xpath("//*[@id='epn-main']")
    assert page.xpath("//*[@id='epn-top']")


def test_sharing_needs_no_script(page_of: PageOf) -> None:
    links = tree_of(page_of(headline="Salt & bread: 100%?")).xpath("//*[@class='share']//a/@href")

    assert links[0] == (
        "mailto:?subject=Salt%20%26%20bread%3A%20100%25%3F"
        "&body=https%3A%2F%2Fepn.example%2Fworld%2F2025%2F02%2F13%2Fferry-back-abc123%2F"
    )
    assert [link.split("/")[2] for link in links[1:]] == ["wa.me", "x.com", "www.facebook.com"]


def test_the_latest_news_are_included_by_edge_or_script_or_stay_a_link(page_of: PageOf) -> None:
    page = page_of()
    tree = tree_of(page)

    assert '<!--esi <esi:include src="/_rail/latest.html" onerror="continue"/> -->' in page
    assert tree.xpath("//*[@data-rail='/_rail/latest.html']")
    assert len(tree.xpath("//*[@class='rail__more']/a[@href='/']")) == 1


def test_a_page_of_700_words_stays_under_12_kb(page_of: PageOf, picture: CardPicture) -> None:
    words = (f"w{number * 7919 % 104729:x}" for number in range(700))  # harder to compress than any prose
    page = page_of(picture=picture, body=f"<p>{' '.join(words)}</p>", standfirst="A toll on lorries pays for it.")

    assert len(zlib.compress(page.encode())) < 12_000


def test_no_sub_head_has_an_id_of_the_page(page_of: PageOf) -> None:
    own = re.findall(r'\bid="([^"]+)"', page_of(correction_note="A figure was mended."))

    assert own
    assert [name for name in own if not name.startswith("epn-")] == []
