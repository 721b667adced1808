"""The message that repairs a difference. Its consumer checks first, because the difference may be gone by then."""

from __future__ import annotations

from shared.messaging.messages import Message, RepairPath, first_envelope
from shared.model.lane import Lane
from shared.reconcile import Drift, DriftKind, ReconcileDeps
from shared.reconcile.drift import messages_of
from shared.reconcile.inspection import find_article_event
from shared.site.sites import Site


def repair_of(drift: Drift, site: Site, deps: ReconcileDeps) -> Message | None:
    """Return the message that repairs a difference, or None if no message does."""
    if drift.kind is DriftKind.FOREIGN:
        return None
    event = find_article_event(drift.article, site, deps) if drift.article else None
    if event is not None:
        return next(messages_of([event], site))
    if not drift.path:
        return None
    return RepairPath(
        **first_envelope(Lane.BULK),  # a repair must not delay news
        site=site.id,
        path=drift.path,
        article=drift.article or None,
    )
