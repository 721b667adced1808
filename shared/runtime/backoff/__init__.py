"""Backoff of the scheduler: the waits between two re-emissions of an item.

An item is an article, a submission or an entry of the schedule. Losing the waits only repeats events.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Protocol


class Backoff(Protocol):
    """Waits in Redis, shared by all schedulers; each ends by itself."""

    def waiting(self, site: str, items: Iterable[str]) -> set[str]:
        """Return the items whose wait has not ended.

        Raises:
            RedisUnavailableError: Redis does not answer.
        """
        ...

    def begin(self, site: str, waits: Mapping[str, timedelta]) -> set[str]:
        """Begin the wait of each item that has none, atomically; return those items: the caller alone may emit them."""
        ...
