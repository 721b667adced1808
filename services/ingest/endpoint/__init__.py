"""The HTTP endpoint: newsrooms post articles here, and ask what became of them."""

from services.ingest.endpoint.app import create_app
from services.ingest.endpoint.deps import EndpointDeps

__all__ = ["EndpointDeps", "create_app"]
