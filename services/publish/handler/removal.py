"""Taking an article down: its text first, then the listings. A dead link for a second beats a killed text."""

from __future__ import annotations

import structlog

from services.publish.domain import claims
from services.publish.domain.pages import GONE_BODY, gone
from services.publish.handler.fence import Known, Outcome, put_page
from services.publish.handler.publisher import Publisher
from shared import keys
from shared.article import Status
from shared.errors import AddressTakenError
from shared.history import find_target
from shared.listings import GONE, listing_of
from shared.live import PageRecord
from shared.messages import ArticleRemoved, Message
from shared.receipts import Outcome as ReceiptOutcome
from shared.receipts import receipt_id
from shared.revision import page_order

log = structlog.get_logger()

_OUTCOMES = {Status.CANCELED: ReceiptOutcome.KILLED, Status.WITHHELD: ReceiptOutcome.WITHDRAWN}


def remove_article(message: ArticleRemoved, publisher: Publisher) -> tuple[Message, ...]:
    """Put 410 at every path that the article ever claimed, purge hard, then take it out of the listings."""
    site, article = publisher.site(message.site), message.article

    def removal() -> str | None:
        """Return the revision that takes the article down, or None where it is to be seen."""
        now = publisher.clock()
        target = find_target(publisher.revisions, site.id, article, now, hint=message.revision)
        return target.revision if target and target.status_at(now) is not Status.USABLE else None

    revision = removal()
    if revision is None:
        return ()
    claim = publisher.records.change(
        site.id,
        article,
        lambda record: None if claims.is_outdated(record, revision) else claims.claimed(record, revision),
    )
    if claim is None:
        return ()
    record, _ = claim

    shown = publisher.public.find(listing_of(site, GONE).path)
    order = page_order(revision, publisher.clock())
    pages: dict[str, PageRecord] = {}
    for path in record.claimed:
        page = gone(
            path,
            order,
            body=shown.body if shown else GONE_BODY,
            theme=shown.head.metadata.get("theme", "none") if shown else "none",
            article=article,
        )
        there = record.pages.get(path)
        try:
            put = put_page(
                page,
                Known(there.etag, there.order, there.sha256, article) if there else None,
                site=site.id,
                public=publisher.public,
                marks=publisher.marks,
                may_put=lambda: removal() == revision,
            )
        except AddressTakenError:
            log.warning("removal.spared", path=path)  # claimed, but never ours
            continue
        if put is None:
            return ()  # it may be seen again: a later revision says so, and brings its own message
        if put.outcome is not Outcome.STALE:
            pages[path] = PageRecord(order=order, sha256=page.sha256, etag=put.etag, status=page.status)
    publisher.edge.purge(
        [keys.article_surrogate_key(article), *(keys.path_surrogate_key(path) for path in record.claimed)]
    )
    publisher.records.change(
        site.id, article, lambda record: claims.taken_down(record, revision=revision, pages=pages), known=claim
    )
    status = publisher.revisions.get(site.id, article, revision).status_at(publisher.clock())
    publisher.receipts.settle(receipt_id(site.id, article, revision), _OUTCOMES[status], publisher.clock())
    publisher.index.leave(site, article, revision)
    log.info("article.removed", status=status.value, paths=len(record.claimed))
    return publisher.stale_listings(message, site)
