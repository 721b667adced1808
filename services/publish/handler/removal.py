"""Takes an article down.

A kill puts 410 at the article first, then updates the listings: a dead link for a second is better than a killed text.
A withdrawal updates the listings first, so that no reader meets a dead link.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from itertools import islice

import structlog

from services.publish.domain import live_state
from services.publish.domain.pages import GONE_BODY, gone
from services.publish.handler.deps import PublishDeps
from services.publish.handler.fence import PutKind, expected_of, put_page
from services.publish.handler.pictures import take_down_pictures
from shared.messaging.handling import Result
from shared.messaging.messages import ArticleRemoved, Message, follow_up
from shared.model.addresses import addresses_of, picture_files
from shared.model.article import Status
from shared.model.attachment import Attachment
from shared.model.history import RevisionsAfter, read_history
from shared.model.live_record import LiveRecord, PageRecord
from shared.model.revision import page_order
from shared.runtime.errors import AddressTakenError, EdgeUnavailableError, ListingsStaleError
from shared.runtime.receipts import ReceiptStatus, receipt_id
from shared.site import keys
from shared.site.listings import ALL, GONE, find_article, find_listing, listing_of
from shared.site.memberships import memberships_of, released_memberships, sections_of_days
from shared.site.sites import Site
from shared.storage import Etag, StoredObject

log = structlog.get_logger()

_RECEIPT_STATUSES = {Status.CANCELED: ReceiptStatus.KILLED, Status.WITHHELD: ReceiptStatus.WITHDRAWN}
_MAX_ADDRESSES_IN_ERROR = 3  # in the text of an error
StoredRecord = tuple[LiveRecord, Etag | None]

_MAX_WAIT_FOR_LISTINGS = timedelta(seconds=10)  # a withdrawn page waits for its listings no longer than this


@dataclass(frozen=True, slots=True)
class Removal:
    """The revision that takes an article down, and the paths and pictures that were or may have been public."""

    revision: str
    rank: str  # orders the removal: a kill in force ranks above later revisions
    status: Status  # withheld or canceled
    paths: tuple[str, ...]
    pictures: tuple[Attachment, ...]
    revisions_after: RevisionsAfter
    former_memberships: tuple[str, ...] = ()  # has or may have had, current ones included
    is_unmatched: bool = False  # the removal arrived before its article

    @property
    def is_killed(self) -> bool:
        """Tell whether a kill takes the article down."""
        return self.status is Status.CANCELED


def remove_article(message: ArticleRemoved, deps: PublishDeps) -> Result:
    """Put 410 at every claimed path of the article, purge hard, and request each address as a reader would.

    Raises:
        ListingsStaleError: a withdrawn article is still listed; the same message may succeed soon.
        EdgeUnavailableError: the edge did not accept the purge, or does not answer 410 yet.
    """
    return Result(_remove(message, deps))


def _remove(message: ArticleRemoved, deps: PublishDeps) -> tuple[Message, ...]:
    site, article = deps.site(message.site), message.article
    # Three reads in parallel: readers see the text until the first PUT of a 410.
    recorded = deps.writers.submit(deps.records.find, site.id, article)
    notice_read = deps.writers.submit(deps.public.find, listing_of(site, GONE).path)
    removal = _find_removal(site, article, deps)
    if removal is None:
        return ()
    claim = deps.records.change(
        site.id,
        article,
        lambda record: (
            None
            if live_state.is_outdated(record, removal.rank)
            else live_state.add_claims(
                record, removal.rank, removal.paths, former_memberships=removal.former_memberships
            )
        ),
        known=recorded.result(),
    )
    if claim is None:
        return ()
    record, _ = claim
    if removal.status is Status.WITHHELD and record.revision is not None:
        first = _unlist(message, removal, record, site, deps)
        if first:
            return first

    notice_page = notice_read.result()
    waits_from = message.unlisted_at if record.revision is None and not message.waits_for else None
    if notice_page is None and waits_from is not None and deps.clock() - waits_from < _MAX_WAIT_FOR_LISTINGS:
        raise ListingsStaleError(GONE)
    pages = _put_gone(removal, record, site, deps, notice_page)
    if pages is None:
        return ()  # a later revision allows the article again, and has its own message
    deps.edge.purge([keys.article_surrogate_key(article), *map(keys.path_surrogate_key, record.claimed)])
    claim = _record(removal, site, claim, deps, pages=pages)
    stale_pages = deps.index.remove(
        site, article, removal.rank, former_memberships=record.former_memberships, is_killed=removal.is_killed
    )
    # No listing became stale now: an earlier delivery may have changed the index, and its follow-ups may be lost.
    if not any(find_article(page) is None for page in stale_pages):
        stale_pages = (*stale_pages, *_stale_pages_showing(record, site, deps))
    pictures = take_down_pictures(removal.pictures, article, site, deps)
    receipt = receipt_id(site.id, article, removal.revision)
    _require_gone_at_edge((*pages, *pictures), receipt, site, deps)
    _record(removal, site, claim, deps, pages=pages, is_confirmed=True)
    is_without_pages = removal.is_unmatched and not record.claimed
    outcome = ReceiptStatus.UNMATCHED if is_without_pages else _RECEIPT_STATUSES[removal.status]
    deps.receipts.finalise(receipt, outcome, deps.clock())
    log.info("article.removed", status=removal.status.value, paths=len(pages), pictures=len(pictures))
    follows = deps.stale_pages(message, site, stale_pages)
    if notice_page is not None or waits_from is not None:
        return follows
    # The new site has no 410 page of its own yet: a second message replaces the plain one.
    follow_up_removal = {"article": article, "revision": removal.revision, "unlisted_at": deps.clock()}
    return (*follows, ArticleRemoved(**follow_up(message, "notice"), site=site.id, **follow_up_removal))


def _find_removal(site: Site, article: str, deps: PublishDeps) -> Removal | None:
    """Return the removal in force, or None if the article may be shown."""
    now = deps.clock()
    revisions_after = deps.revisions.since(site.id, article, "")
    history = read_history(deps.revisions, site.id, article, revisions_after)
    released = history.released(now)
    if not released or released[-1].status_at(now) is Status.USABLE:
        return None
    addresses = addresses_of(released, site)
    return Removal(
        revision=released[-1].revision,
        rank=history.revisions[-1].revision if history.is_killed else released[-1].revision,
        status=released[-1].status_at(now),
        paths=addresses.all if addresses else (),
        pictures=picture_files(released, site),
        former_memberships=released_memberships(site, released),
        revisions_after=revisions_after,
        is_unmatched=any(each.revision == released[-1].revision for each in history.unmatched_in_force),
    )


def _unlist(
    message: ArticleRemoved, removal: Removal, record: LiveRecord, site: Site, deps: PublishDeps
) -> tuple[Message, ...]:
    """Remove the article from the index; return the messages that update the listings and repeat the removal later.

    Return nothing once the listings no longer show the article.
    """
    index = deps.index
    if message.unlisted_at is None or not message.waits_for:
        if index.complete_until(site) is None:
            return ()  # no listing is rendered while the index is incomplete, and the withdrawal does not wait for that
        stale_pages = index.remove(
            site, message.article, removal.rank, former_memberships=record.former_memberships
        ) or _stale_pages_showing(record, site, deps)
        stale_versions = index.stale_versions(site, stale_pages)
        if not stale_versions:
            return ()
        follow_up_removal = ArticleRemoved(
            **follow_up(message, "unlisted"),
            site=site.id,
            article=message.article,
            revision=removal.revision,
            unlisted_at=deps.clock(),
            waits_for=stale_versions,
        )
        return (*deps.stale_pages(message, site, stale_pages), follow_up_removal)
    stale_versions = index.stale_versions(site, message.waits_for)
    published = index.published_versions(site, message.waits_for)
    unpublished = [
        name
        for name, number in message.waits_for.items()
        if name in stale_versions and published.get(name, -1) < number
    ]
    if unpublished and deps.clock() - message.unlisted_at < _MAX_WAIT_FOR_LISTINGS:
        raise ListingsStaleError(", ".join(unpublished))
    return ()


def _stale_pages_showing(record: LiveRecord, site: Site, deps: PublishDeps) -> tuple[str, ...]:
    """Return the stale pages that may show an article which left the index before (a redelivered message)."""
    memberships = {*(memberships_of(site, record.card) if record.card else (ALL, *record.former_memberships))}
    memberships |= sections_of_days(memberships)
    stale_pages = deps.index.stale_listings(site)
    return tuple(
        page for page in stale_pages if (listing := find_listing(site, page)) and listing.membership in memberships
    )


def _put_gone(
    removal: Removal, record: LiveRecord, site: Site, deps: PublishDeps, notice_page: StoredObject | None
) -> dict[str, PageRecord] | None:
    """Put 410 at every claimed path; return the pages that are there now, or None if the removal is superseded."""
    body = notice_page.body if notice_page else GONE_BODY
    page_version = notice_page.head.metadata.get("theme", "none") if notice_page else "none"
    order = page_order(removal.rank, len(removal.revisions_after.names), deps.clock())

    def may_put() -> bool:
        if deps.revisions.since(site.id, record.article, "") == removal.revisions_after:
            return True
        current = _find_removal(site, record.article, deps)
        return current is not None and (current.revision, current.rank) == (removal.revision, removal.rank)

    pages: dict[str, PageRecord] = {}
    for path in record.claimed:
        page = gone(path, order, body=body, page_version=page_version, article=record.article)
        expected = expected_of(record, path)
        try:
            put = put_page(page, expected, public=deps.public, may_put=may_put)
        except AddressTakenError:
            log.warning("removal.skipped", path=path)  # claimed, but the page there is another article's
            continue
        if put is None:
            return None
        if put.kind is not PutKind.SUPERSEDED:
            pages[path] = PageRecord(order=order, sha256=page.sha256, etag=put.etag, status=page.status)
    return pages


def _record(
    removal: Removal,
    site: Site,
    stored: StoredRecord,
    deps: PublishDeps,
    *,
    pages: Mapping[str, PageRecord],
    is_confirmed: bool = False,
) -> StoredRecord:
    """Record the 410 pages; once the edge has answered 410 (`is_confirmed`), also the removal's revision.

    Until the record names that revision, the sweep re-emits the removal.
    """

    def step(record: LiveRecord) -> LiveRecord:
        return live_state.apply_removal(
            record,
            revision=removal.revision if is_confirmed else None,
            rank=removal.rank,
            revisions_seen=len(removal.revisions_after.names),
            pages=pages,
            is_killed=removal.is_killed,
        )

    return deps.records.change(site.id, stored[0].article, step, known=stored) or stored


def _require_gone_at_edge(paths: Iterable[str], receipt: str, site: Site, deps: PublishDeps) -> None:
    """Request every address as a reader would, because a confirmed purge proves nothing.

    The receipt names the addresses without a 410, so that the sender knows where readers may see the text.

    Raises:
        EdgeUnavailableError: some address does not answer 410.
    """
    urls = [f"{site.base_url}{keys.url_path(path)}" for path in paths]
    waiting = _find_unpurged_urls(urls, deps)
    if not waiting:
        return
    deps.receipts.note_waiting(receipt, list(waiting))
    named = [f"{url} ({answer})" for url, answer in islice(waiting.items(), _MAX_ADDRESSES_IN_ERROR)]
    more = f" and {len(waiting) - len(named)} more" if len(waiting) > len(named) else ""
    raise EdgeUnavailableError(f"taken down, but readers do not get 410 yet at {', '.join(named)}{more}")


def _find_unpurged_urls(urls: list[str], deps: PublishDeps) -> dict[str, str]:
    """Return the addresses where readers do not get 410, each with the edge's answer.

    At the first call without an answer, all remaining addresses count too: an edge that is down costs one time-out.
    """
    waiting: dict[str, str] = {}
    for place, url in enumerate(urls):
        try:
            status = deps.edge.find_status(url)
        except EdgeUnavailableError as error:
            return waiting | dict.fromkeys(urls[place:], str(error))
        if status not in (None, HTTPStatus.GONE):
            waiting[url] = str(status)
    return waiting
