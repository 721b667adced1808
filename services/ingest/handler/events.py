"""Emits the events of committed revisions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from services.ingest.domain.accepted import Accepted
from services.ingest.domain.outcomes import reason_without_page
from services.ingest.domain.tracing import trace_parent
from services.ingest.handler.commit import Committed
from services.ingest.handler.deps import IngestDeps
from services.ingest.handler.takedowns import await_note, start_note
from shared.messaging.messages import (
    MAX_BATCH_ITEMS,
    ArticleRemoved,
    ArticleRevision,
    ArticlesAccepted,
    Envelope,
    Message,
)
from shared.model.article import Status
from shared.model.lane import Lane
from shared.model.revision import Revision
from shared.runtime.receipts import ReceiptStatus, receipt_id


def events(committed: Iterable[Committed], cause: Message | None = None) -> tuple[Message, ...]:
    """Return the events of one site's items: one for up to 50 texts of a lane, and one for each removal.

    A superseded revision has an event too, because an article's address follows from its earliest revision.
    `cause`: the message that is being handled.
    """
    texts: defaultdict[Lane, list[Revision]] = defaultdict(list)
    removals: dict[str, Revision] = {}
    for each in committed:
        if each.has_event and each.revision.status is Status.USABLE:
            texts[each.revision.lane].append(each.revision)
        elif each.has_event:
            removals[_name(each.revision)] = each.revision
    return (
        *(_removed(revision, cause) for revision in removals.values()),
        *(
            _accepted(lane, revisions[first : first + MAX_BATCH_ITEMS], cause)
            for lane, revisions in texts.items()
            for first in range(0, len(revisions), MAX_BATCH_ITEMS)
        ),
    )


def emit_events(committed: Committed, deps: IngestDeps) -> Accepted:
    """Open the receipt of one item and emit its event; return the result for its sender.

    The audit entry of a takedown is written in parallel. The sender's reply waits for it, the event does not.
    """
    noting = start_note(committed, deps)
    receipts = [committed.receipt] if committed.receipt else []
    delay = deps.emit_events(events([committed]), receipts=receipts)
    await_note(noting)
    accepted = committed.accepted
    if delay:
        accepted = accepted.model_copy(update={"report": accepted.report.with_warning(delay)})
    return _with_near_matches(accepted, committed.revision, deps) if accepted.status == "unmatched" else accepted


def _with_near_matches(accepted: Accepted, removal: Revision, deps: IngestDeps) -> Accepted:
    """Return the result of an unmatched removal, with articles of the same source id under other sources."""
    found = deps.sources.near_matches(removal)
    reason = reason_without_page(ReceiptStatus(accepted.status), removal, found)
    return accepted.model_copy(update={"near_matches": found, "reason": reason})


def _accepted(lane: Lane, revisions: list[Revision], cause: Message | None) -> ArticlesAccepted:
    return ArticlesAccepted(
        **_envelope(",".join(map(_name, revisions)), lane, min(each.accepted_at for each in revisions), cause),
        site=revisions[0].article.site,
        articles=tuple(ArticleRevision(article=each.article_id, revision=each.revision) for each in revisions),
    )


def _removed(revision: Revision, cause: Message | None) -> ArticleRemoved:
    return ArticleRemoved(
        **_envelope(_name(revision), revision.lane, revision.accepted_at, cause),
        site=revision.article.site,
        article=revision.article_id,
        revision=revision.revision,
    )


def _envelope(name: str, lane: Lane, accepted_at: datetime, cause: Message | None) -> Envelope:
    """Return the envelope of an event; its id follows from the revisions, so that a repetition is recognised."""
    return Envelope(
        message_id=uuid5(NAMESPACE_URL, name),
        causation_id=cause.message_id if cause else None,
        trace_parent=cause.trace_parent if cause else trace_parent.get(),
        lane=lane,
        begun_at=(cause and cause.begun_at) or accepted_at,
    )


def _name(revision: Revision) -> str:
    return receipt_id(revision.article.site, revision.article_id, revision.revision)
