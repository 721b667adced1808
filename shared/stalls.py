"""A worker that is up and takes nothing while its queues fill: seen, said by its health check, and ended.

A broken connection at the wrong moment can leave Celery's consumer waiting for ever (celery#8030, #8091, #10205);
the process lives, and only its progress tells. Ended, it is started again, and what it held comes back.
"""

from __future__ import annotations

from collections.abc import Callable

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
