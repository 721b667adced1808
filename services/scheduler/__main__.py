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

_TICK_SECONDS = 0.5  # between two checks for due releases and stale listings
_MAX_SILENCE_SECONDS = 30.0
_VERSION_CHECK_SECONDS = 30.0  # between two checks of theme and settings, which cost two GETs per site


class PeriodicThread(Thread):
    """Runs its jobs at an interval until `stop` is set."""

    def __init__(self, jobs: tuple[tasks.Job, ...], every_seconds: float, stop: Event) -> None:
        super().__init__(name=jobs[0].__name__)
        self._jobs = jobs
        self._every_seconds = every_seconds
        self._stop_requested = stop
        self._deps = wiring.deps()
        self._succeeded_at = monotonic()
        self._last_faults: list[str] = []

    @property
    def faults(self) -> list[str]:
        """Return the faults for the health check; empty if a round has succeeded lately."""
        if self.ident is not None and not self.is_alive():
            return [f"the thread of {self.name} has ended"]
        silence_seconds = monotonic() - self._succeeded_at - self._every_seconds
        if silence_seconds <= _MAX_SILENCE_SECONDS:
            return []
        return [
            f"no round of {self.name} has succeeded lately: {'; '.join(self._last_faults) or 'the round has not ended'}"
        ]

    def run(self) -> None:
        """Run the jobs until `stop` is set."""
        deps = self._deps
        while not self._stop_requested.is_set():
            started = monotonic()
            self._last_faults = tasks.run_jobs(self._jobs, deps, known=self._last_faults)
            if not self._last_faults:
                self._succeeded_at = monotonic()
            self._stop_requested.wait(max(0.0, self._every_seconds - (monotonic() - started)))


def main() -> None:
    """Run the periodic threads until SIGTERM or SIGINT."""
    settings = wiring.settings()
    configure_logging(settings.log_level, settings.log_format, service="scheduler")
    require_conformant_store(settings)
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    watched_threads = (
        PeriodicThread(tasks.TICK, _TICK_SECONDS, stop),
        PeriodicThread(tasks.SWEEP, settings.sweep_seconds, stop),  # its own thread: a long sweep delays no embargo,
        PeriodicThread(tasks.RESTORE, _TICK_SECONDS, stop),  # nor does the restore of a lost index
    )
    threads = [*watched_threads]
    if settings.verify_hours:  # not watched: may take hours
        threads.append(PeriodicThread((tasks.verify_until(stop),), settings.verify_hours * 3600, stop))
        count = tasks.count_until(stop, timedelta(hours=settings.verify_hours))
        threads.append(PeriodicThread((count,), _VERSION_CHECK_SECONDS, stop))
    if settings.metrics_port:
        serve_health(
            settings.metrics_port,
            settings.metrics_host,
            lambda: [fault for thread in watched_threads for fault in thread.faults],
            lambda: redis_faults(settings),
        )
    for each in threads:
        each.start()
    log.info("scheduler.ready")
    for each in threads:
        each.join()
    log.info("scheduler.stopped")


if __name__ == "__main__":
    main()
