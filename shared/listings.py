"""Which listings there are, and where they live; which of them an article's card belongs to: `shared/sets.py`.

A listing is any output made of several cards, and every machine's file too (robots, manifest): rendered, published and
kept alike. Its name says all of it: `section.world`, `day.world.2026-11-01`, `feed.rss`, `sitemap.2026-11-01`. Names
and paths are one to one, so that what lies in the public bucket can be told from what does not belong there.

Fronts show the newest cards of one set. Older pages go by calendar: an article stands on one page of its day, and in
its section on one page of its section's day, whatever comes before or after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from shared.sites import Site
from shared.slug import is_slug

HOME = "home"
RAIL_LATEST = "rail.latest"
NOT_FOUND = "not-found"
GONE = "gone"
_ARTICLE = "article."

ALL = "all"
DAY_CARDS = 200  # of a day's page; a day with more has several
EVERYTHING = 50_000  # as many as a sitemap may hold: no day has more


class Kind(StrEnum):
    """What sort of listing it is: how it is rendered, and how long it may be cached."""

    HOME = "home"
    SECTION = "section"
    TOPIC = "topic"
    AUTHOR = "author"
    ARCHIVE = "archive"  # months
    MONTH = "month"  # days
    DAY = "day"  # cards
    RAIL = "rail"
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


CONTENT_TYPES: Mapping[Kind, str] = {
    Kind.RSS: "application/rss+xml; charset=utf-8",
    Kind.ATOM: "application/atom+xml; charset=utf-8",
    Kind.JSON_FEED: "application/feed+json; charset=utf-8",
    Kind.SITEMAP_INDEX: "application/xml; charset=utf-8",
    Kind.SITEMAP: "application/xml; charset=utf-8",
    Kind.SITEMAP_FRONTS: "application/xml; charset=utf-8",
    Kind.SITEMAP_NEWS: "application/xml; charset=utf-8",
    Kind.ROBOTS: "text/plain; charset=utf-8",
    Kind.LLMS: "text/markdown; charset=utf-8",
    Kind.OPEN_SEARCH: "application/opensearchdescription+xml; charset=utf-8",
    Kind.MANIFEST: "application/manifest+json; charset=utf-8",
    Kind.RECENT: "application/json; charset=utf-8",
}
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Listing:
    """One output at `path`: the newest `limit` cards of the set `reads`; `days`: the scope whose days it names.

    `section`, `value` (the name of a topic's or author's page, a date or month) and `part` (from 1) say which of its
    kind it is.
    """

    name: str
    kind: Kind
    path: str
    reads: str = ALL
    limit: int = 0
    days: str | None = None
    section: str | None = None
    value: str = ""
    part: int = 1

    @property
    def content_type(self) -> str:
        """Return what its object is served as."""
        return CONTENT_TYPES.get(self.kind, HTML)

    @property
    def pace(self) -> int:
        """Return at most how often it is made anew, in listing intervals: what readers look at first, each time."""
        return 1 if self.kind in (Kind.HOME, Kind.SECTION) or self.name == RAIL_LATEST else 5

    @property
    def is_front(self) -> bool:
        """Tell whether readers look here for the news of the minute: it goes before the calendar."""
        return self.kind in _FRONTS or self.name == RAIL_LATEST


_FRONTS = frozenset(
    (Kind.HOME, Kind.SECTION, Kind.RSS, Kind.ATOM, Kind.JSON_FEED, Kind.SITEMAP_NEWS, Kind.NOT_FOUND, Kind.GONE)
)
_ID = r"[a-z0-9]+(?:-[a-z0-9]+)*"
_DATE = r"\d{4}-\d{2}-\d{2}"
_NAME = re.compile(
    r"(?P<kind>topic|author)\.(?P<slug>[^./]+)"
    rf"|(?P<calendar>day|month)(?:\.(?P<section>(?!\d{{4}}-\d{{2}}){_ID}))?\.(?P<date>\d{{4}}-\d{{2}}(?:-\d{{2}})?)"
    r"(?:\.(?P<part>[1-9]\d?))?"
    rf"|(?P<daily>rail|sitemap)\.(?P<of>{_DATE})"
)
_PATH = re.compile(
    r"(?P<kind>topic|author)s/(?P<slug>[^./]+)/index\.html"
    rf"|(?P<section>{_ID})/(?P<date>\d{{4}}/\d{{2}}(?:/\d{{2}})?)/(?:(?P<part>[1-9]\d?)/)?index\.html"
    rf"|(?P<daily>_rail|sitemaps)/(?P<of>{_DATE})\.(?:html|xml)"
)


@cache
def standing(site: Site) -> Mapping[str, Listing]:
    """Return the listings that a site always has, by name."""
    every = (
        Listing(HOME, Kind.HOME, "index.html", ALL, site.home_cards),
        *_feeds(site, None),
        Listing(RAIL_LATEST, Kind.RAIL, "_rail/latest.html", ALL, site.rail_cards),
        Listing("archive", Kind.ARCHIVE, "archive/index.html", days=ALL),
        Listing("sitemap", Kind.SITEMAP_INDEX, "sitemap.xml", days=ALL),
        Listing("sitemap.fronts", Kind.SITEMAP_FRONTS, "sitemaps/fronts.xml", days=ALL),
        Listing("sitemap.news", Kind.SITEMAP_NEWS, "sitemap-news.xml", ALL, 1000),
        Listing("recent", Kind.RECENT, "search/recent.json", ALL, site.search_cards),
        *(each for section in site.sections for each in _of_section(site, section.id)),
        Listing("search", Kind.SEARCH, "search/index.html"),
        Listing("robots", Kind.ROBOTS, "robots.txt"),
        *([Listing("llms", Kind.LLMS, "llms.txt")] if site.has_llms_txt else []),
        Listing("open-search", Kind.OPEN_SEARCH, "opensearch.xml"),
        Listing("manifest", Kind.MANIFEST, "manifest.webmanifest"),
        Listing(NOT_FOUND, Kind.NOT_FOUND, "404.html"),
        Listing(GONE, Kind.GONE, "410.html"),
    )
    return {listing.name: listing for listing in every}


def _of_section(site: Site, section: str) -> Iterator[Listing]:
    reads = f"section:{section}"
    path = f"{section}/index.html"
    yield Listing(f"section.{section}", Kind.SECTION, path, reads, site.front_cards, section=section)
    yield Listing(f"archive.{section}", Kind.ARCHIVE, f"{section}/archive/index.html", days=section, section=section)
    yield from _feeds(site, section)


def _feeds(site: Site, section: str | None) -> Iterator[Listing]:
    reads, end, folder = (f"section:{section}", f".{section}", f"{section}/") if section else (ALL, "", "")
    for name, kind, file in (
        ("rss", Kind.RSS, "feed.xml"),
        ("atom", Kind.ATOM, "atom.xml"),
        ("json", Kind.JSON_FEED, "feed.json"),
    ):
        yield Listing(f"feed.{name}{end}", kind, f"{folder}{file}", reads, site.feed_items, section=section)


def find_listing(site: Site, name: str) -> Listing | None:
    """Return what a listing's name stands for; None where the site has none of that name (any more)."""
    known = standing(site).get(name)
    if known is not None:
        return known
    found = _NAME.fullmatch(name)
    return _dated(site, found, named=True) if found else None


def listing_of(site: Site, name: str) -> Listing:
    """Return what a listing's name stands for.

    Raises:
        KeyError: the site has no such listing (a section that was taken out of its settings).
    """
    found = find_listing(site, name)
    if found is None:
        raise KeyError(name)
    return found


def listing_at(site: Site, path: str) -> Listing | None:
    """Return the listing whose page has this key in the public bucket; None for what is no listing's."""
    known = _by_path(site).get(path)
    if known is not None:
        return known
    found = _PATH.fullmatch(path)
    return _dated(site, found, named=False) if found else None


@cache
def _by_path(site: Site) -> Mapping[str, Listing]:
    return {listing.path: listing for listing in standing(site).values()}


def _dated(site: Site, found: re.Match[str], *, named: bool) -> Listing | None:
    """Return the topic's, author's or day's listing that a name or a path was recognised as."""
    parts = found.groupdict()
    if parts["kind"]:
        return _of_name(site, Kind(parts["kind"]), parts["slug"])
    if parts["daily"]:
        date = parts["of"]
        if parts["daily"] in ("rail", "_rail"):
            path = f"_rail/{date}.html"
            return Listing(f"rail.{date}", Kind.RAIL, path, f"day:{date}", DAY_CARDS, days=ALL, value=date)
        path = f"sitemaps/{date}.xml"
        return Listing(f"sitemap.{date}", Kind.SITEMAP, path, f"day:{date}", EVERYTHING, value=date)
    date, part, section = parts["date"].replace("/", "-"), int(parts["part"] or 1), parts["section"]
    if not named and section == "archive":
        section = None
    is_day = len(date) == len("yyyy-mm-dd")
    is_odd = (section and not site.has_section(section)) or (not is_day and parts["part"]) or parts["part"] == "1"
    if is_odd or (named and is_day is not (parts["calendar"] == "day")):
        return None
    folder = f"{section or 'archive'}/{date.replace('-', '/')}/"
    end, scope = (f".{section}", section) if section else ("", ALL)
    if not is_day:
        path = f"{folder}index.html"
        return Listing(f"month{end}.{date}", Kind.MONTH, path, days=scope, section=section, value=date)
    name, path = f"day{end}.{date}", f"{folder}index.html"
    if part > 1:
        name, path = f"{name}.{part}", f"{folder}{part}/index.html"
    reads = f"sday:{section}:{date}" if section else f"day:{date}"
    return Listing(name, Kind.DAY, path, reads, DAY_CARDS, section=section, value=date, part=part)


def _of_name(site: Site, kind: Kind, page: str) -> Listing | None:
    """Return the listing of a topic or author by its page's name; None where no page is called so."""
    if not is_slug(page):
        return None
    return Listing(f"{kind}.{page}", kind, f"{kind}s/{page}/index.html", f"{kind}:{page}", site.front_cards, value=page)


def article_page(article: str) -> str:
    """Return what an article's own page is called where it is behind as a listing may be: a card it shows changed."""
    return f"{_ARTICLE}{article}"


def find_article(page: str) -> str | None:
    """Return the article whose own page is meant; None for a listing."""
    return page.removeprefix(_ARTICLE) if page.startswith(_ARTICLE) else None
