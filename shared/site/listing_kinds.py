"""The registry of listing kinds: a new kind needs an entry here and a template in the theme.

A form's patterns hold `{section}`, `{slug}` (of a topic's or author's page), `{day}` (2026-11-01), `{month}`, and in
paths also `{yyyy}`, `{mm}`, `{dd}` and `{part}`. Listings of a form without a slug or a date are permanent: each site
has them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from shared.site.sites import Site

ALL = "all"
MAX_CARDS_PER_PART = 200  # of a day's page or sitemap; a day with more cards has several parts
HTML = "text/html; charset=utf-8"

_FRONT = "public, max-age=10, s-maxage=600, stale-while-revalidate=30"
_CALENDAR = "public, max-age=60, s-maxage=3600, stale-while-revalidate=60"
_FEED = "public, max-age=60, s-maxage=600, stale-while-revalidate=60"
_STATIC = "public, max-age=3600, s-maxage=86400"
_XML, _TEXT = "application/xml; charset=utf-8", "text/plain; charset=utf-8"


class ListingKind(StrEnum):
    """The names of the kinds."""

    HOME = "home"
    SECTION = "section"
    TOPIC = "topic"
    AUTHOR = "author"
    ARCHIVE = "archive"  # months
    MONTH = "month"  # days
    DAY = "day"  # cards
    RAIL = "rail"
    RAIL_DAY = "rail-day"
    RSS = "rss"
    ATOM = "atom"
    JSON_FEED = "json-feed"
    SITEMAP_INDEX = "sitemap-index"
    SITEMAP = "sitemap"
    SITEMAP_FRONTS = "sitemap-fronts"
    SITEMAP_NEWS = "sitemap-news"
    ROBOTS = "robots"
    LLMS = "llms"
    OPEN_SEARCH = "open-search"
    MANIFEST = "manifest"
    SEARCH = "search"
    RECENT = "recent"
    NOT_FOUND = "not-found"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Form:
    """Patterns of a listing's name, path and content: a membership (`topic:{slug}`), the days of a scope, or both.

    `part_path` is the path of the second part and further ones, for listings that have parts.
    """

    name: str
    path: str
    membership: str = ""
    day_scope: str = ""  # `all`, or `{section}`
    part_path: str = ""


@dataclass(frozen=True, slots=True)
class KindDefinition:
    """The rendering, caching and refreshing of one kind of listing.

    `limit`: the maximal number of cards, in each part of a listing with parts. `span`: the days of its scope that a
    listing names: all, those of its month, or the next older day. `refresh`: the minimal time between two PUTs, in
    listing intervals of the site.
    """

    kind: ListingKind
    renderer: str  # in services/render/handler/listing_renderers.py
    forms: tuple[Form, ...]
    limit: Callable[[Site], int] = lambda _: 0
    span: Literal["all", "month", "older"] = "all"
    content_type: str = HTML
    cache_control: str = _CALENDAR
    refresh: int = 10
    is_front: bool = False  # it shows the newest articles: rendered before the calendar
    has_pins: bool = False  # editors' pins come first
    has_text: bool = False  # it shows the articles' texts if the site's `feed_text` is `full`
    is_linked_by_articles: bool = False
    is_on: Callable[[Site], bool] = lambda _: True


def _feed(kind: ListingKind, name: str, file: str, content_type: str) -> KindDefinition:
    forms = (
        Form(f"feed.{name}", file, membership=ALL),
        Form(f"feed.{name}.{{section}}", f"{{section}}/{file}", membership="section:{section}"),
    )
    return KindDefinition(
        kind,
        f"feed.{name}",
        forms,
        limit=lambda site: site.feed_items,
        content_type=content_type,
        cache_control=_FEED,
        refresh=3,
        is_front=True,
        has_text=True,
    )


def _linked_by_articles(kind: ListingKind, name: str, folder: str) -> KindDefinition:
    return KindDefinition(
        kind,
        "cards",
        (Form(f"{name}.{{slug}}", f"{folder}/{{slug}}/index.html", membership=f"{name}:{{slug}}"),),
        limit=lambda site: site.front_cards,
        cache_control=_FRONT,
        refresh=5,
        is_linked_by_articles=True,
    )


KINDS: tuple[KindDefinition, ...] = (
    KindDefinition(
        ListingKind.HOME,
        "front",
        (Form("home", "index.html", membership=ALL),),
        limit=lambda site: site.home_cards,
        cache_control=_FRONT,
        refresh=1,
        is_front=True,
        has_pins=True,
    ),
    KindDefinition(
        ListingKind.SECTION,
        "front",
        (Form("section.{section}", "{section}/index.html", membership="section:{section}"),),
        limit=lambda site: site.front_cards,
        cache_control=_FRONT,
        refresh=1,
        is_front=True,
        has_pins=True,
    ),
    KindDefinition(
        ListingKind.RAIL,
        "rail",
        (Form("rail.latest", "_rail/latest.html", membership=ALL),),
        limit=lambda site: site.rail_cards,
        cache_control=_FRONT,
        refresh=1,
        is_front=True,
    ),
    _feed(ListingKind.RSS, "rss", "feed.xml", "application/rss+xml; charset=utf-8"),
    _feed(ListingKind.ATOM, "atom", "atom.xml", "application/atom+xml; charset=utf-8"),
    _feed(ListingKind.JSON_FEED, "json", "feed.json", "application/feed+json; charset=utf-8"),
    KindDefinition(
        ListingKind.SITEMAP_NEWS,
        "sitemap.news",
        (Form("sitemap.news", "sitemap-news.xml", membership=ALL),),
        limit=lambda _: 1000,
        content_type=_XML,
        cache_control=_FEED,
        refresh=3,
        is_front=True,
    ),
    _linked_by_articles(ListingKind.TOPIC, "topic", "topics"),
    _linked_by_articles(ListingKind.AUTHOR, "author", "authors"),
    KindDefinition(
        ListingKind.DAY,
        "cards",
        (
            Form(
                "day.{day}",
                "archive/{yyyy}/{mm}/{dd}/index.html",
                membership="day:{day}",
                part_path="archive/{yyyy}/{mm}/{dd}/{part}/index.html",
            ),
            Form(
                "day.{section}.{day}",
                "{section}/{yyyy}/{mm}/{dd}/index.html",
                membership="sday:{section}:{day}",
                part_path="{section}/{yyyy}/{mm}/{dd}/{part}/index.html",
            ),
        ),
        limit=lambda _: MAX_CARDS_PER_PART,
    ),
    KindDefinition(
        ListingKind.MONTH,
        "days",
        (
            Form("month.{month}", "archive/{yyyy}/{mm}/index.html", day_scope=ALL),
            Form("month.{section}.{month}", "{section}/{yyyy}/{mm}/index.html", day_scope="{section}"),
        ),
        span="month",
    ),
    KindDefinition(
        ListingKind.ARCHIVE,
        "days",
        (
            Form("archive", "archive/index.html", day_scope=ALL),
            Form("archive.{section}", "{section}/archive/index.html", day_scope="{section}"),
        ),
    ),
    KindDefinition(
        ListingKind.RAIL_DAY,
        "rail",
        (Form("rail.{day}", "_rail/{day}.html", membership="day:{day}", day_scope=ALL),),
        limit=lambda _: MAX_CARDS_PER_PART,
        span="older",
        cache_control=_FRONT,
    ),
    KindDefinition(
        ListingKind.SITEMAP_INDEX, "sitemap.index", (Form("sitemap", "sitemap.xml", day_scope=ALL),), content_type=_XML
    ),
    KindDefinition(
        ListingKind.SITEMAP_FRONTS,
        "sitemap.fronts",
        (Form("sitemap.fronts", "sitemaps/fronts.xml", day_scope=ALL),),
        content_type=_XML,
    ),
    KindDefinition(
        ListingKind.SITEMAP,
        "sitemap.day",
        (Form("sitemap.{day}", "sitemaps/{day}.xml", membership="day:{day}", part_path="sitemaps/{day}.{part}.xml"),),
        limit=lambda _: MAX_CARDS_PER_PART,
        content_type=_XML,
    ),
    KindDefinition(
        ListingKind.RECENT,
        "recent",
        (Form("recent", "search/recent.json", membership=ALL),),
        limit=lambda site: site.search_cards,
        content_type="application/json; charset=utf-8",
        cache_control=_FEED,
        refresh=3,
    ),
    KindDefinition(ListingKind.SEARCH, "search", (Form("search", "search/index.html"),)),
    KindDefinition(
        ListingKind.ROBOTS, "robots", (Form("robots", "robots.txt"),), content_type=_TEXT, cache_control=_STATIC
    ),
    KindDefinition(
        ListingKind.LLMS,
        "llms",
        (Form("llms", "llms.txt"),),
        content_type="text/markdown; charset=utf-8",
        cache_control=_STATIC,
        is_on=lambda site: site.has_llms_txt,
    ),
    KindDefinition(
        ListingKind.OPEN_SEARCH,
        "open-search",
        (Form("open-search", "opensearch.xml"),),
        content_type="application/opensearchdescription+xml; charset=utf-8",
        cache_control=_STATIC,
    ),
    KindDefinition(
        ListingKind.MANIFEST,
        "manifest",
        (Form("manifest", "manifest.webmanifest"),),
        content_type="application/manifest+json; charset=utf-8",
        cache_control=_STATIC,
    ),
    KindDefinition(
        ListingKind.NOT_FOUND, "not-found", (Form("not-found", "404.html"),), cache_control=_FRONT, is_front=True
    ),
    KindDefinition(ListingKind.GONE, "gone", (Form("gone", "410.html"),), cache_control=_FRONT, is_front=True),
)
