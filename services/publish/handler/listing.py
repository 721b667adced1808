"""Listings: articles enter the index once their pages are live; listings are put for the state that they show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

import structlog

from services.publish.domain.pages import Page, cache_control_for, made
from services.publish.handler.fence import Outcome, known_from, put_page
from services.publish.handler.publisher import Publisher
from shared import keys
from shared.bundles import ListingPage, read_bundle
from shared.errors import ObjectMissingError
from shared.handling import Batch, Result
from shared.listings import find_listing
from shared.live import LiveRecord
from shared.messages import ArticlesPublished, ListingsRendered, Message
from shared.sites import Site

log = structlog.get_logger()


def index_articles(message: ArticlesPublished, publisher: Publisher) -> Result:
    """Place live articles' cards in the index, from the bucket's records, and emit what becomes stale."""
    site, batch = publisher.site(message.site), Batch(publisher.writers)
    found = batch.each(lambda article: publisher.records.find(site.id, article)[0], message.items, name=str)
    return Result(index_records([record for _, record in found], message, site, publisher), batch.failed)


def index_records(
    records: Sequence[LiveRecord], cause: Message, site: Site, publisher: Publisher
) -> tuple[Message, ...]:
    """Place what records say in the index; return what renders the pages again that this makes stale."""
    touched = publisher.index.take_in(site, records, is_restored=False) if records else ()
    log.info("articles.indexed", articles=len(records), pages=len(touched))
    return publisher.stale_pages(cause, site, touched)


def publish_listings(message: ListingsRendered, publisher: Publisher) -> Result:
    """Put listings' pages before readers, side by side, with one purge, unless a later reading of the index is there.

    A listing that fails is retried or dead-lettered alone. A bundle that was deleted is not missed: the scheduler emits
    its listings again.
    """
    site, batch = publisher.site(message.site), Batch(publisher.writers)
    try:
        rendered = list(read_bundle(message, ListingPage, publisher.content))
    except ObjectMissingError:
        for name in message.items:
            publisher.index.end_turn(site, name)
        log.info("bundle.missed", listings=len(message.items))
        return Result()
    pages = [_Publication(said, body, site, publisher) for said, body in rendered if said.listing in message.listings]
    put = [page for page, _ in batch.each(_Publication.put, pages, name=_listing)]
    _purge(put, batch, publisher)
    recorded = batch.each(_Publication.record, put, name=_listing)
    return Result(publisher.stale_pages(message, site, [page.said.listing for page, _ in recorded]), batch.failed)


@dataclass(slots=True)
class _Publication:
    """A listing's page, and how far its publication has come."""

    said: ListingPage
    body: bytes
    site: Site
    publisher: Publisher
    page: Page = field(init=False)
    outcome: Outcome | None = None
    is_new: bool = False  # readers got a 404 or a 410
    is_untold: bool = False  # the edge may not know of what is there now

    def __post_init__(self) -> None:
        said, listing = self.said, find_listing(self.site, self.said.listing)
        self.page = Page(
            path=said.path,
            order=said.order,
            body=self.body,
            content_type=said.content_type,
            cache_control=listing.of_kind.cache_control if listing else cache_control_for(""),
            theme=said.theme,
            surrogate_keys=said.surrogate_keys,
            status=said.status,
            made=made(said),
        )

    @property
    def surrogate_keys(self) -> tuple[str, ...]:
        return (*self.said.surrogate_keys, keys.path_surrogate_key(self.said.path))

    @property
    def is_shown(self) -> bool:
        return self.outcome in (Outcome.PUT, Outcome.UNCHANGED)

    def put(self) -> None:
        """Put the page unless something newer is there, and what it needs before it."""
        said, page, publisher = self.said, self.page, self.publisher
        known = known_from(publisher.public.find_head(said.path))
        publisher.copy_out(said.attachments)
        publisher.put_stubs(said, self.site)
        put = put_page(page, known, public=publisher.public, may_put=lambda: True)
        was_open = known is not None and known.status == str(HTTPStatus.OK.value)
        self.outcome, self.is_new = put.outcome if put else None, not was_open
        # The same bytes too, where nobody is known to have told the edge: a worker may have died before it did, and
        # what it put may be what was shown before it and is again.
        self.is_untold = self.is_shown and (
            self.outcome is Outcome.PUT
            or (known is not None and known.order == page.order)
            or publisher.index.find_shown(self.site, said.listing) != page.sha256
        )

    def record(self) -> None:
        """Tell the index which state readers see now."""
        said, index = self.said, self.publisher.index
        if not self.is_shown:
            log.info("listing.superseded", listing=said.listing)
            index.end_turn(self.site, said.listing)
            return
        if index.set_published(self.site, said.listing, said.wanted_version, sha256=self.page.sha256):
            index.touch(self.site, said.listing)  # others have shown a later state: this one must not stay
        log.info("listing.published", listing=said.listing, outcome=self.outcome, size_bytes=len(self.body))


def _purge(put: Sequence[_Publication], batch: Batch, publisher: Publisher) -> None:
    """Have the edge forget what was there, all at once: the vendors count the calls.

    What is new, or gone, is purged hard: nobody is to see what was there a moment longer.
    """
    for is_hard in (False, True):
        some = [
            page for page in put if page.is_untold and (page.is_new or page.said.status != HTTPStatus.OK) == is_hard
        ]
        try:
            if told := [key for page in some for key in page.surrogate_keys]:
                publisher.edge.purge(told, soft=not is_hard)
        except Exception as error:  # noqa: BLE001 -- the task retries these items or dead-letters them, with this error
            batch.failed.update(dict.fromkeys(map(_listing, some), error))


def _listing(page: _Publication) -> str:
    return page.said.listing
