"""The clock's rounds: handle, emit. A store or a Redis that is away costs a round, never the process."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import timedelta
from threading import Event

import structlog
from pydantic import ValidationError

from services.scheduler import wiring
from services.scheduler.handler import (
    Clockwork,
    count_versions,
    emit_stale_pages,
    release_due,
    restore_index,
    sweep,
    verify,
)
from shared.errors import PresslineError
from shared.messages import Message
from shared.sites import Site

log = structlog.get_logger()

Duty = Callable[[Site, Clockwork], Iterable[Message] | None]

TICK: tuple[Duty, ...] = (release_due, emit_stale_pages)
SWEEP: tuple[Duty, ...] = (sweep,)
RESTORE: tuple[Duty, ...] = (restore_index,)


def verify_until(stop: Event) -> Duty:
    """Return the duty of comparing all that is public with what should be, slowly, until `stop` is set."""

    def verify_site(site: Site, clockwork: Clockwork) -> None:
        verify(site, clockwork, public=wiring.public(site), wait=stop.wait)

    return verify_site


def count_until(stop: Event, every: timedelta) -> Duty:
    """Return the duty of counting pages by their version of theme and settings, until `stop` is set."""

    def count_site(site: Site, clockwork: Clockwork) -> None:
        count_versions(site, clockwork, public=wiring.public(site), every=every, wait=stop.wait)

    return count_site


def do_round(duties: tuple[Duty, ...], clockwork: Clockwork, *, known: Collection[str] = ()) -> list[str]:
    """Do each duty for each site; return what went wrong, in words.

    Faults in `known`, those of the round before, are not logged again: an outage has two rounds a second.
    """
    faults = []
    for site in clockwork.sites.values():
        for duty in duties:
            try:
                wiring.app().emit(duty(site, clockwork) or ())
            except (PresslineError, ValidationError) as error:
                faults.append(f"{duty.__name__} for {site.id}: {error}")
                if faults[-1] not in known:
                    log.warning("duty.failed", duty=duty.__name__, site=site.id, reason=str(error))
            except Exception as error:  # whatever it is, the clock goes on; the health check tells
                log.exception("duty.broken", duty=duty.__name__, site=site.id)
                faults.append(f"{duty.__name__} for {site.id}: {type(error).__name__}: {error}")
    return faults
