"""Which messages were begun and never ended: what a message that kills its process leaves behind (ADR 0011)."""

from __future__ import annotations

from typing import Protocol


class Deliveries(Protocol):
    """How often a message was begun and not ended: one that kills its process leaves its count behind.

    A delivery is one copy of a message in a queue, so that two workers with a copy each do not count for one another.
    """

    def begin(self, service: str, delivery: str) -> int:
        """Note that a service begins a delivery; return how often it was begun and not ended, this time included."""
        ...

    def end(self, delivery: str) -> None:
        """Forget a delivery: the process that ran it lives."""
        ...

    def begun(self, service: str) -> int:
        """Return how many deliveries a service has begun since Redis knows: a number that grows while it works."""
        ...
