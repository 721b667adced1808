"""An article's own page: claim, read, decide, put, look again, record, purge (architecture part 5)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from time import perf_counter

import structlog

from services.publish.domain import claims
from services.publish.domain.pages import Page, cache_control_for, made, redirect
from services.publish.handler.fence import Outcome, Put, known_of, put_page
from services.publish.handler.publisher import Publisher
from shared import keys
from shared.article import Status
from shared.errors import AddressTakenError, PermanentError
from shared.history import Since, find_target, read_past
from shared.listings import article_page
from shared.live import LiveRecord, PageRecord
from shared.messages import ArticleAccepted, ArticlePublished, Attachment, Message, PageRendered, follow_up
from shared.receipts import Outcome as ReceiptOutcome
from shared.receipts import PublicPage, receipt_id
from shared.sets import listed_of
from shared.sites import Site
from shared.storage import Etag

log = structlog.get_logger()


def publish_article(message: PageRendered, publisher: Publisher) -> tuple[Message, ...]:
    """Put an article's page before readers unless something newer is there or forbids it."""
    if message.article is None or message.revision is None:
        fault = "a page is neither a listing's nor an article's"
        raise PermanentError(fault)
    site, article, revision = publisher.site(message.site), message.article, message.revision
    receipt = receipt_id(site.id, article, revision)
    started = perf_counter()

    claim = _claim(message, site, publisher)
    if claim is None:
        publisher.receipts.settle(receipt, ReceiptOutcome.SUPERSEDED, publisher.clock())
        return _superseded(message, publisher)
    record, _ = claim
    page = article_of(message, publisher.body_of(message))
    puts = _put_all(page, record, message, site, publisher)
    if puts is None:
        outcome, reason = _why_forbidden(message, publisher)
        publisher.receipts.settle(receipt, outcome, publisher.clock(), reason=reason)
        log.info("page.forbidden", path=message.path, outcome=outcome.value)
        return told_again(message, publisher)
    if puts[0][1].outcome is Outcome.STALE:
        log.info("page.stale", path=message.path)  # whoever put the newer one records it
        return told_again(message, publisher)
    publisher.receipts.note(receipt, ReceiptOutcome.PUBLISHED, publisher.clock())

    pages = {
        each.path: PageRecord(order=each.order, sha256=each.sha256, etag=put.etag, status=each.status)
        for each, put in puts
        if put.outcome is not Outcome.STALE
    }
    if any(put.outcome is Outcome.PUT or not is_recorded(record, each) for each, put in puts):
        # What is recorded was told to the edge before; the same bytes without a record are told again.
        publisher.edge.purge(
            [keys.article_surrogate_key(article), *(keys.path_surrogate_key(each.path) for each, _ in puts)]
        )
    put_anew = {each.path for each, put in puts if put.outcome is Outcome.PUT}
    step = partial(went_live, message=message, pages=pages, put=put_anew, publisher=publisher)
    recorded, _ = publisher.records.change(site.id, article, step, known=claim)
    if message.changed:  # a card that it shows had changed
        publisher.index.set_published(site, article_page(article), message.changed)
    is_live = not claims.is_outdated(recorded, revision, page.order)
    if is_live:
        url = f"{site.base_url}{keys.url_path(page.path)}"
        shown = PublicPage(path=page.path, url=url, sha256=page.sha256)
        publisher.receipts.settle(receipt, ReceiptOutcome.LIVE, publisher.clock(), url=url, pages=(shown,))
    else:  # a newer revision claimed meanwhile
        publisher.receipts.settle(receipt, ReceiptOutcome.SUPERSEDED, publisher.clock())
    log.info(
        "page.published",
        path=page.path,
        outcome=puts[0][1].outcome.value,
        size_bytes=len(page.body),
        duration_ms=round((perf_counter() - started) * 1000, 1),
    )
    is_overtaken = not is_live or any(put.is_overtaken for _, put in puts) or not is_recorded(recorded, page)
    return (
        ArticlePublished(**follow_up(message, "published"), site=site.id, article=article, revision=revision),
        *told_again(message, publisher, even_if_latest=is_overtaken),
    )


def article_of(message: PageRendered, body: bytes) -> Page:
    """Return an article's page as it is put."""
    return Page(
        path=message.path,
        order=message.order,
        body=body,
        content_type=message.content_type,
        cache_control=cache_control_for("article"),
        theme=message.theme,
        article=message.article or "",
        surrogate_keys=message.surrogate_keys,
        made=made(message),
    )


def went_live(
    record: LiveRecord,
    *,
    message: PageRendered,
    pages: Mapping[str, PageRecord],
    put: Collection[str],
    publisher: Publisher,
) -> LiveRecord:
    """Return the record of an article whose page, and what goes with it, is before readers."""
    return claims.went_live(
        record,
        revision=message.revision or "",
        revisions_seen=message.revisions_seen,
        path=message.path,
        order=message.order,
        pages=pages,
        put=put,
        card=message.card,
        media=tuple(each.path for each in pictures_of(message)),
        listed=listed_of(publisher.site(message.site), message.card) if message.card else (),
        shows=message.shows,
        at=publisher.clock(),
    )


def _claim(message: PageRendered, site: Site, publisher: Publisher) -> tuple[LiveRecord, Etag | None] | None:
    """Claim the page's addresses and pictures for its revision; None where a newer one was here."""
    revision, pictures = message.revision or "", pictures_of(message)

    def step(record: LiveRecord) -> LiveRecord | None:
        if claims.is_outdated(record, revision, message.order):
            return None
        publisher.announce((each for each in pictures if each.path not in record.media), record.article)
        media = (each.path for each in pictures)
        # An index made again finds by this what was put for a revision that never went live.
        listed = listed_of(site, message.card) if message.placeholders and message.card else ()
        return claims.claimed(record, revision, (message.path, *message.former), media=media, listed=listed)

    return publisher.records.change(site.id, message.article or "", step)


def pictures_of(message: PageRendered) -> tuple[Attachment, ...]:
    """Return what a page shows besides its theme's files."""
    return tuple(each for each in message.attachments if not each.is_immutable)


def _put_all(
    page: Page, record: LiveRecord, message: PageRendered, site: Site, publisher: Publisher
) -> list[tuple[Page, Put]] | None:
    """Put the page, what it needs before it, and a redirect at every other address; None where it is forbidden.

    A redirect that is recorded as it should be costs no look: a publisher that was late and overwrote it takes it out
    of the record.
    """
    may_put = partial(may_show, message, publisher)
    if (pictures_of(message) or message.placeholders) and not may_put():
        return None
    publisher.copy_out(message.attachments)
    publisher.put_placeholders(message)
    puts: list[tuple[Page, Put]] = []
    for each in (page, *missing_redirects(record, page)):
        try:
            put = put_page(
                each,
                known_of(record, each.path),
                site=site.id,
                public=publisher.public,
                marks=publisher.marks,
                may_put=may_put,
            )
        except AddressTakenError:
            if each is page:
                raise
            log.warning("redirect.spared", path=each.path)  # might have been ours, and is another article's
            continue
        if put is None:
            return None
        puts.append((each, put))
        if each is page and put.outcome is Outcome.STALE:
            break
    return puts


def missing_redirects(record: LiveRecord, page: Page) -> list[Page]:
    """Return the redirects to an article's page that its record does not know to be there."""
    old = (path for path in record.claimed if path != page.path)
    redirects = (redirect(path, page.order, to=page.path, article=record.article) for path in old)
    return [each for each in redirects if not is_recorded(record, each)]


def may_show(message: PageRendered, publisher: Publisher, since: Since | None = None) -> bool:
    """Ask the bucket: no tombstone, and no later revision that takes the article down; and it has not expired.

    `since` spares the asking where it was just done.
    """
    site, article, now = message.site, message.article or "", publisher.clock()
    if message.expires_at is not None and message.expires_at <= now:
        return False
    if (since or publisher.revisions.since(site, article, message.revision or "")).is_nothing:
        return True
    target = find_target(publisher.revisions, site, article, now)
    return target is not None and target.status_at(now) is Status.USABLE


def _superseded(message: PageRendered, publisher: Publisher) -> tuple[Message, ...]:
    """Look whether this very page was put late, by a publisher that died before it could look again: then say so."""
    there = publisher.public.find_head(message.path)
    is_ours = there is not None and there.metadata.get("order") == message.order
    log.info("page.superseded", path=message.path, was_put=is_ours)
    if there is None or not is_ours:
        return ()
    put = PageRecord(order=message.order, sha256=message.sha256, etag=there.etag)
    publisher.records.change(
        message.site, message.article or "", lambda record: claims.overwritten(record, {message.path: put})
    )
    return told_again(message, publisher, even_if_latest=True)


def _why_forbidden(message: PageRendered, publisher: Publisher) -> tuple[ReceiptOutcome, str]:
    """Return what a sender is told of a page that may not be shown."""
    if read_past(publisher.revisions, message.site, message.article or "").is_killed:
        return ReceiptOutcome.KILLED, "a kill of this article stands; nothing of it is published"
    if message.expires_at is not None and message.expires_at <= publisher.clock():
        return ReceiptOutcome.WITHDRAWN, "it expired before its page was published"
    return ReceiptOutcome.SUPERSEDED, "a later revision takes the article down"


def is_recorded(record: LiveRecord, page: Page) -> bool:
    """Tell whether the article's record says that this page, to the byte, is there."""
    there = record.pages.get(page.path)
    return there is not None and there.sha256 == page.sha256


def told_again(message: PageRendered, publisher: Publisher, *, even_if_latest: bool = False) -> tuple[Message, ...]:
    """Look again: where the article has moved on since, say so before this message is acknowledged.

    A later revision that waits for its embargo is no such move.
    """
    site, article, revision = message.site, message.article or "", message.revision or ""
    target = find_target(publisher.revisions, site, article, publisher.clock(), hint=revision)
    if (target is None or target.revision == revision) and not even_if_latest:
        return ()
    latest = max(target.revision if target else "", revision)  # a kill that stands may have the lower name
    return (ArticleAccepted(**follow_up(message, "look again"), site=site, article=article, revision=latest),)
