"""The small files for crawlers, browsers and the search page."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from urllib.robotparser import RobotFileParser

import pytest
from lxml import etree

from services.render.domain.machine_readable import Icon, llms, manifest, open_search, recent, robots
from shared.model.card import Card
from shared.site.listings import find_listing, listing_at, permanent_listings
from shared.site.sites import Site

MakeCard = Callable[..., Card]
OPEN_SEARCH = {"o": "http://a9.com/-/spec/opensearch/1.1/"}


def test_every_crawler_may_read_everything_but_the_fragments(site: Site) -> None:
    rules = RobotFileParser()
    rules.parse(robots(site).decode().splitlines())

    for name in ("Googlebot", "GPTBot", "anybody"):
        for path in ("/", "/world/", "/search/?q=ferry", "/feed.xml", "/media/0a1b/1200.jpg", "/assets/epn-page.css"):
            assert rules.can_fetch(name, f"https://epn.example{path}"), (name, path)
        assert not rules.can_fetch(name, "https://epn.example/_rail/latest.html")


def test_robots_names_both_sitemaps(site: Site) -> None:
    rules = RobotFileParser()
    rules.parse(robots(site).decode().splitlines())

    found = [address.removeprefix("https://epn.example/") for address in rules.site_maps() or ()]

    listings = [listing_at(site, path) for path in found]
    assert [listing.name for listing in listings if listing] == ["sitemap", "sitemap.news"]


def test_there_is_no_llms_txt_unless_the_site_wants_one(site: Site) -> None:
    assert find_listing(site, "llms") is None
    assert "llms" in permanent_listings(site.model_copy(update={"has_llms_txt": True}))


def test_llms_txt_links_only_to_existing_files(site: Site) -> None:
    text = llms(site).decode()

    assert text.startswith("# EPN\n\n> Connecting Communities, One Page at a Time.\n")
    addresses = [part.partition(")")[0] for part in text.split("](https://epn.example/")[1:]]
    assert addresses == ["feed.json", "news/feed.json", "world/feed.json", "archive/", "sitemap.xml"]
    for address in addresses:
        assert listing_at(site, f"{address}index.html" if address.endswith("/") else address), address


def test_a_browser_is_offered_the_sites_search(site: Site) -> None:
    long = site.model_copy(update={"name": "The <Evening> Post & Northern Advertiser", "tagline": "t" * 2000})

    for each in (site, long):
        root = etree.fromstring(open_search(each))
        (url,) = root.findall("o:Url", namespaces=OPEN_SEARCH)
        assert dict(url.items()) == {"type": "text/html", "template": "https://epn.example/search/?q={searchTerms}"}
        assert 0 < len(root.findtext("o:ShortName", namespaces=OPEN_SEARCH) or "") <= 16
        assert 0 < len(root.findtext("o:Description", namespaces=OPEN_SEARCH) or "") <= 1024
        assert root.findtext("o:InputEncoding", namespaces=OPEN_SEARCH) == "UTF-8"


@pytest.mark.parametrize(("language", "direction"), [("en", "ltr"), ("ar", "rtl")])
def test_the_manifest_names_the_site_and_the_themes_icons(site: Site, language: str, direction: str) -> None:
    icons = (Icon("/assets/a.svg", "any", "image/svg+xml"), Icon("/assets/b.png", "512x512", "image/png", "maskable"))

    described = json.loads(manifest(site.model_copy(update={"language": language}), icons, "#f6faf9"))

    assert described["short_name"] == "EPN"
    assert (described["start_url"], described["scope"], described["id"]) == ("/", "/", "/")
    assert (described["lang"], described["dir"]) == (language, direction)
    assert described["icons"] == [
        {"src": "/assets/a.svg", "sizes": "any", "type": "image/svg+xml", "purpose": "any"},
        {"src": "/assets/b.png", "sizes": "512x512", "type": "image/png", "purpose": "maskable"},
    ]
    assert (described["theme_color"], described["background_color"]) == ("#f6faf9", "#f6faf9")


def test_a_theme_without_a_background_leaves_the_colours_to_the_browser(site: Site) -> None:
    assert not [name for name in json.loads(manifest(site, (), None)) if "color" in name]


def test_the_search_data_has_the_fields_that_readers_search(site: Site, make_card: MakeCard) -> None:
    card = make_card(standfirst="A toll pays for it.", topics=("Ports",))

    described = json.loads(recent(site, (card, make_card(2))))

    assert described == {
        "v": 1,
        "items": [
            {
                "u": "/world/2025/02/13/story-1/",
                "h": "Story 1",
                "s": "A toll pays for it.",
                "k": "World",
                "t": "2025-02-13T06:14+05:30",
                "p": ["Ports"],
            },
            {"u": "/world/2025/02/13/story-2/", "h": "Story 2", "k": "World", "t": "2025-02-13T06:14+05:30"},
        ],
    }


def test_the_search_data_has_a_limit(site: Site, make_card: MakeCard) -> None:
    dice = random.Random(4)  # noqa: S311 - words for a test
    words = ["".join(dice.choices("abcdefghijklmnopqrstuvwxyz", k=dice.randint(2, 11))) for _ in range(6000)]

    def some(count: int) -> str:
        return " ".join(dice.choices(words, k=count))

    cards = [
        make_card(number, headline=some(11), standfirst=some(60), topics=tuple(some(2) for _ in range(9)))
        for number in range(700)
    ]

    body = recent(site, cards)

    assert len(json.loads(body)["items"]) == site.search_cards == 500
    assert len(gzip.compress(body)) < 100_000


def test_a_standfirst_in_the_search_file_ends_with_a_word_or_a_whole_cluster(site: Site, make_card: MakeCard) -> None:
    family = "\U0001f469\u200d\U0001f469\u200d\U0001f467"
    cards = (make_card(1, standfirst="word " * 60), make_card(2, standfirst=family * 60))

    first, second = (item["s"] for item in json.loads(recent(site, cards))["items"])

    assert first == "word " * 31 + "word\u2026"
    assert second == family * 31 + "\u2026"
