"""The scheduler's metrics. `shared.runtime.observability` comes first: it decides how prometheus_client counts."""

from __future__ import annotations

import shared.runtime.observability  # noqa: F401

# isort: split
from prometheus_client import Gauge

DRIFT = Gauge(
    "pressline_drift",
    "Differences between the public bucket and the records at the last comparison, by site.",
    ["site"],
    multiprocess_mode="mostrecent",
)
UNMATCHED_REMOVALS = Gauge(
    "pressline_unmatched_removals",
    "Removals in force that arrived before their article, by site.",
    ["site"],
    multiprocess_mode="mostrecent",
)
