"""The lanes of the queues: each service has one queue for each lane."""

from __future__ import annotations

from enum import StrEnum


class Lane(StrEnum):
    """The class of a queue; workers empty the queues of their service in this order."""

    URGENT = "urgent"
    LIVE = "live"
    LISTINGS = "listings"  # follow-ups of live news: fronts, and pages that show a changed card
    BULK = "bulk"
