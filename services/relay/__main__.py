"""Runs a relay: `python -m services.relay`."""

from __future__ import annotations

import signal
from threading import Event

import structlog

from services.relay import wiring
from services.relay.tasks import JobThread
from shared.runtime.observability import configure_logging, serve_health
from shared.runtime.redis_client import redis_faults
from shared.storage.conformance import require_conformant_store

log = structlog.get_logger()


def main() -> None:
    """Run the jobs until SIGTERM or SIGINT."""
    settings = wiring.settings()
    configure_logging(settings.log_level, settings.log_format, service="relay")
    require_conformant_store(settings)
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threads = [JobThread(job, wiring.lease(), stop) for job in wiring.jobs()]
    if settings.metrics_port:
        serve_health(
            settings.metrics_port,
            settings.metrics_host,
            lambda: [fault for thread in threads for fault in thread.faults],
            lambda: redis_faults(settings),
        )
    for each in threads:
        each.start()
    log.info("relay.ready")
    for each in threads:
        each.join()
    log.info("relay.stopped")


if __name__ == "__main__":
    main()
