"""The settings of the relay."""

from __future__ import annotations

from pydantic import Field, PositiveFloat

from shared.runtime.settings import ServiceSettings


class RelaySettings(ServiceSettings):
    """The limits of calls to servers outside."""

    relay_timeout_seconds: PositiveFloat = Field(default=10.0, le=60.0)  # to connect, and for each read
    relay_max_age_hours: PositiveFloat = Field(default=72.0, le=720.0)  # then an event becomes a dead letter
    # calls to loopback, link-local and private addresses: only on a laptop, or in a network of your own
    relay_private_addresses: bool = False
