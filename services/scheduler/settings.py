"""What an operator may set of the scheduler."""

from __future__ import annotations

from pydantic import Field, NonNegativeFloat, PositiveFloat

from shared.runtime.settings import ServiceSettings


class SchedulerSettings(ServiceSettings):
    """How often the scheduler looks for what was lost or differs."""

    sweep_seconds: PositiveFloat = Field(default=10.0, le=300.0)  # the journal and the inbox
    verify_hours: NonNegativeFloat = Field(
        default=6.0, le=168.0
    )  # how often all that is public is looked at and counted; 0: never
