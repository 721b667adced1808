"""Sitemaps (sitemaps.org 0.9, Google News 0.9): an index, a file for the fronts, one per day, and one of the news.

A day's sitemap has the same parts as the day's page. A part names all pages that exist because of its articles: their
own pages, the day's part, the first pages by section, their topics and authors. So a new, late or removed article
changes one part.

An article whose canonical address is elsewhere is in the site's listings but in no sitemap. Search engines need one
address per article (Google, "Consolidate duplicate URLs").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from services.render.domain.dates import machine_time
from services.render.domain.machine_readable.xml import Tree
from shared.model.card import Card
from shared.site.keys import url_path
from shared.site.listings import Listing, listing_of, part_name, permanent_listings
from shared.site.memberships import author_pages, topic_pages
from shared.site.sites import Site

_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
_NEWS = "http://www.google.com/schemas/sitemap-news/0.9"
_MAX_NEWS_URLS = 1000


def sitemap_index(site: Site, days: Mapping[str, int]) -> bytes:
    """Return the index of all sitemaps; `days` come newest first, each with the number of its parts.

    Only the newest day has a `lastmod`, which is a day: an index with minutes would change with every article.
    """
    tree = Tree("sitemapindex", {"": _SITEMAP})
    names = (part_name(f"sitemap.{day}", part) for day, parts in days.items() for part in range(1, parts + 1))
    newest = next(iter(days), None)
    for listing in (permanent_listings(site)["sitemap.fronts"], *(listing_of(site, name) for name in names)):
        entry = tree.add(tree.root, "sitemap")
        tree.add(entry, "loc", site.base_url + url_path(listing.path))
        if newest and listing.value == newest:
            tree.add(entry, "lastmod", newest)
    return tree.body()


def sitemap_fronts(site: Site, days: Sequence[str]) -> bytes:
    """Return the sitemap of the permanent pages that list articles, and of the months.

    It leaves out the search page, which has no content of its own.
    """
    fronts = ("home", *(f"{kind}.{section.id}" for section in site.sections for kind in ("section", "archive")))
    months = dict.fromkeys(day[:7] for day in days)
    names = (*fronts, "archive", *(f"month.{month}" for month in months))
    return _urls(site, (listing_of(site, name).path for name in names))


def sitemap_day(site: Site, listing: Listing, cards: Sequence[Card]) -> bytes:
    """Return a part of a day's sitemap: its articles, then each page that exists because of them, each once.

    A part has some 200 articles, far below the limit of 50,000 addresses (sitemaps.org).
    """
    date = listing.value
    names = [part_name(f"day.{date}", listing.part)] if cards else []
    for section in sorted({card.section for card in cards if site.has_section(card.section)}):
        names += [f"day.{section}.{date}", f"month.{section}.{date[:7]}"]
    names += sorted({f"topic.{page}" for card in cards for page in topic_pages(card)})
    names += sorted({f"author.{page}" for card in cards for page in author_pages(card)})
    articles = (card.path for card in cards if card.is_canonical)
    return _urls(site, (*articles, *(listing_of(site, name).path for name in names)))


def sitemap_news(site: Site, cards: Iterable[Card]) -> bytes:
    """Return the Google News sitemap of the cards, which are from the last 48 hours: at most 1,000.

    Articles with a canonical address elsewhere are left out. Each entry has a title: Google requires it, its XSD does
    not.
    """
    tree = Tree("urlset", {"": _SITEMAP, "news": _NEWS})
    for card in islice((each for each in cards if each.is_canonical), _MAX_NEWS_URLS):
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
    """Return Google News' code of a language: two or three letters, with a country for the two forms of Chinese."""
    lowered = tag.lower()
    if lowered.startswith("zh"):
        return "zh-tw" if lowered.endswith(("tw", "hk", "hant")) else "zh-cn"
    return lowered.partition("-")[0]
