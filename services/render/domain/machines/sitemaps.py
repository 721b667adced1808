"""Sitemaps (sitemaps.org 0.9, Google News 0.9): an index, a file for the fronts, one a day, and one of the news.

A day's file names everything that came to be by that day's articles: their pages, the day's own, their topics' and
authors'. So what is new, late or gone changes one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

from services.render.domain.machines.xml import Tree
from shared.card import Card
from shared.keys import url_path
from shared.listings import EVERYTHING, Listing, author_path, listing_of, standing, topic_path
from shared.sites import Site

_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
_NEWS = "http://www.google.com/schemas/sitemap-news/0.9"


def sitemap_index(site: Site, days: Sequence[str]) -> bytes:
    """Return the index of all sitemaps; `days` come newest first, and only the newest one says when it changed.

    It says so to the day: an index that told the minute would change with every article.
    """
    tree = Tree("sitemapindex", {"": _SITEMAP})
    files = [standing(site)["sitemap.fronts"], *(listing_of(site, f"sitemap.{day}") for day in days)]
    for listing in files:
        entry = tree.add(tree.root, "sitemap")
        tree.add(entry, "loc", site.base_url + url_path(listing.path))
        if days and listing.value == days[0]:
            tree.add(entry, "lastmod", days[0])
    return tree.body()


def sitemap_fronts(site: Site, days: Sequence[str]) -> bytes:
    """Return the sitemap of what lists articles and is always there, and of the months."""
    fronts = ("home", *(f"{kind}.{section.id}" for section in site.sections for kind in ("section", "archive")))
    months = dict.fromkeys(day[:7] for day in days)
    names = (*fronts, "archive", *(f"month.{month}" for month in months))
    return _urls(site, (listing_of(site, name).path for name in names))


def sitemap_day(site: Site, listing: Listing, cards: Sequence[Card]) -> bytes:
    """Return the sitemap of one day."""
    date = listing.value
    pages = [listing_of(site, f"day.{date}").path] if cards else []
    for section in sorted({card.section for card in cards if site.has_section(card.section)}):
        pages += [
            listing_of(site, f"{kind}.{section}.{date[:7] if kind == 'month' else date}").path
            for kind in ("day", "month")
        ]
    topics = sorted({topic_path(name) for card in cards for name in card.topics[:8]})
    authors = sorted({author_path(name) for card in cards for name in card.authors[:8]})
    return _urls(site, [*(card.path for card in cards), *pages, *topics, *authors][:EVERYTHING])


def sitemap_news(site: Site, cards: Iterable[Card]) -> bytes:
    """Return the Google News sitemap of the cards, which are those of the last two days: at most 1,000."""
    tree = Tree("urlset", {"": _SITEMAP, "news": _NEWS})
    for card in list(cards)[:1000]:
        url = tree.add(tree.root, "url")
        tree.add(url, "loc", site.base_url + url_path(card.path))
        news = tree.add(url, "news:news")
        publication = tree.add(news, "news:publication")
        tree.add(publication, "news:name", site.name)
        tree.add(publication, "news:language", _news_language(card.language))
        at = card.created_at.astimezone(ZoneInfo(site.zone)).isoformat(timespec="seconds")
        tree.add(news, "news:publication_date", at)
        tree.add(news, "news:title", card.headline)
    return tree.body()


def _urls(site: Site, paths: Iterable[str]) -> bytes:
    tree = Tree("urlset", {"": _SITEMAP})
    for path in dict.fromkeys(paths):
        tree.add(tree.add(tree.root, "url"), "loc", site.base_url + url_path(path))
    return tree.body()


def _news_language(tag: str) -> str:
    """Return the two or three letters that Google News asks for; it knows two kinds of Chinese by their countries."""
    lowered = tag.lower()
    if lowered.startswith("zh"):
        return "zh-tw" if lowered.endswith(("tw", "hk", "hant")) else "zh-cn"
    return lowered.partition("-")[0]
