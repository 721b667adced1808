"""The status of a revision, computed from the content bucket, and the reason of a status without a page."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.model.article import Status
from shared.model.history import History
from shared.model.live_record import LiveRecord
from shared.model.revision import Revision
from shared.runtime.receipts import ReceiptStatus

_REMOVED = {Status.CANCELED: ReceiptStatus.KILLED, Status.WITHHELD: ReceiptStatus.WITHDRAWN}
_REASONS = {
    ReceiptStatus.DUPLICATE: "the same content was accepted before; nothing has changed",
    ReceiptStatus.SUPERSEDED: "a later revision of the article was accepted; this one is stored and has no effect",
    ReceiptStatus.HELD: "a kill arrived before this article; nothing of it is published until a person restores it",
    ReceiptStatus.KILLED: "a kill of the article is in force; nothing of it is published until it is restored",
    ReceiptStatus.WITHDRAWN: "the article is withdrawn; the next usable revision brings it back",
}
_KILL_UNFINISHED = "a kill of this article was begun and not completed; send the kill again, or restore the article"
_NO_TEXT_YET = "a removal that arrived before the article is no longer in force; no text of the article was sent yet"


def status_of(revision: Revision, history: History, record: LiveRecord, now: datetime) -> ReceiptStatus:
    """Return a revision's status, computed from the bucket alone.

    A removal is done once the record names it, which happens after the edge answered 410 for every address.
    """
    if any(each.revision == revision.revision for each in history.unmatched_in_force) and not record.claimed:
        return ReceiptStatus.HELD if revision.held_because else ReceiptStatus.UNMATCHED
    if history.is_held(revision):
        return ReceiptStatus.HELD
    if revision.revision == record.effective_revision:
        is_removed = record.removed_by == revision.revision
        return _REMOVED.get(revision.status_at(now), ReceiptStatus.WITHDRAWN) if is_removed else ReceiptStatus.LIVE
    if revision.revision < record.effective_revision:
        return _status_of_older(history, record, now)
    return _status_before_live(revision, history, record, now)


def reason_of(status: ReceiptStatus, revision: Revision, history: History | None = None) -> str | None:
    """Return the reason of a status without a page, as a sentence; None for any other status and for `unmatched`."""
    if revision.held_because and status in (ReceiptStatus.HELD, ReceiptStatus.WITHDRAWN):
        return revision.held_because
    if status is ReceiptStatus.HELD and history is not None and history.is_killed:
        return _KILL_UNFINISHED
    if status is ReceiptStatus.WITHDRAWN and revision.action is not None and revision.action.kind == "restore":
        return _NO_TEXT_YET
    expires_at = revision.article.expires_at
    if status is ReceiptStatus.WITHDRAWN and revision.status is Status.USABLE and expires_at is not None:
        return f"expired on {expires_at.astimezone(UTC):%Y-%m-%d at %H:%M} UTC, the item's own expires_at"
    return _REASONS.get(status)


def _status_of_older(history: History, record: LiveRecord, now: datetime) -> ReceiptStatus:
    """Return the status of a revision older than the visible one, or than the removal in force."""
    removal = next((each for each in history.revisions if each.revision == record.removed_by), None)
    if removal is None or not record.claimed:
        return ReceiptStatus.SUPERSEDED
    return _REMOVED.get(removal.status_at(now), ReceiptStatus.WITHDRAWN)


def _status_before_live(revision: Revision, history: History, record: LiveRecord, now: datetime) -> ReceiptStatus:
    """Return the status of a revision that is not public yet."""
    visible = history.visible(now)
    if history.is_killed and revision is not visible:
        return _status_under_kill(history, record)
    if revision.embargo_until and revision.embargo_until > now:
        return ReceiptStatus.SCHEDULED if revision is history.revisions[-1] else ReceiptStatus.SUPERSEDED
    return ReceiptStatus.ACCEPTED if visible is revision else ReceiptStatus.SUPERSEDED


def _status_under_kill(history: History, record: LiveRecord) -> ReceiptStatus:
    """Return the status of a text under a kill: `killed` once the kill itself is done."""
    if history.kill is None:
        return ReceiptStatus.HELD
    return ReceiptStatus.KILLED if record.removed_by == history.kill.revision else ReceiptStatus.ACCEPTED
