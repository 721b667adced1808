"""Watchdogs for a stalled worker: one that runs but takes no message from its queues.

A connection that breaks at the wrong moment can leave Celery's consumer waiting for ever (celery#8030, #8091, #10205).
The process lives, so only the lack of progress shows the stall. The health check reports it. Then the worker ends
itself, its supervisor restarts it, and its messages are redelivered.
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
    """Compares the number of messages in a worker's own lanes (`waiting`) with the worker's progress.

    `clock` is a monotonic clock in seconds.
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
        self._progress_at = clock()

    def record_progress(self) -> None:
        """Record that the worker has taken a message."""
        self._progress_at = self._clock()

    def stalled_seconds(self) -> float:
        """Return for how many seconds messages have waited while none was taken; 0 if none waits."""
        if not self._waiting():
            self._progress_at = self._clock()
        return self._clock() - self._progress_at

    def faults(self) -> list[str]:
        """Return the faults for the health check, in plain words."""
        seconds = self._clock() - self._progress_at
        if seconds < self._unwell_after_seconds:
            return []
        return [f"messages have waited for {seconds:.0f} s and none was taken"]


def count_waiting(
    backlog: Backlog, service: str, lanes: Iterable[Lane], redis_faults: Callable[[], list[str]] = list
) -> int:
    """Return the number of messages in these lanes of a service; 0 while Redis is down or refuses writes.

    In that time no worker can take a message, so the wait is no stall.
    """
    try:
        lengths = backlog.waiting(service)
    except RedisUnavailableError:
        return 0
    waiting = sum(lengths[lane] for lane in lanes)
    return 0 if waiting and redis_faults() else waiting


class QueueWatch:
    """Detects stalled lanes of all services from outside their workers, even if it is called rarely.

    A lane makes progress while a worker that serves it begins deliveries, of this lane or of an earlier one. Lost data
    of Redis (counts, queues) makes no stall. Nor does a Redis that refuses writes (`redis_faults`).
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
        self._waiting_lanes: dict[
            tuple[str, Lane], tuple[int, float]
        ] = {}  # (count of deliveries, since when), for lanes with messages

    def faults(self) -> list[str]:
        """Return the stalled lanes in plain words; none while Redis is down."""
        try:
            found = [fault for service in WORKERS if (fault := self._fault(service))]
        except RedisUnavailableError:
            return []
        if found and self._redis_faults():
            self._waiting_lanes.clear()  # no service can take a message: start again after the outage
            return []
        return found

    def _fault(self, service: str) -> str | None:
        waiting, begun = self._backlog.waiting(service), self._deliveries.begun(service)
        waits = {lane: self._stalled_seconds(service, lane, waiting[lane], begun[lane]) for lane in Lane}
        stalled = [lane for lane in Lane if waits[lane] >= UNWELL_AFTER_SECONDS]
        if not stalled:
            return None
        seconds, count = max(waits.values()), sum(waiting[lane] for lane in stalled)
        return (
            f"{service} has taken nothing for {seconds:.0f} s while messages wait ({count}, "
            f"{' and '.join(stalled)}): check its worker"
        )

    def _stalled_seconds(self, service: str, lane: Lane, waiting: int, begun: int) -> float:
        """Return for how many seconds a lane's workers have begun no delivery while messages waited."""
        if not waiting:
            self._waiting_lanes.pop((service, lane), None)
            return 0.0
        now = self._clock()
        known, since = self._waiting_lanes.get((service, lane), (begun, now))
        if begun != known:
            since = now
        self._waiting_lanes[service, lane] = (begun, since)
        return now - since
