"""Where a listing's page leads that may not be there: the pages of days, months and rails, which come and go.

What lists nothing leads to nothing of the kind, so that a page may stand empty until nobody leads to it any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shared.card import Card
from shared.listings import Kind, Listing
from shared.sets import date_of
from shared.sites import Site


def leads_of(
    site: Site, listing: Listing, *, cards: Sequence[Card] = (), days: Sequence[str] = (), parts: int = 1
) -> tuple[str, ...]:
    """Return the names of the listings that a listing's page leads to, but for those that a site always has.

    `cards`, `days` (newest first) and `parts` are what the page is made from.
    """
    scope = f".{listing.section}" if listing.section else ""
    match listing.kind:
        case Kind.ARCHIVE:
            return tuple(f"month{scope}.{month}" for month in dict.fromkeys(day[:7] for day in days))
        case Kind.MONTH:
            return tuple(f"day{scope}.{day}" for day in days if day.startswith(listing.value))
        case Kind.DAY if cards:
            return (f"month{scope}.{listing.value[:7]}", *_other_parts(listing, parts))
        case Kind.RAIL if cards:
            older = next_rail_day(site, listing, cards, days)
            return (f"day.{older}", f"rail.{older}") if older else ()
        case _:
            return ()


def next_rail_day(site: Site, listing: Listing, cards: Sequence[Card], days: Iterable[str]) -> str | None:
    """Return the day that a rail leads on to: the latest to that of its last card, a day's to the next older one."""
    if not cards:
        return None
    if not listing.value:
        return date_of(site, cards[-1])
    return next((day for day in days if day < listing.value), None)


def part_name(listing: Listing, part: int) -> str:
    """Return the name of a part of a day's listing, of which `listing` is one."""
    first = listing.name.removesuffix(f".{listing.part}") if listing.part > 1 else listing.name
    return first if part == 1 else f"{first}.{part}"


def _other_parts(listing: Listing, parts: int) -> Iterable[str]:
    return (part_name(listing, part) for part in range(1, parts + 1) if part != listing.part)
