"""Taking an article down.

A kill takes the text first: a dead link for a second beats a killed text. A withdrawal takes the listings first: no
reader meets a link that leads nowhere.
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
from shared.site.memberships import memberships_of, released_memberships
from shared.site.sites import Site
from shared.storage import Etag, StoredObject

log = structlog.get_logger()

_OUTCOMES = {Status.CANCELED: ReceiptStatus.KILLED, Status.WITHHELD: ReceiptStatus.WITHDRAWN}
_MAX_ADDRESSES_IN_ERROR = 3  # in the text of an error
Claim = tuple[LiveRecord, Etag | None]

_MAX_WAIT_FOR_LISTINGS = timedelta(seconds=10)  # a withdrawn page waits for its listings no longer than this


@dataclass(frozen=True, slots=True)
class Removal:
    """What takes an article down, and all that it has or may have had in public."""

    revision: str
    rank: str  # what it is ordered by: a kill that stands beats also what came after it
    status: Status  # withheld or canceled
    paths: tuple[str, ...]
    pictures: tuple[Attachment, ...]
    since: RevisionsAfter
    former_memberships: tuple[str, ...] = ()  # memberships that the article has or may have had
    is_unmatched: bool = False  # it arrived before its article

    @property
    def is_killed(self) -> bool:
        """Tell whether a kill takes the article down."""
        return self.status is Status.CANCELED


def remove_article(message: ArticleRemoved, deps: PublishDeps) -> Result:
    """Put 410 at every path that the article has or may have had, purge hard, and look at it as a reader would.

    Raises:
        ListingsBehindError: a withdrawn article is still listed; the same message succeeds in a moment.
        EdgeUnavailableError: the edge did not take the purge, or still shows something.
    """
    return Result(_remove(message, deps))


def _remove(message: ArticleRemoved, deps: PublishDeps) -> tuple[Message, ...]:
    site, article = deps.site(message.site), message.article
    # Three reads at the same time: readers see the text until the first PUT of a 410.
    recorded = deps.writers.submit(deps.records.find, site.id, article)
    found_notice = deps.writers.submit(deps.public.find, listing_of(site, GONE).path)
    removal = _find_removal(site, article, deps)
    if removal is None:
        return ()
    claim = deps.records.change(
        site.id,
        article,
        lambda record: (
            None
            if live_state.is_outdated(record, removal.rank)
            else live_state.claimed(record, removal.rank, removal.paths, former_memberships=removal.former_memberships)
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

    notice = found_notice.result()
    waits_from = message.unlisted_at if record.revision is None and not message.waits_for else None
    if notice is None and waits_from is not None and deps.clock() - waits_from < _MAX_WAIT_FOR_LISTINGS:
        raise ListingsStaleError(GONE)
    pages = _put_gone(removal, record, site, deps, notice)
    if pages is None:
        return ()  # it may be seen again: a later revision says so, and brings its own message
    deps.edge.purge([keys.article_surrogate_key(article), *map(keys.path_surrogate_key, record.claimed)])
    claim = _record(removal, site, claim, deps, pages=pages)
    touched = deps.index.remove(
        site, article, removal.rank, former_memberships=record.former_memberships, is_killed=removal.is_killed
    )
    if not any(find_article(page) is None for page in touched):  # said once more: what followed may have been lost
        touched = (*touched, *_showing(record, site, deps))
    pictures = take_down_pictures(removal.pictures, article, site, deps)
    receipt = receipt_id(site.id, article, removal.revision)
    _see_that_it_is_gone((*pages, *pictures), receipt, site, deps)
    _record(removal, site, claim, deps, pages=pages, is_settled=True)
    took_nothing_down = removal.is_unmatched and not record.claimed
    outcome = ReceiptStatus.UNMATCHED if took_nothing_down else _OUTCOMES[removal.status]
    deps.receipts.finalise(receipt, outcome, deps.clock())
    log.info("article.removed", status=removal.status.value, paths=len(pages), pictures=len(pictures))
    follows = deps.stale_pages(message, site, touched)
    if notice is not None or waits_from is not None:
        return follows
    # The site is so new that it has no 410 page of its own: the plain one gives way to it, in a moment.
    again = {"article": article, "revision": removal.revision, "unlisted_at": deps.clock()}
    return (*follows, ArticleRemoved(**follow_up(message, "notice"), site=site.id, **again))


def _find_removal(site: Site, article: str, deps: PublishDeps) -> Removal | None:
    """Return what takes the article down now, or None where it is to be seen."""
    now = deps.clock()
    since = deps.revisions.since(site.id, article, "")
    history = read_history(deps.revisions, site.id, article, since)
    out = history.released(now)
    if not out or out[-1].status_at(now) is Status.USABLE:
        return None
    addresses = addresses_of(out, site)
    return Removal(
        revision=out[-1].revision,
        rank=history.revisions[-1].revision if history.is_killed else out[-1].revision,
        status=out[-1].status_at(now),
        paths=addresses.all if addresses else (),
        pictures=picture_files(out, site),
        former_memberships=released_memberships(site, out),
        since=since,
        is_unmatched=any(each.revision == out[-1].revision for each in history.unmatched_in_force),
    )


def _unlist(
    message: ArticleRemoved, removal: Removal, record: LiveRecord, site: Site, deps: PublishDeps
) -> tuple[Message, ...]:
    """Take the article out of the listings and come back when they show it no more; nothing where that is so."""
    index = deps.index
    if message.unlisted_at is None or not message.waits_for:
        if index.complete_until(site) is None:
            return ()  # no listing is rendered for as long as that lasts, and the withdrawal does not wait for it
        touched = index.remove(
            site, message.article, removal.rank, former_memberships=record.former_memberships
        ) or _showing(record, site, deps)
        behind = index.stale_versions(site, touched)
        if not behind:
            return ()
        again = ArticleRemoved(
            **follow_up(message, "unlisted"),
            site=site.id,
            article=message.article,
            revision=removal.revision,
            unlisted_at=deps.clock(),
            waits_for=behind,
        )
        return (*deps.stale_pages(message, site, touched), again)
    behind = index.stale_versions(site, message.waits_for)
    published = index.published_versions(site, message.waits_for)
    late = [name for name, number in message.waits_for.items() if name in behind and published.get(name, -1) < number]
    if late and deps.clock() - message.unlisted_at < _MAX_WAIT_FOR_LISTINGS:
        raise ListingsStaleError(", ".join(late))
    return ()


def _showing(record: LiveRecord, site: Site, deps: PublishDeps) -> tuple[str, ...]:
    """Return the pages behind that may show an article which is out of the index already: a message that came twice."""
    sets = {*(memberships_of(site, record.card) if record.card else (ALL, *record.former_memberships))}
    sets |= {f"section:{each.split(':')[1]}" for each in sets if each.startswith("sday:")}
    behind = deps.index.stale(site)
    return tuple(page for page in behind if (listing := find_listing(site, page)) and listing.reads in sets)


def _put_gone(
    removal: Removal, record: LiveRecord, site: Site, deps: PublishDeps, notice: StoredObject | None
) -> dict[str, PageRecord] | None:
    """Put 410 at every claimed path; return what is there now, or None where the removal has been overruled."""
    body = notice.body if notice else GONE_BODY
    theme = notice.head.metadata.get("theme", "none") if notice else "none"
    order = page_order(removal.rank, len(removal.since.names), deps.clock())

    def may_put() -> bool:
        if deps.revisions.since(site.id, record.article, "") == removal.since:
            return True
        current = _find_removal(site, record.article, deps)
        return current is not None and (current.revision, current.rank) == (removal.revision, removal.rank)

    pages: dict[str, PageRecord] = {}
    for path in record.claimed:
        page = gone(path, order, body=body, theme=theme, article=record.article)
        known = expected_of(record, path)
        try:
            put = put_page(page, known, public=deps.public, may_put=may_put)
        except AddressTakenError:
            log.warning("removal.spared", path=path)  # claimed, but never ours
            continue
        if put is None:
            return None
        if put.kind is not PutKind.STALE:
            pages[path] = PageRecord(order=order, sha256=page.sha256, etag=put.etag, status=page.status)
    return pages


def _record(
    removal: Removal,
    site: Site,
    known: Claim,
    deps: PublishDeps,
    *,
    pages: Mapping[str, PageRecord],
    is_settled: bool = False,
) -> Claim:
    """Record what readers see now; settled only when all of it is gone at the edge, so that the sweep comes back."""

    def step(record: LiveRecord) -> LiveRecord:
        return live_state.taken_down(
            record,
            revision=removal.revision if is_settled else None,
            rank=removal.rank,
            revisions_seen=len(removal.since.names),
            pages=pages,
            is_killed=removal.is_killed,
        )

    return deps.records.change(site.id, known[0].article, step, known=known) or known


def _see_that_it_is_gone(paths: Iterable[str], receipt: str, site: Site, deps: PublishDeps) -> None:
    """Fetch every address as a reader would; a purge that was confirmed proves nothing.

    The receipt names the addresses that still wait, so that its reader knows where the text may be seen.
    """
    urls = [f"{site.base_url}{keys.url_path(path)}" for path in paths]
    waiting = _not_gone(urls, deps)
    if not waiting:
        return
    deps.receipts.note_waiting(receipt, list(waiting))
    named = [f"{url} ({told})" for url, told in islice(waiting.items(), _MAX_ADDRESSES_IN_ERROR)]
    more = f" and {len(waiting) - len(named)} more" if len(waiting) > len(named) else ""
    raise EdgeUnavailableError(f"taken down, and readers do not get 410 yet at {', '.join(named)}{more}")


def _not_gone(urls: list[str], deps: PublishDeps) -> dict[str, str]:
    """Return the addresses where readers do not get 410, each with the edge's answer.

    At the first call without an answer, all that are left count as waiting: an edge that is down costs one time-out.
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
