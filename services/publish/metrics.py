"""Publish's metrics. `shared.runtime.observability` comes first: it decides how prometheus_client counts."""

from __future__ import annotations

import shared.runtime.observability  # noqa: F401

# isort: split
from prometheus_client import Counter

READ_BACKS = Counter(
    "pressline_read_backs", "Pages read back from the edge before they are live, by result.", ["result"]
)
