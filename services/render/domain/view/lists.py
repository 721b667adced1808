"""Plain lists: topics, authors, days, months; and the rail that pages include."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from services.render.domain.dates import date_text, month_text
from services.render.domain.jsonld import list_json_ld
from services.render.domain.labels import labels_for
from services.render.domain.languages import direction_of
from services.render.domain.links import next_rail_day
from services.render.domain.open_graph import Tags, share_tags
from services.render.domain.view.cards import CardView, card_view
from services.render.domain.view.shell import (
    HeadView,
    Link,
    SectionLink,
    ShellView,
    feed_links,
    section_link,
    shell_view,
)
from shared.model.card import Card
from shared.model.slug import words_of
from shared.site.keys import url_path
from shared.site.listings import Listing, ListingKind, find_listing, part_name
from shared.site.sites import Site

_NAMED_PAGES: Mapping[ListingKind, Callable[[Card], Iterable[tuple[str, str]]]] = {
    ListingKind.TOPIC: lambda card: zip(card.topics, card.topic_pages, strict=False),
    ListingKind.AUTHOR: lambda card: zip(card.authors, card.author_pages, strict=False),
}
"""Kinds of pages that articles name: for each, the names in a card and the names of their pages."""


@dataclass(frozen=True, slots=True)
class CardsView:
    """One list of cards under a title, of one `section` or of all sections.

    `crumbs` are the pages above the list; `parts` are all pages of its day, the current one without a link.
    """

    shell: ShellView
    title: str
    section: SectionLink | None
    crumbs: tuple[Link, ...]
    cards: tuple[CardView, ...]
    part: str
    parts: tuple[Link, ...]
    archive_url: str


@dataclass(frozen=True, slots=True)
class DaysGroup:
    """A year with its months, or a month with its days."""

    title: str
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class DaysView:
    """A page of the archive: years and months, or the days of one month."""

    shell: ShellView
    title: str
    crumbs: tuple[Link, ...]
    groups: tuple[DaysGroup, ...]


@dataclass(frozen=True, slots=True)
class RailView:
    """A fragment that pages include; `more_url` is the next older rail, `archive_url` that rail's day page."""

    name: str
    language: str
    direction: str
    cards: tuple[CardView, ...]
    labels_more: str
    more_url: str
    archive_url: str


def cards_view(site: Site, listing: Listing, cards: tuple[Card, ...], *, parts: int = 1) -> CardsView:
    """Return the view of a topic, an author or a day; `cards` are newest first."""
    labels = labels_for(site.language)
    title = _title(site, listing, cards)
    heading = labels.page_of.format(part=listing.part, parts=parts) if parts > 1 else ""
    others = _parts(site, listing, parts) if parts > 1 and cards else ()
    crumbs = _crumbs(site, listing, is_empty=not cards)
    head = HeadView(
        title=f"{title}{f' ({heading})' if heading else ''} | {site.name}",
        description=f"{site.name}: {title}",
        canonical_url=site.base_url + url_path(listing.path),
        share=_share(site, listing, title),
        json_ld=list_json_ld(site, listing, title, cards, crumbs=_named(crumbs)),
        is_listed=bool(cards),
        feeds=feed_links(site, listing.section),
    )
    return CardsView(
        shell=shell_view(site, head, here=listing.section or ""),
        title=title,
        section=section_link(site, listing.section) if listing.section else None,
        crumbs=crumbs,
        cards=tuple(card_view(card, site) for card in cards),
        part=heading,
        parts=others,
        archive_url=f"/{listing.section}/archive/" if listing.section else "/archive/",
    )


def days_view(site: Site, listing: Listing, days: tuple[str, ...]) -> DaysView:
    """Return the view of the archive (years, months) or of a month (days); `days` have articles, newest first."""
    labels, scope = labels_for(site.language), f".{listing.section}" if listing.section else ""
    section = f"{site.section_name(listing.section)}: " if listing.section else ""
    if listing.kind is ListingKind.ARCHIVE:
        title = f"{section}{labels.archive}"
        months = dict.fromkeys(day[:7] for day in days)
        groups = tuple(
            DaysGroup(year, tuple(_link(site, f"month{scope}.{month}", _month(month, site)) for month in found))
            for year, found in groupby(months, key=lambda month: month[:4])
        )
    else:
        title = f"{section}{_month(listing.value, site)}"
        found = tuple(day for day in days if day.startswith(listing.value))
        links = tuple(_link(site, f"day{scope}.{day}", _day(day, site)) for day in found)
        groups = (DaysGroup("", links),) if links else ()
    head = HeadView(
        title=f"{title} | {site.name}",
        description=f"{site.name}: {title}",
        canonical_url=site.base_url + url_path(listing.path),
        share=_share(site, listing, title),
        json_ld=list_json_ld(site, listing, title, (), crumbs=_named(_crumbs(site, listing))),
        is_listed=bool(groups) or listing.kind is ListingKind.ARCHIVE,
        feeds=feed_links(site, listing.section),
    )
    return DaysView(shell_view(site, head, here=listing.section or ""), title, _crumbs(site, listing), groups)


def rail_view(site: Site, listing: Listing, cards: tuple[Card, ...], *, days: tuple[str, ...] = ()) -> RailView:
    """Return the view of the latest rail or of a day's rail; each links to the next older rail.

    `cards` are newest first; `days` are all days that have articles, newest first.
    """
    day = next_rail_day(site, listing, cards, days)
    older = find_listing(site, f"rail.{day}") if day else None
    page = find_listing(site, f"day.{day}") if day else None
    return RailView(
        name=listing.name,
        language=site.language,
        direction=direction_of(site.language),
        cards=tuple(card_view(card, site) for card in cards),
        labels_more=labels_for(site.language).more,
        more_url=url_path(older.path) if older else "",
        archive_url=url_path(page.path) if page else "/archive/",
    )


def _share(site: Site, listing: Listing, title: str) -> Tags:
    url, description = site.base_url + url_path(listing.path), f"{site.name}: {title}"
    return share_tags(site, title=description, description=description, url=url, language=site.language)


def _title(site: Site, listing: Listing, cards: tuple[Card, ...]) -> str:
    """Return the page's title; a topic's or author's name is in the newest card's spelling.

    Raises:
        KeyError: the listing's kind has no title here.
    """
    if listing.kind is ListingKind.DAY:
        section = f"{site.section_name(listing.section)}, " if listing.section else ""
        return f"{section}{_day(listing.value, site)}"
    named_in = _NAMED_PAGES[listing.kind]
    for card in cards:
        for name, page in named_in(card):
            if page == listing.value:
                return name
    return words_of(listing.value)


def _crumbs(site: Site, listing: Listing, *, is_empty: bool = False) -> tuple[Link, ...]:
    labels = labels_for(site.language)
    home = Link(labels.home, "/")
    if listing.kind in _NAMED_PAGES:
        return (home,)
    section = (Link(site.section_name(listing.section), f"/{listing.section}/"),) if listing.section else ()
    archive = Link(labels.archive, f"/{listing.section}/archive/" if listing.section else "/archive/")
    if listing.kind is ListingKind.ARCHIVE:
        return (home, *section)
    if listing.kind is ListingKind.MONTH or is_empty:  # an empty page links to no dated one
        return (home, *section, archive)
    scope = f".{listing.section}" if listing.section else ""
    month = _link(site, f"month{scope}.{listing.value[:7]}", _month(listing.value[:7], site))
    return (home, *section, archive, month)


def _named(crumbs: tuple[Link, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((crumb.text, crumb.url) for crumb in crumbs)


def _parts(site: Site, listing: Listing, parts: int) -> tuple[Link, ...]:
    return tuple(
        Link(str(part), "") if part == listing.part else _link(site, part_name(listing.first_part, part), str(part))
        for part in range(1, parts + 1)
    )


def _link(site: Site, name: str, text: str) -> Link:
    listing = find_listing(site, name)
    return Link(text, url_path(listing.path) if listing else "/")


def _day(day: str, site: Site) -> str:
    return date_text(date.fromisoformat(day), language=site.language)


def _month(month: str, site: Site) -> str:
    return month_text(date.fromisoformat(f"{month}-01"), language=site.language)
