"""The enrich service's settings: it needs no more than every service has."""

from __future__ import annotations

from shared.runtime.settings import ServiceSettings


class EnrichSettings(ServiceSettings):
    """Where the content bucket is. How texts are enriched is no setting: it is part of the enriched object's name."""
