"""Which messages were begun and never ended: what a message that kills its process leaves behind (ADR 2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from shared.model.lane import Lane


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

    def begun(self, service: str) -> Mapping[Lane, int]:
        """Return how many deliveries the workers of each lane have begun: a number that grows while one of them works.

        A worker of several lanes counts for each of them, whichever lane its message came from: a lane that waits
        behind a busy one has not stalled.
        """
        ...
