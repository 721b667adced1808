"""The settings of the enrich workers: the settings of every service, and no others."""

from __future__ import annotations

from shared.runtime.settings import ServiceSettings


class EnrichSettings(ServiceSettings):
    """The settings of every service. The rules are not settings, because their version is part of the object's key."""
