"""Counts of begun and not ended deliveries: a message that kills its process leaves its count (ADR 2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from shared.model.lane import Lane


class Deliveries(Protocol):
    """For each delivery, the number of times that it was begun and not ended.

    A delivery is one copy of a message in a queue, so that workers with a copy each have separate counts.
    """

    def begin(self, service: str, delivery: str) -> int:
        """Count the begin of a delivery; return how often it was begun and not ended, this time included."""
        ...

    def end(self, delivery: str) -> None:
        """Delete the count of a delivery: its process is alive."""
        ...

    def begun(self, service: str) -> Mapping[Lane, int]:
        """Return the number of deliveries that the workers of each lane have begun: it grows while one of them works.

        A worker of several lanes counts for each of its lanes, not only for the message's lane: a lane that waits for
        a busy one has not stalled.
        """
        ...
