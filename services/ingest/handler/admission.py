"""Back-pressure: when too many messages wait, imports are refused first, and news at ten times the limit."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

import structlog

from services.ingest.domain.refusal import BacklogFullError
from shared.model.lane import Lane
from shared.runtime.backlog import Backlog
from shared.runtime.errors import RedisUnavailableError

log = structlog.get_logger()

_COUNT_INTERVAL_SECONDS = 1.0
_RETRY_INTERVAL_SECONDS = 10.0  # after an error of Redis, so that not every sender waits for its time-out
_LIVE_LIMIT_FACTOR = 10


class Admission:
    """Limits articles by the number of waiting messages in all queues, which is counted at most once a second."""

    def __init__(self, backlog: Backlog, limit: int, monotonic: Callable[[], float]) -> None:
        self._backlog = backlog
        self._limits = {Lane.BULK: limit, Lane.LIVE: limit * _LIVE_LIMIT_FACTOR}
        self._monotonic = monotonic
        self._counting = Lock()
        self._waiting, self._count_at = 0, float("-inf")

    def __call__(self, lane: Lane) -> None:
        """Return if the lane accepts one more article; the urgent lane always does.

        Raises:
            BacklogFullError: too many messages wait.
        """
        limit = self._limits.get(lane)
        if limit is None or (waiting := self._count()) < limit:
            return
        raise BacklogFullError(f"{waiting} messages wait; the lane {lane} accepts no articles from {limit} on")

    def _count(self) -> int:
        """Return the number of waiting messages; 0 if Redis is down, since stored articles are safe.

        One thread counts; the others use the last count.
        """
        if self._monotonic() >= self._count_at and self._counting.acquire(blocking=False):
            try:
                self._waiting = self._backlog.total()
            except RedisUnavailableError as error:
                log.warning("backlog_count.failed", reason=str(error))
                self._waiting = 0
                self._count_at = self._monotonic() + _RETRY_INTERVAL_SECONDS
            else:
                self._count_at = self._monotonic() + _COUNT_INTERVAL_SECONDS
            finally:
                self._counting.release()
        return self._waiting
