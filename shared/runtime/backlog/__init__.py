"""The messages in the queues, counted from outside; nothing is taken out."""

from __future__ import annotations

from typing import Protocol

from shared.model.lane import Lane


class Backlog(Protocol):
    """The queues of all services."""

    def waiting(self, service: str) -> dict[Lane, int]:
        """Return how many messages wait in each of a service's queues.

        Raises:
            RedisUnavailableError: Redis does not answer.
        """
        ...

    def total(self) -> int:
        """Return how many messages wait in all queues of all services."""
        ...

    def unfinished(self, lane: Lane) -> int:
        """Return how many messages of a lane wait, and how many of any lane workers hold unacknowledged."""
        ...
