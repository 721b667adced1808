"""Publishes rendered listings, and records the version that each shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

import structlog

from services.publish.domain.pages import Page, cache_control_for, provenance
from services.publish.handler.deps import PublishDeps
from services.publish.handler.fence import PutKind, expected_from, put_page
from shared.messaging.handling import BatchRunner, Result
from shared.messaging.messages import ListingsRendered
from shared.messaging.page_bundle import ListingPage, read_bundle
from shared.runtime.errors import ObjectMissingError
from shared.runtime.event_log import EntryKind, NewEntry
from shared.site import keys
from shared.site.listings import find_listing, output_feeds
from shared.site.sites import Site

log = structlog.get_logger()


def publish_listings(message: ListingsRendered, deps: PublishDeps) -> Result:
    """Publish listings' pages in parallel, with one purge.

    A page never replaces one that was rendered from a later read of the index.
    A listing that fails is retried or dead-lettered alone. If the bundle was deleted, the leases are released and the
    scheduler emits its listings again.
    """
    site, batch = deps.site(message.site), BatchRunner(deps.writers)
    try:
        bundle = list(read_bundle(message, ListingPage, deps.content))
    except ObjectMissingError:
        for name in message.items:
            deps.index.release_lease(site, name)
        log.info("bundle.missed", listings=len(message.items))
        return Result()
    pages = [
        _Publication(rendered, body, site, deps) for rendered, body in bundle if rendered.listing in message.listings
    ]
    put = [page for page, _ in batch.each(_Publication.put, pages, name=_listing_name)]
    _purge(put, batch, deps)
    recorded = batch.each(_Publication.record, put, name=_listing_name)
    return Result(deps.stale_pages(message, site, [page.rendered.listing for page, _ in recorded]), batch.failed)


@dataclass(slots=True)
class _Publication:
    """A listing's page and the progress of its publication."""

    rendered: ListingPage
    body: bytes
    site: Site
    deps: PublishDeps
    page: Page = field(init=False)
    kind: PutKind | None = None
    is_new: bool = False  # readers got a 404 or a 410 before
    needs_purge: bool = False  # the edge may still serve an older page

    def __post_init__(self) -> None:
        rendered, listing = self.rendered, find_listing(self.site, self.rendered.listing)
        self.page = Page(
            path=rendered.path,
            order=rendered.order,
            body=self.body,
            content_type=rendered.content_type,
            cache_control=listing.definition.cache_control if listing else cache_control_for(""),
            page_version=rendered.theme,
            surrogate_keys=rendered.surrogate_keys,
            status=rendered.status,
            provenance=provenance(rendered),
        )

    @property
    def surrogate_keys(self) -> tuple[str, ...]:
        return (*self.rendered.surrogate_keys, keys.path_surrogate_key(self.rendered.path))

    @property
    def is_shown(self) -> bool:
        return self.kind in (PutKind.PUT, PutKind.UNCHANGED)

    def put(self) -> None:
        """Put the attachments and stubs that the page needs, then the page, unless a newer page is there."""
        rendered, page, deps = self.rendered, self.page, self.deps
        current = expected_from(deps.public.find_head(rendered.path))
        deps.publish_attachments(rendered.attachments)
        deps.put_stubs(rendered, self.site)
        put = put_page(page, current, public=deps.public, may_put=lambda: True)
        was_ok = current is not None and current.status == str(HTTPStatus.OK.value)
        self.kind, self.is_new = put.kind if put else None, not was_ok
        # A worker may have died between its PUT and its purge. So unchanged bytes need a purge too if this very page
        # was there already, or if the index records no purge of these bytes.
        self.needs_purge = self.is_shown and (
            self.kind is PutKind.PUT
            or (current is not None and current.order == page.order)
            or deps.index.find_published_sha256(self.site, rendered.listing) != page.sha256
        )

    def record(self) -> None:
        """Record in the index the version that readers see now."""
        rendered, index = self.rendered, self.deps.index
        if not self.is_shown:
            log.info("listing.superseded", listing=rendered.listing)
            index.release_lease(self.site, rendered.listing)
            return
        if self.needs_purge:
            self._announce_feed()
        has_later_version = index.set_published(
            self.site, rendered.listing, rendered.wanted_version, sha256=self.page.sha256
        )
        if has_later_version:  # published before: this page must not stay
            index.mark_stale(self.site, rendered.listing)
        if not self.needs_purge:  # such as a stub, rendered before its first card came: the card must not wait
            index.release_lease(self.site, rendered.listing)
        log.info("listing.published", listing=rendered.listing, kind=self.kind, size_bytes=len(self.body))

    def _announce_feed(self) -> None:
        """Append a changed output feed to the event log if its site has a hub: the relay pings the hub."""
        feeds = output_feeds(self.site) if self.site.hub_url else ()
        if any(listing.name == self.rendered.listing for listing in feeds):
            url = f"{self.site.base_url}{keys.url_path(self.rendered.path)}"
            self.deps.event_log.append(NewEntry(EntryKind.FEED, site=self.site.id, url=url))


def _purge(put: Sequence[_Publication], batch: BatchRunner, deps: PublishDeps) -> None:
    """Purge the pages that need it in one call per kind of purge, because the vendors limit the calls.

    The purge is hard if the page is new or not a 200: no reader may see the earlier response any longer.
    """
    for is_hard in (False, True):
        pages = [
            page
            for page in put
            if page.needs_purge and (page.is_new or page.rendered.status != HTTPStatus.OK) == is_hard
        ]
        try:
            if surrogate_keys := [key for page in pages for key in page.surrogate_keys]:
                deps.edge.purge(surrogate_keys, soft=not is_hard)
        except Exception as error:  # noqa: BLE001 -- the task retries these items or dead-letters them, with this error
            batch.failed.update(dict.fromkeys(map(_listing_name, pages), error))


def _listing_name(page: _Publication) -> str:
    return page.rendered.listing
