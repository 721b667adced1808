"""Runs a scheduler: `python -m services.scheduler`."""

from __future__ import annotations

import signal
from threading import Event
from time import monotonic

import structlog

from services.scheduler import tasks, wiring
from shared.observability import configure_logging, serve_health

log = structlog.get_logger()

_SILENT_FOR_SECONDS = 30.0


def main() -> None:
    """Tick until told to stop."""
    settings = wiring.settings()
    configure_logging(settings.log_level, settings.log_format, service="scheduler")
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    good_at = monotonic()
    if settings.metrics_port:
        serve_health(
            settings.metrics_port,
            settings.metrics_host,
            lambda: ["no round has succeeded lately"] if monotonic() - good_at > _SILENT_FOR_SECONDS else [],
        )
    log.info("scheduler.ready")
    swept_at = -settings.sweep_seconds
    while not stop.is_set():
        started = monotonic()
        faults = tasks.do_round(tasks.TICK)
        if started - swept_at >= settings.sweep_seconds:
            faults += tasks.do_round(tasks.SWEEP)
            swept_at = started
        if not faults:
            good_at = monotonic()
        stop.wait(max(0.0, settings.tick_seconds - (monotonic() - started)))
    log.info("scheduler.stopped")


if __name__ == "__main__":
    main()
