"""Renders listings: reads the index in parallel, renders in order, each listing by its kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import structlog

from services.render.domain.links import links_of
from services.render.handler.deps import PageContext, RenderDeps
from services.render.handler.listing_renderers import ListingInputs, body_of
from services.render.handler.stubs import stubs_of
from shared.index import Snapshot
from shared.messaging.handling import BatchRunner, Result, slices
from shared.messaging.messages import ListingsRendered, ListingsStale, follow_up
from shared.messaging.page_bundle import ListingPage, bundle_fields
from shared.site import keys
from shared.site.listings import HOME, Listing, find_listing
from shared.site.pins import read_pins
from shared.site.sites import Site, get_site

log = structlog.get_logger()

LISTING_ORDER_DIGITS = 20
_SLICE_LISTINGS = 5  # read in parallel
_SLICE_SECONDS = 0.1  # so that an article's own page waits no longer for a batch of listings


@dataclass(frozen=True, slots=True)
class _ListingSnapshot:
    """The inputs of a listing: the state of the index, and the order of the new page.

    `missing`: listings that the page links to and that were never published, according to the index.
    """

    listing: Listing
    snapshot: Snapshot
    order: int
    missing: tuple[str, ...]


def render_listings(message: ListingsStale, deps: RenderDeps) -> Result:
    """Render listings from the current index.

    While the index is incomplete, render none: the scheduler emits them again. A listing that fails is retried or
    dead-lettered alone.
    """
    site = get_site(deps.sites, message.site)
    context, batch = PageContext(site, deps.theme_of(site), deps), BatchRunner(deps.readers)
    was_complete = deps.index.complete_until(site) is not None
    pages, started = list[tuple[ListingPage, bytes]](), 0
    for batch_slice in slices(message.items, size=_SLICE_LISTINGS, seconds=_SLICE_SECONDS):
        started += len(batch_slice)
        snapshots = batch.each(partial(_read, message=message, site=site, deps=deps), batch_slice, name=str)
        pages += [page for _, read in snapshots if read for page in _rendered(read, message, context, batch)]
    # Checked before and after the reads: Redis may be emptied, and its restore may end, at any time.
    if not was_complete or deps.index.complete_until(site) is None:
        for name in message.items:
            deps.index.release_lease(site, name)
        log.info("listings.postponed", listings=len(message.items))
        return Result()
    rest = message.items[started:]
    if not pages:
        return Result((), batch.failed, rest)
    versions = {page.listing: page.wanted_version for page, _ in pages}
    orders = ",".join(sorted(f"{page.listing}~{page.order}" for page, _ in pages))
    rendered = ListingsRendered(
        **follow_up(message, f"pages:{orders}"),
        **bundle_fields(pages, deps.content, deps.clock()),
        site=site.id,
        listings=versions,
    )
    return Result((rendered,), batch.failed, rest)


def _read(name: str, *, message: ListingsStale, site: Site, deps: RenderDeps) -> _ListingSnapshot | None:
    """Return the inputs of a listing; None if the listing must not be rendered.

    The order is Redis' time at the read, and always above the order of the current page: a clock that goes back after
    a failover must not freeze a front page.
    """
    listing = find_listing(site, name)
    if listing is None:  # of a section that was taken out of the settings
        log.info("listing.retired", listing=name)
        deps.index.set_published(site, name, message.listings[name])  # nothing renders it, so it must not stay stale
        return None
    head = deps.public.find_head(listing.path)
    snapshot = deps.index.read(site, listing, pins=_pins(listing, site, deps))
    links = links_of(site, listing, cards=snapshot.cards, days=tuple(snapshot.days), parts=snapshot.parts)
    published = deps.index.published_versions(site, [listing.name, *links])
    if snapshot.wanted_version <= published.get(listing.name, -1):
        deps.index.release_lease(site, listing.name)
        return None  # another message was faster
    order = head.metadata.get("order", "") if head else ""
    stored = int(order) if order.isdecimal() else 0  # an object of another writer has no order, or not a listing's
    missing = tuple(name for name in links if name not in published)
    return _ListingSnapshot(listing, snapshot, max(snapshot.order, stored + 1), missing)


def _rendered(
    read: _ListingSnapshot, message: ListingsStale, context: PageContext, batch: BatchRunner
) -> Iterator[tuple[ListingPage, bytes]]:
    """Yield a listing's page, unless rendering it fails."""
    try:
        yield _page(read, message, context)
    except Exception as error:  # noqa: BLE001 -- the task retries the item or dead-letters it, with this error
        batch.failed[read.listing.name] = error


def _page(read: _ListingSnapshot, message: ListingsStale, context: PageContext) -> tuple[ListingPage, bytes]:
    listing, snapshot = read.listing, read.snapshot
    body = body_of(ListingInputs(listing, snapshot, context))
    page = ListingPage(
        **context.provenance(message, body),
        path=listing.path,
        order=f"{read.order:0{LISTING_ORDER_DIGITS}d}",
        surrogate_keys=(keys.listing_surrogate_key(context.site.id, listing.name),),
        attachments=context.stored_assets(body),
        content_type=listing.content_type,
        inputs=f"cards={len(snapshot.cards)} wanted={snapshot.wanted_version}",
        wanted_version=snapshot.wanted_version,
        stubs=stubs_of(_missing_stubs(read.missing, context), context),
        listing=listing.name,
        status=410 if snapshot.is_killed else 200,
    )
    return page, body


def _pins(listing: Listing, site: Site, deps: RenderDeps) -> tuple[str, ...]:
    """Return the articles that editors pinned to a front; schedule a new rendering for the end of the pins."""
    if not listing.definition.has_pins:
        return ()
    pins = read_pins(deps.content, site.id, listing.section or HOME)
    if pins is None or (pins.until is not None and pins.until <= deps.clock()):
        return ()
    if pins.until is not None:
        deps.index.mark_stale_at(site, listing.name, pins.until)
    return pins.articles


def _missing_stubs(names: Iterable[str], context: PageContext) -> list[str]:
    """Return the listings that have no page in the bucket: after a loss, Redis lists published ones as missing."""
    listings = (listing for name in names if (listing := find_listing(context.site, name)))
    public = context.deps.public
    return [listing.name for listing in listings if public.find_head(listing.path) is None]
