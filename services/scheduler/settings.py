"""The settings of the scheduler."""

from __future__ import annotations

from pydantic import Field, NonNegativeFloat, PositiveFloat

from shared.runtime.settings import ServiceSettings


class SchedulerSettings(ServiceSettings):
    """The intervals of the sweep and of the verification."""

    sweep_seconds: PositiveFloat = Field(default=10.0, le=300.0)  # the journal and the inbox
    verify_hours: NonNegativeFloat = Field(default=6.0, le=168.0)  # of the public bucket, and of its counts; 0: never
