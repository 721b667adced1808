"""Sitemaps (sitemaps.org 0.9, Google News 0.9): an index, a file for the fronts, one a day, and one of the news.

A day's file names everything that came to be by that day's articles: their pages, the day's own, their topics' and
authors'. So what is new, late or gone changes one of them. An article that says of itself that it lives elsewhere is
in the lists of its site and in no sitemap: search engines are to be told one address of each (Google, "Consolidate
duplicate URLs").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from services.render.domain.dates import machine_time
from services.render.domain.machines.xml import Tree
from shared.card import Card
from shared.keys import url_path
from shared.listings import EVERYTHING, Listing, listing_of, standing
from shared.sets import author_pages, day_part, topic_pages
from shared.sites import Site

_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
_NEWS = "http://www.google.com/schemas/sitemap-news/0.9"
_MOST_NEWS = 1000


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
    """Return the sitemap of what lists articles and is always there, and of the months.

    Not of the search page, which has nothing of its own to be found.
    """
    fronts = ("home", *(f"{kind}.{section.id}" for section in site.sections for kind in ("section", "archive")))
    months = dict.fromkeys(day[:7] for day in days)
    names = (*fronts, "archive", *(f"month.{month}" for month in months))
    return _urls(site, (listing_of(site, name).path for name in names))


def sitemap_day(site: Site, listing: Listing, cards: Sequence[Card]) -> bytes:
    """Return the sitemap of one day: its articles, then every page that they brought about, each once.

    At most 50,000 addresses (sitemaps.org); a day that has more loses lists and never articles.
    """
    date = listing.value
    pages = _day_pages(site, f"day.{date}", cards)
    for section in sorted({card.section for card in cards if site.has_section(card.section)}):
        own = [card for card in cards if card.section == section]
        pages += [*_day_pages(site, f"day.{section}.{date}", own), listing_of(site, f"month.{section}.{date[:7]}").path]
    topics = sorted({f"topic.{page}" for card in cards for page in topic_pages(site, card)})
    authors = sorted({f"author.{page}" for card in cards for page in author_pages(site, card)})
    lists = (listing_of(site, name).path for name in (*topics, *authors))
    articles = (card.path for card in cards if card.is_canonical)
    return _urls(site, [*articles, *pages, *lists][:EVERYTHING])


def _day_pages(site: Site, name: str, cards: Sequence[Card]) -> list[str]:
    """Return the pages of a day of these cards."""
    parts = sorted({day_part(card.article, len(cards)) for card in cards})
    return [listing_of(site, f"{name}.{part}" if part > 1 else name).path for part in parts]


def sitemap_news(site: Site, cards: Iterable[Card]) -> bytes:
    """Return the Google News sitemap of the cards, which are those of the last 48 hours: at most 1,000.

    Of those that live elsewhere it says nothing. Every one has a title, which Google wants and its XSD does not.
    """
    tree = Tree("urlset", {"": _SITEMAP, "news": _NEWS})
    for card in islice((each for each in cards if each.is_canonical), _MOST_NEWS):
        url = tree.add(tree.root, "url")
        tree.add(url, "loc", site.base_url + url_path(card.path))
        news = tree.add(url, "news:news")
        publication = tree.add(news, "news:publication")
        tree.add(publication, "news:name", site.name)
        tree.add(publication, "news:language", _news_language(card.language))
        tree.add(news, "news:publication_date", machine_time(card.created_at, zone=site.zone))
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
