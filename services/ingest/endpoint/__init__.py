"""The HTTP endpoint: newsrooms post articles and read their status."""

from services.ingest.endpoint.app import create_app
from services.ingest.endpoint.deps import EndpointDeps

__all__ = ["EndpointDeps", "create_app"]
