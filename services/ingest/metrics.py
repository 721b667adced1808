"""The endpoint's metrics. `shared.runtime.observability` is imported first, because it configures prometheus_client."""

from __future__ import annotations

from shared.runtime.observability import metrics_text

# isort: split
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram

__all__ = ["CONTENT_TYPE_LATEST", "EVENT_STREAMS", "REFUSALS", "REQUESTS", "REQUEST_SECONDS", "metrics_text"]

REQUESTS = Counter("pressline_requests", "Requests answered.", ["method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "pressline_request_seconds",
    "Time to answer a request.",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
REFUSALS = Counter("pressline_refusals", "Submissions refused, by HTTP status.", ["status"])
EVENT_STREAMS = Gauge("pressline_event_streams", "Open streams of status events.", multiprocess_mode="livesum")
