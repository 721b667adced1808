"""Runs the scheduler's jobs: handle, emit. An outage of the store or of Redis fails a round, never the process."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import timedelta
from threading import Event

import structlog
from pydantic import ValidationError

from services.scheduler import wiring
from services.scheduler.handler import (
    SchedulerDeps,
    count_versions,
    emit_stale_pages,
    release_due,
    restore_index,
    sweep,
    verify,
)
from shared.messaging.messages import Message
from shared.runtime.errors import PresslineError
from shared.site.sites import Site

log = structlog.get_logger()

Job = Callable[[Site, SchedulerDeps], Iterable[Message] | None]

TICK: tuple[Job, ...] = (release_due, emit_stale_pages)
SWEEP: tuple[Job, ...] = (sweep,)
RESTORE: tuple[Job, ...] = (restore_index,)


def verify_until(stop: Event) -> Job:
    """Return the job that compares the public bucket with the records, slowly, until `stop` is set."""

    def verify_site(site: Site, deps: SchedulerDeps) -> None:
        verify(site, deps, public=wiring.public(site), wait=stop.wait)

    return verify_site


def count_until(stop: Event, every: timedelta) -> Job:
    """Return the job that counts pages by page version, until `stop` is set."""

    def count_site(site: Site, deps: SchedulerDeps) -> None:
        count_versions(site, deps, public=wiring.public(site), every=every, wait=stop.wait)

    return count_site


def run_jobs(jobs: tuple[Job, ...], deps: SchedulerDeps, *, known: Collection[str] = ()) -> list[str]:
    """Run each job for each site; return the faults as texts.

    Faults in `known` (of the round before) are not logged again: an outage has two rounds per second.
    """
    faults = []
    for site in deps.sites.values():
        for job in jobs:
            try:
                wiring.app().emit(job(site, deps) or ())
            except (PresslineError, ValidationError) as error:
                faults.append(f"{job.__name__} for {site.id}: {error}")
                if faults[-1] not in known:
                    log.warning("job.failed", job=job.__name__, site=site.id, reason=str(error))
            except Exception as error:  # an unknown fault must not stop the other jobs; the health check reports it
                log.exception("job.crashed", job=job.__name__, site=site.id)
                faults.append(f"{job.__name__} for {site.id}: {type(error).__name__}: {error}")
    return faults
