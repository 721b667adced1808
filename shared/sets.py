"""The sets that an article's card stands in, and the listings that show each of them.

A set is `all`, or called `kind:value`: `section:world`, `day:2026-11-01`, `topic:ferries`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from shared.card import Card
from shared.listings import ALL, DAY_CARDS, HOME, RAIL_LATEST
from shared.sites import Site, local_time
from shared.slug import slug_of

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
        *(f"topic:{slug}" for slug in slugs(card.topics)),
        *(f"author:{slug}" for slug in slugs(card.authors)),
        *(f"word:{slug}" for slug in slugs(card.keywords)),
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


def slugs(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the addresses of the names that count, each once: of topics, authors or keywords."""
    return tuple(dict.fromkeys(_slug(name) for name in names[:MOST_OF_A_KIND]))


@lru_cache(maxsize=20_000)
def _slug(name: str) -> str:
    return slug_of(name, otherwise="other")


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


def topic_path(name: str) -> str:
    """Return the key of a topic's page."""
    return f"topics/{_slug(name)}/index.html"


def author_path(name: str) -> str:
    """Return the key of an author's page."""
    return f"authors/{_slug(name)}/index.html"
