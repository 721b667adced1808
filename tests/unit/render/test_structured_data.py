"""The structured data of pages: schema.org for search engines, OpenGraph for social networks."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from lxml import html

from services.render.domain.jsonld import article_json_ld, front_json_ld, json_for_script
from services.render.domain.open_graph import article_share_tags, share_tags
from services.render.domain.view import cards_view
from shared.model.article import EnrichedArticle
from shared.model.card import Card, CardPicture
from shared.model.text import one_line
from shared.site.keys import INDEX_DOCUMENT
from shared.site.listings import listing_of
from shared.site.sites import Site
from tests.unit.render.conftest import CREATED, PATH

URL = f"https://epn.example/{PATH.removesuffix(INDEX_DOCUMENT)}"
UPDATED = CREATED + timedelta(hours=2)
MANY = [{"name": f"Person {number}"} for number in range(10)]
SITES_OWN = {
    "logo_url": "/logo.png",
    "corrections_url": "/corrections/",
    "principles_url": "https://house.example/principles",
    "social_urls": ("https://social.example/epn",),
}

MakeArticle = Callable[..., EnrichedArticle]
MakeCard = Callable[..., Card]


def described(blocks: tuple[str, ...]) -> dict[str, Any]:
    """Return the blocks by their `@type`."""
    found = {each["@type"]: each for each in map(json.loads, blocks)}
    assert len(found) == len(blocks)
    assert {each["@context"] for each in found.values()} == {"https://schema.org"}
    return found


def crumbs(block: dict[str, Any]) -> list[tuple[int, str, str]]:
    return [(each["position"], each["name"], each["item"]) for each in block["itemListElement"]]


def addresses(value: object) -> list[str]:
    """Return every address in structured data."""
    if isinstance(value, dict):
        own = [each for key, each in value.items() if key in ("url", "@id", "item", "sameAs") and isinstance(each, str)]
        return own + [found for each in value.values() for found in addresses(each)]
    return [found for each in value for found in addresses(each)] if isinstance(value, list) else []


def of_article(article: EnrichedArticle, site: Site, picture: CardPicture | None = None) -> dict[str, Any]:
    return described(
        article_json_ld(
            article,
            site=site,
            url=URL,
            canonical_url=URL,
            created_at=CREATED,
            updated_at=UPDATED,
            picture=picture,
        )
    )


def test_an_article_has_all_properties_that_search_engines_ask_for(
    site: Site, make_article: MakeArticle, picture: CardPicture
) -> None:
    article = make_article(
        authors=[{"name": "Mira Solen"}],
        picture={"caption": "At dusk", "credit": "A. Rao"},
        topics=[{"name": "Ports"}],
        keywords=["ferry", "Ports"],
        dateline="Lower Marrin",
        correction_note="The cost is 4.2 million.",
        rights={"holder": "EPN", "notice": "Not for syndication."},
    )

    found = of_article(article, site.model_copy(update=SITES_OWN), picture)["NewsArticle"]

    house = {
        "@type": "NewsMediaOrganization",
        "name": "EPN",
        "url": "https://epn.example/",
        "logo": {"@type": "ImageObject", "url": "https://epn.example/logo.png"},
        "publishingPrinciples": "https://house.example/principles",
        "correctionsPolicy": "https://epn.example/corrections/",
        "sameAs": ["https://social.example/epn"],
    }
    assert found == {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": "The ferry is back on the river",
        "description": "What the ferry costs, and who pays.",
        "url": URL,
        "mainEntityOfPage": {"@type": "WebPage", "@id": URL},
        "datePublished": "2025-02-13T06:14:00+05:30",
        "dateModified": "2025-02-13T08:14:00+05:30",
        "author": [{"@type": "Person", "name": "Mira Solen", "url": "https://epn.example/authors/mira-solen/"}],
        "publisher": house,
        "articleSection": "World",
        "inLanguage": "en",
        "isAccessibleForFree": True,
        "wordCount": 4,
        "keywords": ["Ports", "ferry"],
        "dateline": "Lower Marrin",
        "correction": {
            "@type": "CorrectionComment",
            "text": "The cost is 4.2 million.",
            "datePublished": "2025-02-13T06:14:00+05:30",
        },
        "copyrightNotice": "Not for syndication.",
        "copyrightHolder": {"@type": "Organization", "name": "EPN"},
        "image": [
            {
                "@type": "ImageObject",
                "url": "https://epn.example/media/0a1b/1200.jpg",
                "width": 1200,
                "height": 800,
                "caption": "At dusk",
                "creditText": "A. Rao",
            }
        ],
    }


def test_an_articles_breadcrumbs_have_its_section(site: Site, make_article: MakeArticle) -> None:
    assert crumbs(of_article(make_article(), site)["BreadcrumbList"]) == [
        (1, "EPN", "https://epn.example/"),
        (2, "World", "https://epn.example/world/"),
        (3, "The ferry is back on the river", URL),
    ]


def test_an_article_of_a_removed_section_has_no_link_to_it(site: Site, make_article: MakeArticle) -> None:
    found = of_article(make_article(section="of-old"), site)["BreadcrumbList"]

    assert [name for _, name, _ in crumbs(found)] == ["EPN", "The ferry is back on the river"]


def test_only_authors_with_a_page_have_a_link(site: Site, make_article: MakeArticle) -> None:
    authors = of_article(make_article(authors=MANY), site)["NewsArticle"]["author"]

    assert [author["name"] for author in authors] == [person["name"] for person in MANY]
    assert ["url" in author for author in authors] == [True] * 8 + [False] * 2


@pytest.mark.parametrize(
    ("byline", "author"),
    [
        ("EPN Desk", [{"@type": "Organization", "name": "EPN Desk"}]),
        ("Mira Solen", [{"@type": "Person", "name": "Mira Solen"}]),
        (None, [{"@type": "NewsMediaOrganization", "name": "EPN", "url": "https://epn.example/"}]),
    ],
)
def test_every_article_has_an_author(
    site: Site, make_article: MakeArticle, byline: str | None, author: list[dict[str, str]]
) -> None:
    assert of_article(make_article(byline=byline), site)["NewsArticle"]["author"] == author


def test_a_sites_picture_is_never_an_articles_image(site: Site, make_article: MakeArticle) -> None:
    house = site.model_copy(update={"share_picture_url": "/share.png"})

    assert "image" not in of_article(make_article(), house)["NewsArticle"]


def test_a_picture_of_unknown_size_has_no_size(site: Site, make_article: MakeArticle, picture: CardPicture) -> None:
    sizeless = picture.model_copy(update={"width": 0, "height": 0})

    (image,) = of_article(make_article(), site, sizeless)["NewsArticle"]["image"]
    assert not {"width", "height"} & image.keys()
    tags = dict(share_tags(site, title="t", description="d", url=URL, language="en", picture=sizeless))
    assert not {"og:image:width", "og:image:height"} & tags.keys()


def test_the_front_page_describes_the_site_and_its_search(site: Site, make_card: MakeCard) -> None:
    found = described(front_json_ld(site.model_copy(update=SITES_OWN), (make_card(1), make_card(2))))

    assert set(found) == {"WebSite", "NewsMediaOrganization", "ItemList"}
    assert found["NewsMediaOrganization"]["publishingPrinciples"] == "https://house.example/principles"
    template = found["WebSite"]["potentialAction"]["target"]["urlTemplate"]
    assert template == "https://epn.example/search/?q={search_term_string}"
    assert [(each["position"], each["url"]) for each in found["ItemList"]["itemListElement"]] == [
        (1, "https://epn.example/world/2025/02/13/story-1/"),
        (2, "https://epn.example/world/2025/02/13/story-2/"),
    ]


def test_a_sections_front_has_breadcrumbs_and_does_not_describe_the_site(site: Site, make_card: MakeCard) -> None:
    found = described(front_json_ld(site, (make_card(),), section="world"))

    assert set(found) == {"BreadcrumbList", "ItemList"}
    assert crumbs(found["BreadcrumbList"]) == [
        (1, "EPN", "https://epn.example/"),
        (2, "World", "https://epn.example/world/"),
    ]


def test_a_front_without_articles_lists_none(site: Site) -> None:
    assert "ItemList" not in described(front_json_ld(site, ()))


def test_a_lists_breadcrumbs_are_the_same_for_machines_and_readers(site: Site, make_card: MakeCard) -> None:
    for name in ("topic.ports", "day.2025-02-13", "day.world.2025-02-13"):
        view = cards_view(site, listing_of(site, name), (make_card(),))

        (_, *way), own = crumbs(described(view.shell.head.json_ld)["BreadcrumbList"]), view.title
        shown = [(crumb.text, f"https://epn.example{crumb.url}") for crumb in view.crumbs]
        assert [(label, address) for _, label, address in way[:-1]] == shown[1:]
        assert way[-1][1:] == (own, view.shell.head.canonical_url)


def test_every_address_is_absolute(
    site: Site, make_article: MakeArticle, make_card: MakeCard, picture: CardPicture
) -> None:
    house = site.model_copy(update={**SITES_OWN, "principles_url": "/principles/"})
    found = [
        *of_article(make_article(authors=MANY), house, picture).values(),
        *described(front_json_ld(house, (make_card(),))).values(),
        *(json.loads(each) for each in cards_view(house, listing_of(house, "day.2025-02-13"), ()).shell.head.json_ld),
    ]

    given_out = addresses(found)

    assert len(given_out) > 15
    assert not [address for address in given_out if urlsplit(address).scheme != "https"]


@given(text=st.text())
@example(text="</script><!--<script>]]>&amp;\u2028\u2029\x00")
def test_any_text_stays_within_its_script_and_is_preserved(text: str) -> None:
    block = json_for_script({"headline": text})

    assert not set(block) & set("<>&\u2028\u2029\x00")
    assert json.loads(block) == {"headline": text}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    headline=st.text(st.characters(codec="utf-8", exclude_categories=("C", "Cs")), max_size=60)
    .map(one_line)
    .filter(bool)
)
@example(headline="</script><script>alert(1)</script>")
def test_an_html_parser_preserves_the_articles_text(site: Site, make_article: MakeArticle, headline: str) -> None:
    (block, _) = article_json_ld(
        make_article(headline=headline),
        site=site,
        url=URL,
        canonical_url=URL,
        created_at=CREATED,
        updated_at=None,
        picture=None,
    )

    page: Any = html.fromstring(f"<html><script type='application/ld+json'>{block}</script></html>")

    (script,) = page.xpath("//script/text()")
    assert json.loads(script)["headline"] == make_article(headline=headline).facts.headline


def of_shared(
    article: EnrichedArticle,
    site: Site,
    *,
    picture: CardPicture | None = None,
    updated_at: datetime | None = None,
) -> tuple[tuple[str, str], ...]:
    return article_share_tags(article, site=site, url=URL, created_at=CREATED, updated_at=updated_at, picture=picture)


def test_a_shared_article_has_its_picture_and_its_type(
    site: Site, make_article: MakeArticle, picture: CardPicture
) -> None:
    article = make_article(
        authors=[{"name": "Mira Solen"}], topics=[{"name": "Ports"}, {"name": "Tolls"}], language="pt-BR"
    )

    assert of_shared(article, site, picture=picture, updated_at=UPDATED) == (
        ("og:type", "article"),
        ("og:site_name", "EPN"),
        ("og:title", "The ferry is back on the river"),
        ("og:description", "What the ferry costs, and who pays."),
        ("og:url", URL),
        ("og:locale", "pt_BR"),
        ("og:image", "https://epn.example/media/0a1b/1200.jpg"),
        ("og:image:width", "1200"),
        ("og:image:height", "800"),
        ("og:image:alt", "A ferry at dusk"),
        ("twitter:card", "summary_large_image"),
        ("twitter:title", "The ferry is back on the river"),
        ("twitter:description", "What the ferry costs, and who pays."),
        ("twitter:image", "https://epn.example/media/0a1b/1200.jpg"),
        ("twitter:image:alt", "A ferry at dusk"),
        ("article:published_time", "2025-02-13T06:14:00+05:30"),
        ("article:modified_time", "2025-02-13T08:14:00+05:30"),
        ("article:section", "World"),
        ("article:author", "https://epn.example/authors/mira-solen/"),
        ("article:tag", "Ports"),
        ("article:tag", "Tolls"),
    )


def test_a_page_without_a_picture_is_shared_with_the_sites_picture(site: Site, make_article: MakeArticle) -> None:
    house = site.model_copy(update={"share_picture_url": "/share.png"})

    with_it, without = dict(of_shared(make_article(), house)), dict(of_shared(make_article(), site))

    assert (with_it["og:image"], with_it["twitter:card"]) == ("https://epn.example/share.png", "summary_large_image")
    assert (without.get("og:image"), without["twitter:card"]) == (None, "summary")


def test_an_article_without_changes_has_no_modified_time(site: Site, make_article: MakeArticle) -> None:
    assert "article:modified_time" not in dict(of_shared(make_article(), site))


def test_a_front_is_shared_as_a_website(site: Site) -> None:
    tags = dict(share_tags(site, title="EPN", description="d", url="https://epn.example/", language="en"))

    assert (tags["og:type"], tags["og:title"], tags["og:url"]) == ("website", "EPN", "https://epn.example/")
    assert not [name for name in tags if name.startswith("article:")]
    assert "og:locale" not in tags  # English of no country
