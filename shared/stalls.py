"""A worker that is up and takes nothing while its queues fill: seen, said by its health check, and ended.

A broken connection at the wrong moment can leave Celery's consumer waiting for ever (celery#8030, #8091, #10205);
the process lives, and only its progress tells. Ended, it is started again, and what it held comes back.
"""

from __future__ import annotations

from collections.abc import Callable

from shared.backlog import Backlog
from shared.deliveries import Deliveries
from shared.errors import RedisUnavailableError
from shared.pipeline import WORKERS

UNWELL_AFTER_SECONDS = 25.0  # longer than the longest task
END_AFTER_SECONDS = 40.0


class StallWatch:
    """Compares what waits (`waiting` counts it) with what is taken; `clock` gives seconds that only grow."""

    def __init__(self, waiting: Callable[[], int], clock: Callable[[], float]) -> None:
        self._waiting = waiting
        self._clock = clock
        self._moved_at = clock()

    def took_one(self) -> None:
        """Note that the worker has taken a message."""
        self._moved_at = self._clock()

    def look(self) -> float:
        """Return for how many seconds messages have waited while none was taken; 0 where nothing waits."""
        if not self._waiting():
            self._moved_at = self._clock()
        return self._clock() - self._moved_at

    def faults(self) -> list[str]:
        """Return what a health check has to say."""
        seconds = self._clock() - self._moved_at
        if seconds < UNWELL_AFTER_SECONDS:
            return []
        return [f"messages have waited for {seconds:.0f} s and none was taken"]


class QueueWatch:
    """Sees from outside, whoever asks and however rarely, that a service takes nothing while its queues hold messages.

    A service has taken something if its number of begun deliveries is another one than at the look before; what is
    lost with Redis (the number, the queues) makes no stall. Nor does a Redis that refuses writes (`redis_faults`).
    """

    def __init__(
        self,
        backlog: Backlog,
        deliveries: Deliveries,
        clock: Callable[[], float],
        redis_faults: Callable[[], list[str]] = list,
    ) -> None:
        self._backlog = backlog
        self._deliveries = deliveries
        self._clock = clock
        self._redis_faults = redis_faults
        self._seen: dict[str, tuple[int, float]] = {}  # where messages wait: at which number, since when

    def faults(self) -> list[str]:
        """Return in plain words which services have stalled; none while Redis, and with it the queues, is away."""
        try:
            found = [fault for service in WORKERS if (fault := self._fault(service))]
        except RedisUnavailableError:
            return []
        if found and self._redis_faults():
            self._seen.clear()  # no service can take a message: count again from the end of the outage
            return []
        return found

    def _fault(self, service: str) -> str | None:
        waiting, begun = sum(self._backlog.waiting(service).values()), self._deliveries.begun(service)
        now = self._clock()
        if not waiting:
            self._seen.pop(service, None)
            return None
        known, since = self._seen.get(service, (begun, now))
        if begun != known:
            since = now
        self._seen[service] = (begun, since)
        if now - since < UNWELL_AFTER_SECONDS:
            return None
        return (
            f"{service} has taken nothing for {now - since:.0f} s while messages wait ({waiting}): is its worker well?"
        )
