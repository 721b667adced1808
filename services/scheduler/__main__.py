"""Runs a scheduler: `python -m services.scheduler`."""

from __future__ import annotations

import signal
from datetime import timedelta
from threading import Event, Thread
from time import monotonic

import structlog

from services.scheduler import tasks, wiring
from shared.runtime.observability import configure_logging, serve_health
from shared.runtime.redis_client import redis_faults
from shared.storage.conformance import require_conformant_store

log = structlog.get_logger()

_TICK_SECONDS = 0.5  # between two looks for due releases and stale listings
_MAX_SILENCE_SECONDS = 30.0
_VERSION_SECONDS = 30.0  # how often theme and settings are asked for: two GETs a site


class PeriodicThread(Thread):
    """Does the same duties again and again."""

    def __init__(self, jobs: tuple[tasks.Job, ...], every_seconds: float, stop: Event) -> None:
        super().__init__(name=jobs[0].__name__)
        self._duties = jobs
        self._every_seconds = every_seconds
        self._stop_asked = stop
        self._clockwork = wiring.deps()
        self._good_at = monotonic()
        self._last_faults: list[str] = []

    @property
    def faults(self) -> list[str]:
        """Return what a health check has to say."""
        if self.ident is not None and not self.is_alive():
            return [f"the thread of {self.name} has ended"]
        silent_for = monotonic() - self._good_at - self._every_seconds
        if silent_for <= _MAX_SILENCE_SECONDS:
            return []
        return [f"no round of {self.name} has succeeded lately: {'; '.join(self._last_faults) or 'it has not ended'}"]

    def run(self) -> None:
        """Go round until asked to stop."""
        deps = self._clockwork
        while not self._stop_asked.is_set():
            started = monotonic()
            self._last_faults = tasks.run_jobs(self._duties, deps, known=self._last_faults)
            if not self._last_faults:
                self._good_at = monotonic()
            self._stop_asked.wait(max(0.0, self._every_seconds - (monotonic() - started)))


def main() -> None:
    """Tick until told to stop."""
    settings = wiring.settings()
    configure_logging(settings.log_level, settings.log_format, service="scheduler")
    require_conformant_store(settings)
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    rounds = (
        PeriodicThread(tasks.TICK, _TICK_SECONDS, stop),
        PeriodicThread(tasks.SWEEP, settings.sweep_seconds, stop),  # apart: a long sweep holds up no embargo,
        PeriodicThread(tasks.RESTORE, _TICK_SECONDS, stop),  # nor does a Redis that was lost
    )
    everything = [*rounds]
    if settings.verify_hours:  # may take hours, which is no fault
        everything.append(PeriodicThread((tasks.verify_until(stop),), settings.verify_hours * 3600, stop))
        count = tasks.count_until(stop, timedelta(hours=settings.verify_hours))
        everything.append(PeriodicThread((count,), _VERSION_SECONDS, stop))
    if settings.metrics_port:
        serve_health(
            settings.metrics_port,
            settings.metrics_host,
            lambda: [each for one in rounds for each in one.faults],
            lambda: redis_faults(settings),
        )
    for each in everything:
        each.start()
    log.info("scheduler.ready")
    for each in everything:
        each.join()
    log.info("scheduler.stopped")


if __name__ == "__main__":
    main()
