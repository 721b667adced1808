"""All that is public is compared with what should be, slowly: drift is one number, and a line in the log for each."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from functools import partial
from itertools import islice

import structlog

from services.scheduler.handler.clockwork import Clockwork
from services.scheduler.metrics import DRIFT
from shared.reconcile import Places
from shared.reconcile.passes import Reconciliation
from shared.sites import Site
from shared.storage import ObjectStorage

log = structlog.get_logger()

_CALLS_PER_SECOND = 25.0  # a tenth of what one publisher asks of the store
_SECOND_LOOK_AFTER_SECONDS = 60.0
_MOST_LINES = 50


def verify(site: Site, clockwork: Clockwork, *, public: ObjectStorage, wait: Callable[[float], bool]) -> None:
    """Compare a site once and export the drift; `wait` (seconds) says whether to stop in the middle."""
    places = Places(
        content=clockwork.content,
        public=public,
        revisions=clockwork.revisions,
        index=clockwork.index,
        sites=clockwork.sites,
        clock=clockwork.clock,
    )
    with closing(Reconciliation(site, places, wait=partial(wait, _SECOND_LOOK_AFTER_SECONDS))) as comparison:
        for step in comparison.steps():
            if wait(step.calls / _CALLS_PER_SECOND):
                return
        DRIFT.labels(site.id).set(comparison.drift())
        for drift in islice(comparison.found(), _MOST_LINES):
            log.warning("drift.found", site=site.id, kind=drift.kind.value, path=drift.path, reason=drift.reason)
        log.info("site.verified", site=site.id, drift=comparison.drift(), objects=comparison.count_public())
