"""How often a service called the store, by its own count."""

from __future__ import annotations

from collections import Counter

import httpx
from prometheus_client.parser import text_string_to_metric_families


def counted(url: str) -> Counter[str]:
    """Return how often each operation was called, from a service's metrics."""
    found: Counter[str] = Counter()
    for family in text_string_to_metric_families(httpx.get(url, trust_env=False).text):
        for sample in family.samples:
            if sample.name == "pressline_store_calls_total":
                found[sample.labels["operation"]] += int(sample.value)
    return found
