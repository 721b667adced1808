"""The lanes of the queues: each service has one queue for each lane."""

from __future__ import annotations

from enum import StrEnum


class Lane(StrEnum):
    """Which queue of a service a message waits in; workers empty them in this order."""

    URGENT = "urgent"
    LIVE = "live"
    LISTINGS = "listings"  # what follows live news: fronts, and pages that show another article's changed card
    BULK = "bulk"
