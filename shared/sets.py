"""The sets that an article's card stands in, and the listings that show each of them.

A set is `all`, or called `kind:value`: `section:world`, `day:2026-11-01`, `topic:ferries`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.article import ArticleFacts, Author, Topic
from shared.card import Card
from shared.keys import INDEX_DOCUMENT
from shared.listings import ALL, DAY_CARDS, HOME, RAIL_LATEST
from shared.sites import Site, local_time
from shared.slug import page_name

MOST_OF_A_KIND = 8  # topics, authors or keywords of one article that count
_PASSING = frozenset(("day", "sday", "topic", "author"))
_CARDS_OF_A_PART = 150  # on average
_ID_CHARACTERS = "abcdefghijklmnopqrstuvwxyz234567"


@dataclass(frozen=True, slots=True)
class Reader:
    """How the listings of a set are named: `name`, a dot and the set's value; they show its newest `limit`.

    `limit` 0: they show whichever cards there are; `in_parts`: each card stands on one of several pages.
    """

    name: str
    limit: int
    in_parts: bool = False


def readers(site: Site) -> Mapping[str, tuple[Reader, ...]]:
    """Return who reads the sets of each kind."""
    feeds = tuple(Reader(f"feed.{name}", site.feed_items) for name in ("rss", "atom", "json"))
    return {
        ALL: (
            Reader(HOME, site.home_cards),
            Reader(RAIL_LATEST, site.rail_cards),
            Reader("sitemap.news", 1000),
            Reader("recent", site.search_cards),
            *feeds,
        ),
        "section": (Reader("section", site.front_cards), *feeds),
        "day": (Reader("day", 0, in_parts=True), Reader("rail", 0), Reader("sitemap", 0)),
        "sday": (Reader("day", 0, in_parts=True),),
        "topic": (Reader("topic", site.front_cards),),
        "author": (Reader("author", site.front_cards),),
        "word": (),
    }


def sets_of(site: Site, card: Card) -> tuple[str, ...]:
    """Return the sets that a card stands in."""
    date = date_of(site, card)
    return (
        ALL,
        f"section:{card.section}",
        f"day:{date}",
        f"sday:{card.section}:{date}",
        *(f"topic:{page}" for page in topic_pages(site, card)),
        *(f"author:{page}" for page in author_pages(site, card)),
        *(f"word:{page}" for page in _pages_of_names(site, card.keywords)),
    )


def listed_of(site: Site, card: Card) -> tuple[str, ...]:
    """Return those sets of a card whose pages a site has only while a card stands in them."""
    return tuple(each for each in sets_of(site, card) if each.partition(":")[0] in _PASSING)


def pages_of_set(listed: str) -> tuple[str, ...]:
    """Return the names of the pages that a set of `listed_of` has, and of those that lead to them."""
    kind, _, value = listed.partition(":")
    if kind in ("topic", "author"):
        return (f"{kind}.{value}",)
    scope, _, date = value.rpartition(":")
    infix = f".{scope}" if scope else ""
    daily = () if scope else (f"rail.{date}", f"sitemap.{date}")
    return (f"day{infix}.{date}", f"month{infix}.{date[:7]}", *daily)


def date_of(site: Site, card: Card) -> str:
    """Return the day (yyyy-mm-dd, in the site's zone) that an article was published on."""
    return f"{local_time(card.created_at, site.zone):%Y-%m-%d}"


@dataclass(frozen=True, slots=True)
class Named:
    """A topic or author of an article: its name, what its page is called, and where that lies.

    `path` is empty for those beyond the first eight, which have no page.
    """

    name: str
    page: str
    path: str


def topics_of(site: Site, facts: ArticleFacts) -> tuple[Named, ...]:
    """Return an article's topics, each name once. Two names that differ in accents alone share a page."""
    return _named("topics", site, facts.topics)


def authors_of(site: Site, facts: ArticleFacts) -> tuple[Named, ...]:
    """Return an article's authors, each name once. Two names that differ in accents alone share a page."""
    return _named("authors", site, facts.authors)


def author_page(site: Site, author: Author) -> str:
    """Return the name of an author's page."""
    return page_name(author.name, author.uri, script=site.slug)


def _named(folder: str, site: Site, named: Iterable[Author | Topic]) -> tuple[Named, ...]:
    names: dict[tuple[str, str], str] = {}
    for each in named:
        page = page_name(each.name, each.uri, script=site.slug)
        names.setdefault((page, each.name.casefold()), each.name)
    linked = {*list(dict.fromkeys(page for page, _ in names))[:MOST_OF_A_KIND]}
    return tuple(
        Named(name, page, f"{folder}/{page}/{INDEX_DOCUMENT}" if page in linked else "")
        for (page, _), name in names.items()
    )


def topic_pages(site: Site, card: Card) -> tuple[str, ...]:
    """Return the names of the pages of a card's topics."""
    return card.topic_pages[:MOST_OF_A_KIND] or _pages_of_names(site, card.topics)


def author_pages(site: Site, card: Card) -> tuple[str, ...]:
    """Return the names of the pages of a card's authors."""
    return card.author_pages[:MOST_OF_A_KIND] or _pages_of_names(site, card.authors)


def _pages_of_names(site: Site, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the pages of names alone: of keywords, and of a card from before cards named the pages."""
    return tuple(dict.fromkeys(page_name(name, script=site.slug) for name in names))[:MOST_OF_A_KIND]


def day_part(article: str, count: int) -> int:
    """Return which page of a day of `count` articles one stands on, as the index splits it (`shared/index/scripts.py`).

    One page up to 200 articles, then 2, 4, ... 32: told by the first of an id's 32 characters, so that none moves when
    others come and go.
    """
    parts = 1
    while count > max(DAY_CARDS, parts * _CARDS_OF_A_PART) and parts < len(_ID_CHARACTERS):
        parts *= 2
    place = max(0, _ID_CHARACTERS.find(article[:1]))
    return place * parts // len(_ID_CHARACTERS) + 1
