"""Which listings there are, where they live, and which of them an article's card belongs to.

A listing reads the newest cards of one set (all of the site, one section). Sections, topics, authors, days and feeds
are added here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shared.card import Card
from shared.sites import Site

HOME = "home"
RAIL_LATEST = "rail.latest"
RAIL_ALSO = "rail.also-"
NOT_FOUND = "not-found"
GONE = "gone"

ALL = "all"


@dataclass(frozen=True, slots=True)
class Listing:
    """One output that lists articles: the newest `limit` cards of the set `reads`, at `path`."""

    name: str
    path: str
    reads: str
    limit: int


def listing_of(site: Site, name: str) -> Listing:
    """Return what a listing's name stands for.

    Raises:
        KeyError: the site has no such listing (a section that was taken out of its settings).
    """
    return {listing.name: listing for listing in listings(site)}[name]


def listings(site: Site) -> tuple[Listing, ...]:
    """Return all listings of a site. The error pages are listings of no cards: rendered, claimed and kept alike."""
    return (
        Listing(HOME, "index.html", ALL, site.home_cards),
        Listing(RAIL_LATEST, "_rail/latest.html", ALL, site.rail_cards),
        *(
            Listing(
                f"{RAIL_ALSO}{section.id}", f"_rail/also-{section.id}.html", f"section:{section.id}", site.rail_cards
            )
            for section in site.sections
        ),
        Listing(NOT_FOUND, "404.html", ALL, 0),
        Listing(GONE, "410.html", ALL, 0),
    )


def sets_of(card: Card) -> tuple[str, ...]:
    """Return the sets that a card stands in."""
    return (ALL, f"section:{card.section}")


def readers_of(site: Site, card: Card) -> Mapping[str, list[tuple[str, int]]]:
    """Return, for each set that the card stands in, the listings (name, limit) that read it."""
    return {
        name: [(listing.name, listing.limit) for listing in listings(site) if listing.reads == name and listing.limit]
        for name in sets_of(card)
    }
