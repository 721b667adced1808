"""The number of messages in the queues."""

from __future__ import annotations

from typing import Protocol

from shared.model.lane import Lane


class Backlog(Protocol):
    """The queues of all services."""

    def waiting(self, service: str) -> dict[Lane, int]:
        """Return the number of messages in each of a service's queues.

        Raises:
            RedisUnavailableError: Redis does not answer.
        """
        ...

    def total(self) -> int:
        """Return the number of messages in all queues of all services."""
        ...

    def unfinished(self, lane: Lane) -> int:
        """Return the number of queued messages of a lane, plus all unacknowledged messages (of any lane)."""
        ...
