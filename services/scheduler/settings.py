"""What an operator may set of the scheduler."""

from __future__ import annotations

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from shared.settings import ServiceSettings


class SchedulerSettings(ServiceSettings):
    """How often the clock ticks, and how far back the sweep looks."""

    tick_seconds: PositiveFloat = Field(default=0.5, le=10.0)  # due releases and stale listings
    sweep_seconds: PositiveFloat = Field(default=10.0, le=300.0)  # the journal and the inbox
    verify_hours: NonNegativeFloat = Field(
        default=6.0, le=168.0
    )  # how often all that is public is looked at and counted; 0: never
    sweep_minutes: PositiveInt = Field(default=15, le=240)  # how far behind its checkpoint the sweep re-reads
