"""Listings: an article enters them after its page is live, and each is put for the state that it was rendered from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

import structlog

from services.publish.domain.pages import Page, cache_control_for, made
from services.publish.handler.fence import Outcome, Put, known_from, put_page
from services.publish.handler.publisher import Publisher
from shared import keys
from shared.errors import OutageError, TaskTooSlowError
from shared.listings import find_listing
from shared.messages import ArticlePublished, ListingsRendered, Message, PageRendered
from shared.sites import Site

_T = TypeVar("_T")
_R = TypeVar("_R")

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


@dataclass(frozen=True, slots=True)
class _Placed:
    """A listing's page and how putting it ended; without them nothing is to be there."""

    message: PageRendered
    page: Page | None = None
    put: Put | None = None
    is_new: bool = False  # nothing was there
    is_untold: bool = False  # the edge may not know of what is there now

    @property
    def surrogate_keys(self) -> tuple[str, ...]:
        return (*self.message.surrogate_keys, keys.path_surrogate_key(self.message.path))


def publish_listing(message: PageRendered, publisher: Publisher) -> tuple[Message, ...]:
    """Put a listing's page before readers unless a later reading of the index is there."""
    placed = _place(message, publisher)
    _tell([placed], publisher)
    return _settle(placed, publisher)


def publish_listings(message: ListingsRendered, publisher: Publisher) -> tuple[Message, ...]:
    """Put several listings' pages before readers, side by side, with one purge; one that fails goes on its own."""
    context, alone = copy_context(), list[Message]()  # what the log says of the message

    def side_by_side(step: Callable[[_T, Publisher], _R], items: Iterable[tuple[PageRendered, _T]]) -> list[_R]:
        def run(item: tuple[PageRendered, _T]) -> tuple[_R, ...]:
            try:
                return (context.copy().run(step, item[1], publisher),)
            except (OutageError, TaskTooSlowError):
                raise
            except Exception as error:  # noqa: BLE001 -- its own message meets it too, and keeps its traceback
                log.warning("listing.alone", listing=item[0].listing, reason=str(error))
                alone.append(item[0])
                return ()

        return list(chain.from_iterable(publisher.writers.map(run, items)))

    placed = side_by_side(_place, ((page, page) for page in message.pages))
    try:
        _tell(placed, publisher)
    except (OutageError, TaskTooSlowError):
        raise
    except Exception as error:  # noqa: BLE001 -- as above
        log.warning("listings.alone", reason=str(error))
        alone += [each.message for each in placed if each.is_untold]
        placed = [each for each in placed if not each.is_untold]
    follows = side_by_side(_settle, ((each.message, each) for each in placed))
    return (*chain.from_iterable(follows), *alone)


def _place(message: PageRendered, publisher: Publisher) -> _Placed:
    """Put a listing's page unless something newer is there, and what it needs before it."""
    if message.is_absent:
        return _Placed(message)
    site, listing = publisher.site(message.site), message.listing or ""
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
    # The same bytes too, where nobody is known to have told the edge: a worker may have died before it did, and what it
    # put may be what was shown before it and is again.
    is_untold = (
        put is not None
        and put.outcome is not Outcome.STALE
        and (
            put.outcome is Outcome.PUT
            or (known is not None and known.order == page.order)
            or publisher.index.find_shown(site, listing) != page.sha256
        )
    )
    return _Placed(message, page, put, is_new=known is None, is_untold=is_untold)


def _tell(placed: Sequence[_Placed], publisher: Publisher) -> None:
    """Have the edge forget what was there, all at once: the vendors count the calls."""
    for is_new in (False, True):
        told = [key for each in placed if each.is_untold and each.is_new == is_new for key in each.surrogate_keys]
        if told:
            publisher.edge.purge(told, soft=not is_new)


def _settle(placed: _Placed, publisher: Publisher) -> tuple[Message, ...]:
    """Tell the index which state readers see now."""
    message, page, put = placed.message, placed.page, placed.put
    site, listing = publisher.site(message.site), message.listing or ""
    if page is None:
        return _remove_listing(message, site, listing, publisher)
    if put is None or put.outcome is Outcome.STALE:
        log.info("listing.superseded", listing=listing)
        _look_at_placeholders(message, site, publisher)
        if put is not None and not put.etag:
            return ()  # nothing is there, so Redis's clock may have been set back: it is said again, with patience
        publisher.index.end_turn(site, listing)
        return publisher.stale_pages(message, site, [listing])
    was_later = publisher.index.set_published(
        site, listing, message.changed, sha256=page.sha256, is_hollow=message.is_hollow
    )
    if put.is_overtaken or was_later:  # others have shown a later state: this one must not stay
        publisher.index.touch(site, listing)
        _look_at_placeholders(message, site, publisher)
    log.info("listing.published", listing=listing, outcome=put.outcome.value, size_bytes=len(page.body))
    if message.is_hollow:
        return ()  # it is behind until it may go, and the scheduler says when
    return publisher.stale_pages(message, site, [listing])


def _look_at_placeholders(message: PageRendered, site: Site, publisher: Publisher) -> None:
    """Have the listings looked at that a page brought along which does not stay: nothing may lead there."""
    for each in message.placeholders:
        publisher.index.touch(site, each.listing)


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
    if publisher.index.set_published(site, listing, message.changed, is_absent=True):
        log.info("listing.superseded", listing=listing)
        return publisher.stale_pages(message, site, [listing])
    publisher.marks.decide(site.id, message.path, message.order, "")  # a page that was read before must not come back
    there = there or publisher.public.find_head(message.path)  # one that stood still had put it before that mark
    if there is not None:
        if there.metadata.get("order", "") <= message.order:
            publisher.take_away(there, *message.surrogate_keys)
            log.info("listing.removed", listing=listing)
        if publisher.index.set_published(site, listing, message.changed, is_absent=True):
            publisher.index.touch(site, listing)
    return publisher.stale_pages(message, site, [listing])
