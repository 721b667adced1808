"""The memberships of an article's card: the sets from which listings choose their cards.

A membership is named `all` or `kind:value`: `section:world`, `day:2026-11-01`, `topic:ferries`. `sday` is a section's
day.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from shared.model.addresses import published_at
from shared.model.article import ArticleFacts, Author, Status, Topic
from shared.model.card import Card
from shared.model.revision import Revision
from shared.model.slug import page_name
from shared.site.keys import INDEX_DOCUMENT
from shared.site.listing_kinds import ALL
from shared.site.listings import calendar_of, listings_showing
from shared.site.sites import Site, local_time

MAX_NAMES_PER_KIND = 8  # topics, authors or keywords of one article; further ones give no membership
_MAX_FORMER_MEMBERSHIPS = 50  # those of the first revisions come first


def memberships_of(site: Site, card: Card) -> tuple[str, ...]:
    """Return the memberships of a card."""
    date = date_of(site, card)
    return (
        ALL,
        f"section:{card.section}",
        f"day:{date}",
        f"sday:{card.section}:{date}",
        *(f"topic:{page}" for page in topic_pages(card)),
        *(f"author:{page}" for page in author_pages(card)),
        *(f"word:{page}" for page in _pages_of_keywords(site, card)),
    )


def own_memberships(site: Site, card: Card) -> tuple[str, ...]:
    """Return the memberships of a card whose listings exist only because articles name them."""
    return tuple(each for each in memberships_of(site, card) if _is_named_by_articles(site, each))


def released_memberships(site: Site, released: Sequence[Revision]) -> tuple[str, ...]:
    """Return the `own_memberships` that an article has or may have had, from its released revisions.

    Revisions arrive in any order. So the day of each revision is combined with the sections of all later ones, as for
    addresses.
    """
    usable = [each for each in released if each.status is Status.USABLE]
    named: dict[str, None] = {}
    for place, first in enumerate(usable):
        day = f"{local_time(published_at(first.article, first.revision), site.zone):%Y-%m-%d}"
        for section in dict.fromkeys(each.article.section for each in usable[place:]):
            named |= dict.fromkeys((f"day:{day}", f"sday:{section}:{day}"))
        named |= dict.fromkeys(f"topic:{each.page}" for each in topics_of(site, first.article) if each.path)
        named |= dict.fromkeys(f"author:{each.page}" for each in authors_of(site, first.article) if each.path)
    return tuple(named)[:_MAX_FORMER_MEMBERSHIPS]


@lru_cache(maxsize=8192)
def listings_of_membership(site: Site, membership: str) -> tuple[str, ...]:
    """Return the names of the listings that exist because an article names a membership."""
    listings = [*listings_showing(site, membership), *(calendar_of(site, *day) if (day := day_of(membership)) else ())]
    return tuple(listing.name for listing in listings if not listing.is_permanent)


def day_of(membership: str) -> tuple[str, str] | None:
    """Return the scope (`all`, or a section) and the day of a membership; None for a membership of another kind."""
    kind, _, value = membership.partition(":")
    if kind == "day":
        return ALL, value
    section, _, day = value.rpartition(":")
    return (section, day) if kind == "sday" else None


def sections_of_days(memberships: Iterable[str]) -> set[str]:
    """Return the section memberships of the sections' days among these: `section:world` of `sday:world:2026-11-01`."""
    parts = (each.partition(":") for each in memberships)
    return {f"section:{value.rpartition(':')[0]}" for kind, _, value in parts if kind == "sday"}


def _is_named_by_articles(site: Site, membership: str) -> bool:
    return any(not listing.is_permanent for listing in listings_showing(site, membership))


def date_of(site: Site, card: Card) -> str:
    """Return an article's day of publication (yyyy-mm-dd, in the site's time zone)."""
    return f"{local_time(card.created_at, site.zone):%Y-%m-%d}"


@dataclass(frozen=True, slots=True)
class NamedPage:
    """A topic or author of an article, with the name and the path of its page.

    Only the first eight have a page; `path` is empty for the others.
    """

    name: str
    page: str
    path: str


def topics_of(site: Site, facts: ArticleFacts) -> tuple[NamedPage, ...]:
    """Return an article's topics, each name once. Two names that differ in accents alone share a page."""
    return _named("topics", site, facts.topics)


def authors_of(site: Site, facts: ArticleFacts) -> tuple[NamedPage, ...]:
    """Return an article's authors, each name once. Two names that differ in accents alone share a page."""
    return _named("authors", site, facts.authors)


def author_page(site: Site, author: Author) -> str:
    """Return the name of an author's page."""
    return page_name(author.name, author.uri, script=site.slug)


def _named(folder: str, site: Site, named: Iterable[Author | Topic]) -> tuple[NamedPage, ...]:
    names: dict[tuple[str, str], str] = {}
    for each in named:
        page = page_name(each.name, each.uri, script=site.slug)
        names.setdefault((page, each.name.casefold()), each.name)
    linked = {*list(dict.fromkeys(page for page, _ in names))[:MAX_NAMES_PER_KIND]}
    return tuple(
        NamedPage(name, page, f"{folder}/{page}/{INDEX_DOCUMENT}" if page in linked else "")
        for (page, _), name in names.items()
    )


def topic_pages(card: Card) -> tuple[str, ...]:
    """Return the names of the pages of a card's topics, each once."""
    return tuple(dict.fromkeys(card.topic_pages))[:MAX_NAMES_PER_KIND]


def author_pages(card: Card) -> tuple[str, ...]:
    """Return the names of the pages of a card's authors, each once."""
    return tuple(dict.fromkeys(card.author_pages))[:MAX_NAMES_PER_KIND]


def _pages_of_keywords(site: Site, card: Card) -> tuple[str, ...]:
    return tuple(dict.fromkeys(page_name(word, script=site.slug) for word in card.keywords))[:MAX_NAMES_PER_KIND]
