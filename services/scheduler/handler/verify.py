"""Compares the public bucket with the records, slowly; exports the drift as a metric and logs the differences."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from functools import partial
from itertools import islice

import structlog

from services.scheduler.handler.deps import SchedulerDeps
from services.scheduler.metrics import DRIFT
from shared.reconcile import ReconcileDeps
from shared.reconcile.passes import Reconciliation
from shared.site.sites import Site
from shared.storage import ObjectStorage

log = structlog.get_logger()

_CALLS_PER_SECOND = 25.0  # a tenth of one publisher's calls
_CONFIRM_AFTER_SECONDS = 60.0
_MAX_LOGGED_DRIFTS = 50


def verify(site: Site, deps: SchedulerDeps, *, public: ObjectStorage, wait: Callable[[float], bool]) -> None:
    """Compare a site once and export the drift; `wait(seconds)` returns True if the comparison must stop."""
    reconcile_deps = ReconcileDeps(
        content=deps.content,
        public=public,
        revisions=deps.revisions,
        index=deps.index,
        sites=deps.sites,
        clock=deps.clock,
    )
    with closing(Reconciliation(site, reconcile_deps, wait=partial(wait, _CONFIRM_AFTER_SECONDS))) as comparison:
        for step in comparison.steps():
            if wait(step.calls / _CALLS_PER_SECOND):
                return
        DRIFT.labels(site.id).set(comparison.drift())
        for drift in islice(comparison.found(), _MAX_LOGGED_DRIFTS):
            log.warning("drift.found", site=site.id, kind=drift.kind.value, path=drift.path, reason=drift.reason)
        log.info("site.verified", site=site.id, drift=comparison.drift(), objects=comparison.count_public())
