"""Listings: an article enters them after its page is live, and each is put for the state that it was rendered from."""

from __future__ import annotations

from contextvars import copy_context
from itertools import chain

import structlog

from services.publish.domain.pages import Page, cache_control_for, made
from services.publish.handler.fence import Outcome, known_from, put_page
from services.publish.handler.publisher import Publisher
from shared import keys
from shared.errors import OutageError, TaskTooSlowError
from shared.listings import find_listing
from shared.messages import ArticlePublished, ListingsRendered, Message, PageRendered
from shared.sites import Site

log = structlog.get_logger()


def enter_listings(message: ArticlePublished, publisher: Publisher) -> tuple[Message, ...]:
    """Place a live article's card in the index, from the bucket's record of it, and tell which listings are behind."""
    site = publisher.site(message.site)
    record, _ = publisher.records.find(site.id, message.article)
    if record.revision is None or record.card is None:
        touched = publisher.index.leave(site, record.article, record.removed_by) if record.removed_by else ()
        return publisher.stale_pages(message, site, touched)
    touched = publisher.index.enter(site, record.card, record.revision, text=record.text, shows=record.shows)
    log.info("article.listed", revision=record.revision, pages=len(touched))
    return publisher.stale_pages(message, site, touched)


def publish_listing(message: PageRendered, publisher: Publisher) -> tuple[Message, ...]:
    """Put a listing's page before readers unless a later reading of the index is there."""
    site, listing = publisher.site(message.site), message.listing or ""
    if message.is_absent:
        return _remove_listing(message, site, listing, publisher)
    known, known_as = known_from(publisher.public.find_head(message.path)), find_listing(site, listing)
    page = Page(
        path=message.path,
        order=message.order,
        body=publisher.body_of(message),
        content_type=message.content_type,
        cache_control=cache_control_for(known_as.kind if known_as else ""),
        theme=message.theme,
        surrogate_keys=message.surrogate_keys,
        made=made(message),
    )
    publisher.copy_out(message.attachments)
    publisher.put_placeholders(message)
    put = put_page(page, known, site=site.id, public=publisher.public, marks=publisher.marks, may_put=lambda: True)
    if put is None or put.outcome is Outcome.STALE:
        log.info("listing.superseded", listing=listing)
        publisher.index.end_turn(site, listing)
        return publisher.stale_pages(message, site, [listing])
    if put.outcome is Outcome.PUT or publisher.index.find_shown(site, listing) != page.sha256:
        # The same bytes too, where nobody is known to have told the edge: a worker may have died before it did.
        publisher.edge.purge([*message.surrogate_keys, keys.path_surrogate_key(page.path)], soft=known is not None)
    was_later = publisher.index.set_published(
        site, listing, message.changed, sha256=page.sha256, is_hollow=message.is_hollow
    )
    if put.is_overtaken or was_later:  # others have shown a later state: this one must not stay
        publisher.index.touch(site, listing)
    log.info("listing.published", listing=listing, outcome=put.outcome.value, size_bytes=len(page.body))
    if message.is_hollow:
        return ()  # it is behind until it may go, and the scheduler says when
    return publisher.stale_pages(message, site, [listing])


def publish_listings(message: ListingsRendered, publisher: Publisher) -> tuple[Message, ...]:
    """Put several listings' pages before readers, side by side; one that fails goes on its own."""
    context = copy_context()  # what the log says of the message

    def publish(page: PageRendered) -> tuple[Message, ...]:
        try:
            return context.copy().run(publish_listing, page, publisher)
        except (OutageError, TaskTooSlowError):
            raise
        except Exception as error:  # noqa: BLE001 -- its own message meets it too, is retried and keeps its traceback
            log.warning("listing.alone", listing=page.listing, reason=str(error))
            return (page,)

    return tuple(chain.from_iterable(publisher.writers.map(publish, message.pages)))


def _remove_listing(message: PageRendered, site: Site, listing: str, publisher: Publisher) -> tuple[Message, ...]:
    """Take away the page of a listing that has nothing to show.

    The index lets it go first: where a page leads there by now, it stays. A delete has no precondition: who stood still
    meanwhile is told so by the index, and the page is made again.
    """
    there = publisher.public.find_head(message.path)
    if there is not None and there.metadata.get("order", "") > message.order:
        log.info("listing.superseded", listing=listing)
        publisher.index.end_turn(site, listing)
        return publisher.stale_pages(message, site, [listing])
    is_wanted = publisher.index.set_published(site, listing, message.changed, is_absent=True)
    if there is not None and not is_wanted:
        publisher.take_away(there, *message.surrogate_keys)
        log.info("listing.removed", listing=listing)
        is_wanted = publisher.index.set_published(site, listing, message.changed, is_absent=True)
    if is_wanted:
        publisher.index.touch(site, listing)
    return publisher.stale_pages(message, site, [listing])
