"""The sitemaps: every page, once, in files that change only if their pages change."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from services.render.domain.machine_readable import sitemap_day, sitemap_fronts, sitemap_index, sitemap_news
from shared.model.card import Card
from shared.model.slug import page_name
from shared.site.keys import INDEX_DOCUMENT
from shared.site.listings import listing_at, listing_of
from shared.site.memberships import memberships_of
from shared.site.sites import Site
from tests.unit.render.conftest import CREATED

SCHEMAS = Path(__file__).resolve().parents[3].parent / "shared" / "inputs" / "schemas"
NAMESPACES = {
    "s": "http://www.sitemaps.org/schemas/sitemap/0.9",
    "n": "http://www.google.com/schemas/sitemap-news/0.9",
}
DAYS = ("2025-02-13", "2025-02-12", "2025-01-31")
PARTS = dict.fromkeys(DAYS, 1)
HOSTILE = "<b>]]> & \"'\x00\x1f\uffff \U0001f6a2 \u202e"

MakeCard = Callable[..., Card]


def read(body: bytes, path: str) -> Any:
    return etree.fromstring(body).xpath(path, namespaces=NAMESPACES)


def locations(body: bytes) -> list[str]:
    found = [address.removeprefix("https://epn.example/") for address in read(body, "//s:loc/text()")]
    assert not [address for address in found if ":" in address]
    return found


def day(site: Site, *cards: Card) -> bytes:
    return sitemap_day(site, listing_of(site, "sitemap.2025-02-13"), cards)


@pytest.fixture
def cards(make_card: MakeCard) -> tuple[Card, ...]:
    return (
        make_card(1, topics=("Ports", "Tolls & rivers"), authors=("Mira Solen",), headline=HOSTILE, language="zh-Hant"),
        make_card(2, topics=("ports",), section="news", language="pt-BR"),
        make_card(3, section="of-old", language="zh-Hans-CN"),
    )


def test_the_index_names_the_fronts_and_every_day_and_dates_only_the_newest(site: Site) -> None:
    body = sitemap_index(site, PARTS)

    assert locations(body) == ["sitemaps/fronts.xml", *(f"sitemaps/{each}.xml" for each in DAYS)]
    assert read(body, "//s:sitemap[s:lastmod]/s:loc/text()") == ["https://epn.example/sitemaps/2025-02-13.xml"]
    assert read(body, "//s:lastmod/text()") == ["2025-02-13"]


def test_the_index_names_the_parts_of_a_day(site: Site) -> None:
    body = sitemap_index(site, {"2025-02-13": 2, "2025-02-12": 1})

    days = ["sitemaps/2025-02-13.xml", "sitemaps/2025-02-13.2.xml", "sitemaps/2025-02-12.xml"]
    assert locations(body) == ["sitemaps/fronts.xml", *days]
    assert read(body, "//s:lastmod/text()") == ["2025-02-13", "2025-02-13"]


def test_a_new_day_of_a_known_month_does_not_change_the_fronts_sitemap(site: Site) -> None:
    assert sitemap_fronts(site, DAYS) == sitemap_fronts(site, (DAYS[0], DAYS[2]))


def test_the_fronts_sitemap_has_the_permanent_pages_and_the_months(site: Site) -> None:
    assert locations(sitemap_fronts(site, DAYS)) == [
        "",
        *("news/", "news/archive/", "world/", "world/archive/"),
        *("archive/", "archive/2025/02/", "archive/2025/01/"),
    ]


def test_a_days_sitemap_names_its_articles_and_each_page_that_lists_them_once(
    site: Site, cards: tuple[Card, ...]
) -> None:
    assert locations(day(site, *cards)) == [
        *(f"world/2025/02/13/story-{number}/" for number in (1, 2, 3)),
        "archive/2025/02/13/",
        *("news/2025/02/13/", "news/2025/02/"),
        *("world/2025/02/13/", "world/2025/02/"),
        *("topics/ports/", f"topics/{page_name('Tolls & rivers')}/", "authors/mira-solen/"),
    ]


def test_an_article_with_a_canonical_address_elsewhere_is_in_no_sitemap_but_its_lists_are(
    site: Site, make_card: MakeCard
) -> None:
    ours, copied = make_card(1), make_card(2, topics=("Ports",), is_canonical=False)

    assert locations(day(site, ours, copied)) == [
        "world/2025/02/13/story-1/",
        *("archive/2025/02/13/", "world/2025/02/13/", "world/2025/02/"),
        "topics/ports/",
    ]
    assert locations(sitemap_news(site, (copied, ours))) == ["world/2025/02/13/story-1/"]


def test_a_sitemap_names_no_missing_page(site: Site, make_card: MakeCard) -> None:
    named = make_card(1, topics=tuple(f"T{number}" for number in range(20)), authors=("A", "B"), byline="Somebody")

    of_articles = {named.path}
    of_lists = {f"{address}{INDEX_DOCUMENT}" for address in locations(day(site, named))} - of_articles

    found = {listing.membership for path in of_lists if (listing := listing_at(site, path)) and listing.limit}
    assert found == {
        each for each in memberships_of(site, named) if each.partition(":")[0] in ("day", "sday", "topic", "author")
    }
    assert all(listing_at(site, path) for path in of_lists)


def test_a_part_of_a_day_names_its_part_of_the_days_page_and_not_the_others(site: Site, make_card: MakeCard) -> None:
    second = sitemap_day(site, listing_of(site, "sitemap.2025-02-13.2"), [make_card(1)])

    assert locations(second) == [
        "world/2025/02/13/story-1/",
        *("archive/2025/02/13/2/", "world/2025/02/13/", "world/2025/02/"),
    ]


def test_a_day_without_articles_names_nothing(site: Site) -> None:
    assert locations(day(site)) == []


def test_the_news_sitemap_has_the_fields_that_google_requires(site: Site, cards: tuple[Card, ...]) -> None:
    body = sitemap_news(site, cards)

    assert len(locations(body)) == len(cards)
    for entry in read(body, "/s:urlset/s:url"):
        (news,) = entry.xpath("n:news", namespaces=NAMESPACES)
        assert [child.tag.rpartition("}")[2] for child in news] == ["publication", "publication_date", "title"]
        assert news.findtext("n:publication/n:name", namespaces=NAMESPACES) == "EPN"
        assert datetime.fromisoformat(news.findtext("n:publication_date", namespaces=NAMESPACES)) == CREATED
        assert news.findtext("n:title", namespaces=NAMESPACES).strip()
    assert read(body, "//n:language/text()") == ["zh-tw", "pt", "zh-cn"]
    assert read(body, "//n:title/text()")[0] == re.sub("[\x00\x1f\uffff]", "", HOSTILE)


def test_the_news_sitemap_has_a_thousand_articles_at_most(site: Site, make_card: MakeCard) -> None:
    many = [make_card(number) for number in range(1001)]

    assert len(locations(sitemap_news(site, many))) == 1000


def test_a_corrected_text_changes_no_sitemap(site: Site, cards: tuple[Card, ...]) -> None:
    corrected = tuple(card.model_copy(update={"updated_at": CREATED + timedelta(days=1)}) for card in cards)

    assert day(site, *corrected) == day(site, *cards)
    assert sitemap_news(site, corrected) == sitemap_news(site, cards)


@pytest.mark.skipif(not SCHEMAS.is_dir(), reason="the sitemaps' schemas (../shared/inputs/schemas) are not here")
def test_every_sitemap_is_valid_against_its_schema(site: Site, cards: tuple[Card, ...]) -> None:
    of_index = etree.XMLSchema(etree.parse(SCHEMAS / "siteindex.xsd"))
    of_urls = _schema("sitemap.xsd", "sitemap-news.xsd")

    of_index.assertValid(etree.fromstring(sitemap_index(site, PARTS)))
    for body in (sitemap_fronts(site, DAYS), day(site, *cards), sitemap_news(site, cards)):
        of_urls.assertValid(etree.fromstring(body))


def _schema(*files: str) -> etree.XMLSchema:
    """Return several schemas as one, because a news sitemap has elements of two."""
    imports = "".join(
        f'<xsd:import namespace="{etree.parse(SCHEMAS / file).getroot().get("targetNamespace")}"'
        f' schemaLocation="{(SCHEMAS / file).as_uri()}"/>'
        for file in files
    )
    return etree.XMLSchema(
        etree.fromstring(f'<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema">{imports}</xsd:schema>')
    )
