"""A worker that is up and takes nothing while its queues fill: seen, said by its health check, and ended.

A broken connection at the wrong moment can leave Celery's consumer waiting for ever (celery#8030, #8091, #10205);
the process lives, and only its progress tells. Ended, it is started again, and what it held comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from shared.messaging.pipeline import WORKERS
from shared.model.lane import Lane
from shared.runtime.backlog import Backlog
from shared.runtime.deliveries import Deliveries
from shared.runtime.errors import RedisUnavailableError

UNWELL_AFTER_SECONDS = 25.0  # longer than the longest task
END_AFTER_SECONDS = 40.0


class Watchdog:
    """Compares the messages that wait in a worker's own lanes (`waiting` counts them) with those that it takes.

    `clock` gives seconds that only grow.
    """

    def __init__(
        self,
        waiting: Callable[[], int],
        clock: Callable[[], float],
        *,
        unwell_after_seconds: float = UNWELL_AFTER_SECONDS,
    ) -> None:
        self._waiting = waiting
        self._clock = clock
        self._unwell_after_seconds = unwell_after_seconds
        self._moved_at = clock()

    def record_progress(self) -> None:
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
        if seconds < self._unwell_after_seconds:
            return []
        return [f"messages have waited for {seconds:.0f} s and none was taken"]


def count_waiting(
    backlog: Backlog, service: str, lanes: Iterable[Lane], redis_faults: Callable[[], list[str]] = list
) -> int:
    """Return how many messages wait in these lanes of a service; 0 while Redis is away or refuses writes.

    No worker can take a message then, so the wait is no stall.
    """
    try:
        lengths = backlog.waiting(service)
    except RedisUnavailableError:
        return 0
    waiting = sum(lengths[lane] for lane in lanes)
    return 0 if waiting and redis_faults() else waiting


class QueueWatch:
    """Sees from outside, whoever asks and however rarely, that nobody takes the messages of a service's lane.

    A lane moves while a worker that serves it begins deliveries, of this lane or of one before it. What is lost with
    Redis (the counts, the queues) makes no stall. Nor does a Redis that refuses writes (`redis_faults`).
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
        self._seen: dict[tuple[str, Lane], tuple[int, float]] = {}  # where messages wait: at which count, since when

    def faults(self) -> list[str]:
        """Return in plain words which lanes have stalled; none while Redis, and with it the queues, is away."""
        try:
            found = [fault for service in WORKERS if (fault := self._fault(service))]
        except RedisUnavailableError:
            return []
        if found and self._redis_faults():
            self._seen.clear()  # no service can take a message: count again from the end of the outage
            return []
        return found

    def _fault(self, service: str) -> str | None:
        waiting, begun = self._backlog.waiting(service), self._deliveries.begun(service)
        waits = {lane: self._seconds_still(service, lane, waiting[lane], begun[lane]) for lane in Lane}
        stalled = [lane for lane in Lane if waits[lane] >= UNWELL_AFTER_SECONDS]
        if not stalled:
            return None
        seconds, count = max(waits.values()), sum(waiting[lane] for lane in stalled)
        return (
            f"{service} has taken nothing for {seconds:.0f} s while messages wait ({count}, "
            f"{' and '.join(stalled)}): is its worker well?"
        )

    def _seconds_still(self, service: str, lane: Lane, waiting: int, begun: int) -> float:
        """Return for how long a lane's workers have begun no delivery while messages waited in it."""
        if not waiting:
            self._seen.pop((service, lane), None)
            return 0.0
        now = self._clock()
        known, since = self._seen.get((service, lane), (begun, now))
        if begun != known:
            since = now
        self._seen[service, lane] = (begun, since)
        return now - since
