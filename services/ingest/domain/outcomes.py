"""The status of a revision as the bucket tells it, and the reason where it ends without a page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from services.ingest.domain.accepted import NearMatch
from shared.article import Status
from shared.history import Past
from shared.live import LiveRecord
from shared.receipts import Outcome
from shared.revision import Revision

_REMOVED = {Status.CANCELED: Outcome.KILLED, Status.WITHHELD: Outcome.WITHDRAWN}
_REASONS = {
    Outcome.DUPLICATE: "the same was accepted before; nothing has changed",
    Outcome.SUPERSEDED: "a later revision of the article was accepted; this one is stored and has no effect",
    Outcome.HELD: "a kill arrived before this article; nothing of it is published until a person restores it",
    Outcome.KILLED: "a kill of the article is in force; nothing of it is published until it is restored",
    Outcome.WITHDRAWN: "the article is withdrawn; the next usable revision brings it back",
}
_CUT_SHORT = "a kill of this article was begun and not completed; send the kill again, or restore the article"
_LIFTED = "a removal that arrived before the article was lifted; no text of the article has been sent yet"
_MAX_IDENTITY_CHARS = 100


def status_of(revision: Revision, past: Past, record: LiveRecord, now: datetime) -> Outcome:
    """Return a revision's status as the bucket alone tells it.

    A removal is done once the record says so, which is after the edge answered 410 for every address.
    """
    if any(each.revision == revision.revision for each in past.unmatched_in_force) and not record.claimed:
        return Outcome.UNMATCHED
    if past.is_held(revision):
        return Outcome.HELD
    if revision.revision == record.settled_revision:
        is_removed = record.removed_by == revision.revision
        return _REMOVED.get(revision.status_at(now), Outcome.WITHDRAWN) if is_removed else Outcome.LIVE
    if revision.revision < record.settled_revision:
        return _status_of_older(past, record, now)
    return _status_on_the_way(revision, past, record, now)


def _status_of_older(past: Past, record: LiveRecord, now: datetime) -> Outcome:
    """Return the status of a revision older than the one that readers see, or that took the article down."""
    removal = next((each for each in past.revisions if each.revision == record.removed_by), None)
    if removal is None or not record.claimed:
        return Outcome.SUPERSEDED
    return _REMOVED.get(removal.status_at(now), Outcome.WITHDRAWN)


def _status_on_the_way(revision: Revision, past: Past, record: LiveRecord, now: datetime) -> Outcome:
    """Return the status of a revision that readers were not told of yet."""
    seen = past.seen(now)
    if past.is_killed and revision is not seen:
        return _status_under_kill(past, record)
    if revision.embargo_until and revision.embargo_until > now:
        return Outcome.SCHEDULED if revision is past.revisions[-1] else Outcome.SUPERSEDED
    return Outcome.ACCEPTED if seen is revision else Outcome.SUPERSEDED


def why_no_page(
    status: Outcome, revision: Revision, near_matches: Sequence[NearMatch] = (), past: Past | None = None
) -> str | None:
    """Return the reason of a status that ends without a page, in a sentence; None for any other status."""
    if status is Outcome.UNMATCHED:
        return _why_unmatched(revision, near_matches)
    if status is Outcome.HELD and past is not None and past.is_killed:
        return _CUT_SHORT
    if status is Outcome.WITHDRAWN and revision.action is not None and revision.action.kind == "restore":
        return _LIFTED
    expires_at = revision.article.expires_at
    if status is Outcome.WITHDRAWN and revision.status is Status.USABLE and expires_at is not None:
        return f"expired on {expires_at.astimezone(UTC):%Y-%m-%d at %H:%M} UTC, the item's own expires_at"
    return _REASONS.get(status)


def _status_under_kill(past: Past, record: LiveRecord) -> Outcome:
    """Return the status of a text that a kill keeps down: killed once the kill itself is done."""
    if past.kill is None:
        return Outcome.HELD
    return Outcome.KILLED if record.removed_by == past.kill.revision else Outcome.ACCEPTED


def _why_unmatched(removal: Revision, near_matches: Sequence[NearMatch]) -> str:
    facts = removal.article
    source, source_id = facts.source[:_MAX_IDENTITY_CHARS], facts.source_id[:_MAX_IDENTITY_CHARS]
    looked_up = f'site "{facts.site}", source "{source}", source id "{source_id}"'
    near = ", ".join(f'{each.article} (source "{each.source[:_MAX_IDENTITY_CHARS]}")' for each in near_matches)
    hint = f"; the same source id under another source: {near}" if near else ""
    effect = "nothing was taken down, and the removal applies to texts that come later"
    return f"no article has this identity: {looked_up}; {effect}{hint}"
