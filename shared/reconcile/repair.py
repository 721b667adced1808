"""Which message mends a difference. Whoever takes it in looks for itself first: by then it may be mended."""

from __future__ import annotations

from shared.messaging.messages import Message, RepairPath, first_envelope
from shared.model.lane import Lane
from shared.reconcile import Drift, DriftKind, ReconcileDeps
from shared.reconcile.drift import messages_of
from shared.reconcile.inspection import event_of
from shared.site.sites import Site


def repair_of(drift: Drift, site: Site, deps: ReconcileDeps) -> Message | None:
    """Return what has to be said so that a difference is mended, or None where there is nothing to say."""
    if drift.kind is DriftKind.FOREIGN:
        return None
    event = event_of(drift.article, site, deps) if drift.article else None
    if event is not None:
        return next(messages_of([event], site))
    if not drift.path:
        return None
    return RepairPath(
        **first_envelope(Lane.BULK),  # a damaged bucket is mended beside the day's news, not before it
        site=site.id,
        path=drift.path,
        article=drift.article or None,
    )
