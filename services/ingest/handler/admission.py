"""Back-pressure: when too much waits to be published, imports are sent away first, and news far later."""

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
_AWAY_FOR_SECONDS = 10.0  # a Redis that does not answer costs a sender its time-out: not every one
_LIVE_TAKES_TIMES = 10


class Admission:
    """Admits by the number of messages that wait in all queues, counted at most once a second."""

    def __init__(self, backlog: Backlog, limit: int, monotonic: Callable[[], float]) -> None:
        self._backlog = backlog
        self._limits = {Lane.BULK: limit, Lane.LIVE: limit * _LIVE_TAKES_TIMES}
        self._monotonic = monotonic
        self._counting = Lock()
        self._waiting, self._count_at = 0, float("-inf")

    def __call__(self, lane: Lane) -> None:
        """Return where the lane takes one more; the urgent one always does.

        Raises:
            BacklogFullError: it is full.
        """
        limit = self._limits.get(lane)
        if limit is None or (waiting := self._count()) < limit:
            return
        raise BacklogFullError(
            f"{waiting} messages wait to be published, and the lane {lane} takes no more from {limit} on"
        )

    def _count(self) -> int:
        """Return how much waits; nothing where Redis is away, for then nobody knows, and what is stored is safe.

        One thread counts; the others go on with what was counted last.
        """
        if self._monotonic() >= self._count_at and self._counting.acquire(blocking=False):
            try:
                self._waiting = self._backlog.total()
            except RedisUnavailableError as error:
                log.warning("backlog.uncounted", reason=str(error))
                self._waiting = 0
                self._count_at = self._monotonic() + _AWAY_FOR_SECONDS
            else:
                self._count_at = self._monotonic() + _COUNT_INTERVAL_SECONDS
            finally:
                self._counting.release()
        return self._waiting
