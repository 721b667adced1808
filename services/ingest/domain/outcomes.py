"""The reason of a status without a page, as the sender reads it."""

from __future__ import annotations

from collections.abc import Sequence

from services.ingest.domain.accepted import NearMatch
from shared.model.history import History
from shared.model.revision import Revision
from shared.reconcile.outcomes import reason_of
from shared.runtime.receipts import ReceiptStatus

_MAX_IDENTITY_CHARS = 100


def reason_without_page(
    status: ReceiptStatus, revision: Revision, near_matches: Sequence[NearMatch] = (), history: History | None = None
) -> str | None:
    """Return the reason of a status without a page, as a sentence; None for any other status."""
    if status is ReceiptStatus.UNMATCHED:
        return _reason_unmatched(revision, near_matches)
    return reason_of(status, revision, history)


def _reason_unmatched(removal: Revision, near_matches: Sequence[NearMatch]) -> str:
    facts = removal.article
    source, source_id = facts.source[:_MAX_IDENTITY_CHARS], facts.source_id[:_MAX_IDENTITY_CHARS]
    looked_up = f'site "{facts.site}", source "{source}", source id "{source_id}"'
    near = ", ".join(f'{each.article} (source "{each.source[:_MAX_IDENTITY_CHARS]}")' for each in near_matches)
    hint = f"; the same source id under another source: {near}" if near else ""
    effect = "nothing was removed, and the removal applies to later texts"
    return f"no article has this identity: {looked_up}; {effect}{hint}"
