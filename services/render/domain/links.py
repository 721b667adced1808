"""The links from a listing's page to listings that are not permanent: months, days, parts, rails."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shared.model.card import Card
from shared.site.listings import Listing, ListingKind, part_name
from shared.site.memberships import date_of
from shared.site.sites import Site


def links_of(
    site: Site, listing: Listing, *, cards: Sequence[Card] = (), days: Sequence[str] = (), parts: int = 1
) -> tuple[str, ...]:
    """Return the names of the listings that a listing's page links to, without the permanent ones.

    The page is rendered from `cards`, `days` (newest first) and `parts`. An empty page links to no listing.
    """
    scope = f".{listing.section}" if listing.section else ""
    match listing.kind:
        case ListingKind.ARCHIVE:
            return tuple(f"month{scope}.{month}" for month in dict.fromkeys(day[:7] for day in days))
        case ListingKind.MONTH:
            return tuple(f"day{scope}.{day}" for day in days)
        case ListingKind.DAY if cards:
            return (f"month{scope}.{listing.value[:7]}", *_other_parts(listing, parts))
        case ListingKind.RAIL | ListingKind.RAIL_DAY if cards:
            older = next_rail_day(site, listing, cards, days)
            return (f"day.{older}", f"rail.{older}") if older else ()
        case _:
            return ()


def next_rail_day(site: Site, listing: Listing, cards: Sequence[Card], days: Iterable[str]) -> str | None:
    """Return the day of the next rail: for the latest rail its last card's day, for a day's rail the next older day."""
    if not cards:
        return None
    if listing.kind is ListingKind.RAIL:
        return date_of(site, cards[-1])
    return next((day for day in days if day < listing.value), None)


def _other_parts(listing: Listing, parts: int) -> Iterable[str]:
    return (part_name(listing.first_part, part) for part in range(1, parts + 1) if part != listing.part)
