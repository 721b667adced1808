"""What waits in the queues: how much, since when, and what is next. Read from outside; nobody's work is taken."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from shared.messages import Lane


class Backlog(Protocol):
    """The queues of all services, as somebody sees them who takes nothing out."""

    def waiting(self, service: str) -> dict[Lane, int]:
        """Return how many messages wait in each of a service's queues.

        Raises:
            RedisUnavailableError: Redis does not answer.
        """
        ...

    def total(self) -> int:
        """Return how many messages wait in all queues of all services."""
        ...

    def next_up(self, service: str, lane: Lane) -> Mapping[str, Any] | None:
        """Return the payload of the message that will be taken next, or None where the queue is empty."""
        ...

    def waits_since(self, lane: Lane) -> datetime | None:
        """Return when the oldest chain of messages in a lane's queues began, or None where none says so.

        Queues are emptied in order, so what began later than this is still behind somewhere, and what began earlier
        and is not public has been lost.
        """
        ...
