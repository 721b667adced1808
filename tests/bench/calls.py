"""What the stack's processes did: how often they called the store, and how long they kept the processor."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

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


def tree_cpu_seconds(pids: Iterable[int]) -> float:
    """Return the processor time of processes and of what they started, as far as it runs still."""
    children, ticks = defaultdict(list), {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        pid = int(stat.parent.name)
        children[int(fields[1])].append(pid)
        ticks[pid] = int(fields[11]) + int(fields[12])
    found, open_pids = set(), list(pids)
    while open_pids:
        pid = open_pids.pop()
        if pid not in found:
            found.add(pid)
            open_pids += children[pid]
    return sum(ticks.get(pid, 0) for pid in found) / os.sysconf("SC_CLK_TCK")
