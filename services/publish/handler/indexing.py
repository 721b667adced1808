"""Indexes live articles: loads their records into the index, and emits the pages that become stale."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from services.publish.handler.deps import PublishDeps
from shared.messaging.handling import BatchRunner, Result
from shared.messaging.messages import ArticlesPublished, Message
from shared.model.live_record import LiveRecord
from shared.site.sites import Site

log = structlog.get_logger()


def index_articles(message: ArticlesPublished, deps: PublishDeps) -> Result:
    """Load live articles' records into the index; emit the pages that become stale."""
    site, batch = deps.site(message.site), BatchRunner(deps.writers)
    found = batch.each(lambda article: deps.records.find(site.id, article)[0], message.items, name=str)
    return Result(index_records([record for _, record in found], message, site, deps), batch.failed)


def index_records(records: Sequence[LiveRecord], cause: Message, site: Site, deps: PublishDeps) -> tuple[Message, ...]:
    """Load records into the index; return the messages that render the newly stale pages."""
    stale_pages = deps.index.load(site, records, is_restored=False) if records else ()
    log.info("articles.indexed", articles=len(records), pages=len(stale_pages))
    return deps.stale_pages(cause, site, stale_pages)
