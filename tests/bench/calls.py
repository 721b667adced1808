"""Counters of the stack's processes: calls to the store, commands to Redis, processor time."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis


def counted(url: str) -> Counter[str]:
    """Return the number of calls per operation, from a service's metrics."""
    found: Counter[str] = Counter()
    for family in text_string_to_metric_families(httpx.get(url, trust_env=False).text):
        for sample in family.samples:
            if sample.name == "pressline_store_calls_total":
                found[sample.labels["operation"]] += int(sample.value)
    return found


def redis_calls(redis: Redis, pids: Mapping[str, int]) -> Counter[str]:
    """Return the number of Redis commands per service, commands of scripts included, from its connections."""
    owners = {port: name for name, pid in pids.items() for port in _ports_of(family_of([pid]))}
    found: Counter[str] = Counter()
    for client in redis.client_list():
        owner = owners.get(int(client["addr"].rpartition(":")[2]))
        if owner:
            found[owner] += int(client["tot-cmds"])
    return found


def tree_cpu_seconds(pids: Iterable[int]) -> float:
    """Return the processor time of processes and of their descendants, ended ones included."""
    return sum(family_of(pids).values()) / os.sysconf("SC_CLK_TCK")


def parse_stat(text: str) -> tuple[int, int]:
    """Return a process's parent and its ticks (proc(5), /proc/PID/stat): its own, and those of its ended children."""
    fields = text.rpartition(")")[2].split()  # a program's name may hold spaces and brackets
    return int(fields[1]), sum(int(ticks) for ticks in fields[11:15])


def family_of(pids: Iterable[int]) -> dict[int, int]:
    """Return the processes and all their descendants, with their ticks of processor time."""
    children, ticks = defaultdict(list), {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent, used = parse_stat(stat.read_text(encoding="utf-8", errors="replace"))
        except (FileNotFoundError, ProcessLookupError):
            continue  # the process has just ended
        pid = int(stat.parent.name)
        children[parent].append(pid)
        ticks[pid] = used
    found, open_pids = set(), list(pids)
    while open_pids:
        pid = open_pids.pop()
        if pid not in found:
            found.add(pid)
            open_pids += children[pid]
    return {pid: ticks.get(pid, 0) for pid in found}


def _ports_of(pids: Iterable[int]) -> set[int]:
    """Return the local ports of the processes' connections, as Linux lists them (proc(5), /proc/net/tcp)."""
    inodes = set()
    for pid in pids:
        with suppress(FileNotFoundError):  # the process has just ended
            for handle in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(FileNotFoundError):
                    inodes.add(handle.readlink().name)
    rows = [line.split() for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]]
    return {int(row[1].rpartition(":")[2], 16) for row in rows if f"socket:[{row[9]}]" in inodes}
