"""A listing: read from the index as it is now, rendered by its kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextvars import copy_context
from dataclasses import dataclass

import structlog

from services.render.domain.leads import leads_of
from services.render.handler.kinds import Copy, body_of
from services.render.handler.placeholders import placeholders_of
from services.render.handler.renderer import Renderer, carrying, page_of
from shared import keys
from shared.errors import OutageError, TaskTooSlowError
from shared.index import Snapshot
from shared.listings import HOME, Kind, Listing, find_listing, standing
from shared.messages import ListingsRendered, ListingsStale, ListingStale, PageRendered, follow_up
from shared.pins import read_pins
from shared.sites import Site, get_site

log = structlog.get_logger()

LISTING_ORDER_DIGITS = 20
_MOST_TOGETHER = 1024 * 1024  # characters of pages in one message


@dataclass(frozen=True, slots=True)
class _Reading:
    """What is known of a listing before it is rendered: the index as it is now, and the order of what is made of it."""

    site: Site
    listing: Listing
    snapshot: Snapshot
    order: int
    missing: tuple[str, ...]  # listings that it leads to, and that were never published as far as the index knows


def render_listing(message: ListingStale, renderer: Renderer) -> tuple[PageRendered, ...]:
    """Render a listing from the index as it is now; not at all while the index is not whole."""
    reading = _read(message, renderer)
    return (_page(message, reading, renderer),) if reading else ()


def _read(message: ListingStale, renderer: Renderer) -> _Reading | None:
    """Return what a listing is to be made from; None where it is not to be made.

    The order is the index's clock at the reading, and always above that of the page that is there: a clock that went
    back after a failover does not freeze a front page.
    """
    site = get_site(renderer.sites, message.site)
    listing = find_listing(site, message.listing)
    if listing is None:  # of a section that was taken out of the settings, or of an older release
        log.info("listing.retired", listing=message.listing)
        return None
    there = renderer.public.find_head(listing.path)
    snapshot = renderer.index.read(site, listing, pins=_pins(listing, site, renderer))
    if renderer.index.whole_until(site) is None:  # asked after the reading: Redis may be emptied at any moment
        log.info("listing.postponed", listing=message.listing)  # the scheduler says it again once the index is whole
        renderer.index.end_turn(site, message.listing)
        return None
    leads_to = leads_of(site, listing, cards=snapshot.cards, days=snapshot.days, parts=snapshot.parts)
    published = renderer.index.published(site, [listing.name, *leads_to])
    if snapshot.changed <= published.get(listing.name, -1):
        renderer.index.end_turn(site, listing.name)
        return None  # another message was quicker
    order = there.metadata.get("order", "") if there else ""
    stored = int(order) if order.isdecimal() else 0  # what others put there bears none, or none of a listing's
    missing = tuple(name for name in leads_to if name not in published)
    return _Reading(site, listing, snapshot, max(snapshot.order, stored + 1), missing)


def _page(message: ListingStale, reading: _Reading, renderer: Renderer) -> PageRendered:
    site, listing, snapshot = reading.site, reading.listing, reading.snapshot
    theme = renderer.theme_of(site)
    body = body_of(Copy(site, listing, snapshot, theme, renderer))
    page = page_of(
        message,
        renderer,
        path=listing.path,
        order=f"{reading.order:0{LISTING_ORDER_DIGITS}d}",
        body=body,
        theme=theme,
        surrogate_keys=(keys.listing_surrogate_key(site.id, listing.name),),
        content_type=listing.content_type,
        inputs=f"cards={len(snapshot.cards)} changed={snapshot.changed}",
    )
    is_empty = _is_empty(listing, snapshot, site)
    named = {
        "listing": listing.name,
        "changed": snapshot.changed,
        "is_absent": is_empty and not snapshot.is_led_to,
        "is_hollow": is_empty and snapshot.is_led_to,
        "placeholders": placeholders_of(_not_there(reading.missing, site, renderer), site, theme, renderer),
    }
    return carrying(page, body, renderer).model_copy(update=named)


def render_listings(message: ListingsStale, renderer: Renderer) -> tuple[ListingsRendered | ListingStale, ...]:
    """Render several listings, to be handed on together; one that fails goes on its own, and its reason is told."""
    context = copy_context()  # what the log says of the message
    pages: list[PageRendered] = []
    alone: list[ListingStale] = []

    def go_alone(part: ListingStale, error: Exception) -> None:
        log.warning("listing.alone", listing=part.listing, reason=str(error))
        alone.append(part)

    def read(part: ListingStale) -> _Reading | None:
        try:
            return context.copy().run(_read, part, renderer)
        except (OutageError, TaskTooSlowError):
            raise
        except Exception as error:  # noqa: BLE001 -- its own message meets it too, is retried and keeps its traceback
            go_alone(part, error)
            return None

    parts = message.parts()
    for part, reading in zip(parts, renderer.readers.map(read, parts), strict=True):  # while others are being read
        try:
            pages += [_page(part, reading, renderer)] if reading else []
        except (OutageError, TaskTooSlowError):
            raise
        except Exception as error:  # noqa: BLE001 -- as above
            go_alone(part, error)
    bundles = (
        ListingsRendered(**follow_up(message, f"pages:{number}"), site=message.site, pages=tuple(some))
        for number, some in enumerate(_bundled(pages))
    )
    return (*bundles, *alone)


def _bundled(pages: Iterable[PageRendered]) -> Iterator[list[PageRendered]]:
    """Yield the pages in as many parts as make messages of a bearable size."""
    some, size = list[PageRendered](), 0
    for page in pages:
        length = len(page.content or "") + sum(len(each.content) for each in page.placeholders)
        if some and size + length > _MOST_TOGETHER:
            yield some
            some, size = [], 0
        some.append(page)
        size += length
    if some:
        yield some


def _pins(listing: Listing, site: Site, renderer: Renderer) -> tuple[str, ...]:
    """Return the articles that editors pinned to a front; it is made again when their time is over."""
    if listing.kind not in (Kind.HOME, Kind.SECTION):
        return ()
    pins = read_pins(renderer.content, site.id, listing.section or HOME)
    if pins is None or (pins.until is not None and pins.until <= renderer.clock()):
        return ()
    if pins.until is not None:
        renderer.index.touch_at(site, listing.name, pins.until)
    return pins.articles


def _is_empty(listing: Listing, snapshot: Snapshot, site: Site) -> bool:
    """Tell whether nothing is to be there: a day, a topic or an author that has no articles (any more)."""
    if listing.name in standing(site):
        return False
    if listing.kind is Kind.MONTH:
        return not any(day.startswith(listing.value) for day in snapshot.days)
    return not snapshot.cards


def _not_there(names: Iterable[str], site: Site, renderer: Renderer) -> Iterator[str]:
    """Yield those of the listings that the bucket has no page of: a Redis that was lost knows of none."""
    for name in names:
        listing = find_listing(site, name)
        head = renderer.public.find_head(listing.path) if listing else None
        if head is None or head.metadata.get("status") != "200":  # or about to be taken away
            yield name
