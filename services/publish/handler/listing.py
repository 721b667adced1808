"""Listings: articles enter the index once their pages are live; listings are put for the state that they show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

import structlog

from services.publish.domain.pages import Page, cache_control_for, provenance
from services.publish.handler.deps import PublishDeps
from services.publish.handler.fence import PutKind, expected_from, put_page
from shared.messaging.handling import Batch, Result
from shared.messaging.messages import ArticlesPublished, ListingsRendered, Message
from shared.messaging.page_bundle import ListingPage, read_bundle
from shared.model.live_record import LiveRecord
from shared.runtime.errors import ObjectMissingError
from shared.site import keys
from shared.site.listings import find_listing
from shared.site.sites import Site

log = structlog.get_logger()


def index_articles(message: ArticlesPublished, deps: PublishDeps) -> Result:
    """Place live articles' cards in the index, from the bucket's records, and emit what becomes stale."""
    site, batch = deps.site(message.site), Batch(deps.writers)
    found = batch.each(lambda article: deps.records.find(site.id, article)[0], message.items, name=str)
    return Result(index_records([record for _, record in found], message, site, deps), batch.failed)


def index_records(records: Sequence[LiveRecord], cause: Message, site: Site, deps: PublishDeps) -> tuple[Message, ...]:
    """Place what records say in the index; return what renders the pages again that this makes stale."""
    touched = deps.index.load(site, records, is_restored=False) if records else ()
    log.info("articles.indexed", articles=len(records), pages=len(touched))
    return deps.stale_pages(cause, site, touched)


def publish_listings(message: ListingsRendered, deps: PublishDeps) -> Result:
    """Put listings' pages before readers, side by side, with one purge, unless a later reading of the index is there.

    A listing that fails is retried or dead-lettered alone. A bundle that was deleted is not missed: the scheduler emits
    its listings again.
    """
    site, batch = deps.site(message.site), Batch(deps.writers)
    try:
        rendered = list(read_bundle(message, ListingPage, deps.content))
    except ObjectMissingError:
        for name in message.items:
            deps.index.release_lease(site, name)
        log.info("bundle.missed", listings=len(message.items))
        return Result()
    pages = [
        _Publication(rendered, body, site, deps) for rendered, body in rendered if rendered.listing in message.listings
    ]
    put = [page for page, _ in batch.each(_Publication.put, pages, name=_listing)]
    _purge(put, batch, deps)
    recorded = batch.each(_Publication.record, put, name=_listing)
    return Result(deps.stale_pages(message, site, [page.rendered.listing for page, _ in recorded]), batch.failed)


@dataclass(slots=True)
class _Publication:
    """A listing's page, and how far its publication has come."""

    rendered: ListingPage
    body: bytes
    site: Site
    deps: PublishDeps
    page: Page = field(init=False)
    kind: PutKind | None = None
    is_new: bool = False  # readers got a 404 or a 410
    is_untold: bool = False  # the edge may not know of what is there now

    def __post_init__(self) -> None:
        rendered, listing = self.rendered, find_listing(self.site, self.rendered.listing)
        self.page = Page(
            path=rendered.path,
            order=rendered.order,
            body=self.body,
            content_type=rendered.content_type,
            cache_control=listing.of_kind.cache_control if listing else cache_control_for(""),
            theme=rendered.theme,
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
        """Put the page unless something newer is there, and what it needs before it."""
        rendered, page, deps = self.rendered, self.page, self.deps
        known = expected_from(deps.public.find_head(rendered.path))
        deps.publish_attachments(rendered.attachments)
        deps.put_stubs(rendered, self.site)
        put = put_page(page, known, public=deps.public, may_put=lambda: True)
        was_open = known is not None and known.status == str(HTTPStatus.OK.value)
        self.kind, self.is_new = put.kind if put else None, not was_open
        # The same bytes too, where nobody is known to have told the edge: a worker may have died before it did, and
        # what it put may be what was shown before it and is again.
        self.is_untold = self.is_shown and (
            self.kind is PutKind.PUT
            or (known is not None and known.order == page.order)
            or deps.index.find_published_sha256(self.site, rendered.listing) != page.sha256
        )

    def record(self) -> None:
        """Tell the index which state readers see now."""
        rendered, index = self.rendered, self.deps.index
        if not self.is_shown:
            log.info("listing.superseded", listing=rendered.listing)
            index.release_lease(self.site, rendered.listing)
            return
        if index.set_published(self.site, rendered.listing, rendered.wanted_version, sha256=self.page.sha256):
            index.mark_stale(self.site, rendered.listing)  # others have shown a later state: this one must not stay
        log.info("listing.published", listing=rendered.listing, kind=self.kind, size_bytes=len(self.body))


def _purge(put: Sequence[_Publication], batch: Batch, deps: PublishDeps) -> None:
    """Have the edge forget what was there, all at once: the vendors count the calls.

    What is new, or gone, is purged hard: nobody is to see what was there a moment longer.
    """
    for is_hard in (False, True):
        some = [
            page for page in put if page.is_untold and (page.is_new or page.rendered.status != HTTPStatus.OK) == is_hard
        ]
        try:
            if told := [key for page in some for key in page.surrogate_keys]:
                deps.edge.purge(told, soft=not is_hard)
        except Exception as error:  # noqa: BLE001 -- the task retries these items or dead-letters them, with this error
            batch.failed.update(dict.fromkeys(map(_listing, some), error))


def _listing(page: _Publication) -> str:
    return page.rendered.listing
