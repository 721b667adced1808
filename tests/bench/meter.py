"""Readings of a stack of any commit: processor time, calls to the store, Redis commands, memory, remaining work."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from redis import Redis

from infra.local.processes import memory_bytes
from shared.runtime.settings import ServiceSettings
from shared.storage.boto import s3_client
from tests.bench.calls import counted, tree_cpu_seconds

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

    from infra.local.state import StackFile
    from tests.bench.checkouts import RunningStack

_SERVICES = ("ingest", "enrich", "render", "publish")
_LANES = ("urgent", "live", "listings", "bulk")  # of all commits: an unknown queue is empty
# Sorted sets of stale pages, of all commits; Redis deletes empty ones.
_STALE_KEYS = ("index:*:behind*", "index:*:stale*")
_POLL_INTERVAL_SECONDS = 0.2
_TIMEOUT_SECONDS = 900.0
_MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reading:
    """The counters of a stack at one moment."""

    at: float
    cpu_seconds: Mapping[str, float]  # of "ours", "store", "redis"
    store_calls: Counter[tuple[str, str]]  # by service and operation
    redis_commands: int  # with commands of scripts, without the meter's own

    def cost_since(self, start: Reading, articles: int) -> dict[str, float]:
        """Return the costs per article between two readings."""
        cpu = {name: (used - start.cpu_seconds[name]) * 1000 / articles for name, used in self.cpu_seconds.items()}
        return {
            **{f"CPU ms per article, {name}": used for name, used in cpu.items()},
            "CPU ms per article, all": sum(cpu.values()),
            "Redis commands per article": (self.redis_commands - start.redis_commands) / articles,
        }

    def calls_since(self, start: Reading, articles: int) -> float:
        """Return the calls to the store per article between two readings."""
        return (self.store_calls - start.store_calls).total() / articles


class Meter:
    """Reads one stack. Not thread-safe: it counts its own commands by its only connection to Redis."""

    def __init__(self, target: RunningStack) -> None:
        self._target = target
        self._redis = Redis.from_url(target.stack.redis, decode_responses=True, single_connection_client=True)
        self._s3 = s3_of(target.stack)

    def read(self) -> Reading:
        """Return the current counters."""
        stack, at = self._stack(), time.monotonic()
        store, redis = (tree_cpu_seconds([stack.pids[name]]) for name in ("s3", "redis"))
        ours = tree_cpu_seconds([self._target.supervisor_pid]) - store - redis
        calls = Counter(
            {
                (service, operation): number
                for service, url in stack.metrics.items()
                for operation, number in counted(url).items()
            }
        )
        commands = sum(int(command["calls"]) for command in self._redis.info("commandstats").values())
        own = int(self._redis.client_info()["tot-cmds"])
        return Reading(at, {"ours": ours, "store": store, "redis": redis}, calls, commands - own)

    def memory_megabytes(self) -> dict[str, float]:
        """Return the memory (PSS) of each process with its children, and of the supervisor."""
        pids = {**self._stack().pids, "supervisor": self._target.supervisor_pid}
        return {name: memory_bytes(pid) / _MEGABYTE for name, pid in pids.items()}

    def objects(self, pattern: str = "") -> int:
        """Return the number of public objects whose key matches the pattern; 1 LIST per 1,000 objects."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._target.stack.s3.public_bucket)
        keys = (found["Key"] for page in pages for found in page.get("Contents", []))
        return sum(1 for key in keys if re.search(pattern, key))

    def is_quiet(self) -> bool:
        """Return whether no message is queued or being handled, and no page is stale."""
        with self._redis.pipeline(transaction=False) as pipe:
            for service in _SERVICES:
                for lane in _LANES:
                    pipe.llen(f"{service}.{lane}")
            pipe.hlen("unacked")
            if any(pipe.execute()):
                return False
        return not any(
            True for match in _STALE_KEYS for _ in self._redis.scan_iter(match=match, count=1000, _type="ZSET")
        )

    def wait_until_quiet(self) -> None:
        """Wait until `is_quiet`."""
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while not self.is_quiet():
            if time.monotonic() > deadline:
                raise TimeoutError(f"the stack did not become quiet within {_TIMEOUT_SECONDS:.0f} s")
            time.sleep(_POLL_INTERVAL_SECONDS)

    def unacknowledged(self) -> int:
        """Return the number of messages that workers hold."""
        return int(self._redis.hlen("unacked"))

    def wait_until_empty(self, service: str, *, held_by_others: int, timeout_seconds: float) -> None:
        """Wait until a service has no message in its queues, and none in hand; other services may hold some."""
        deadline = time.monotonic() + timeout_seconds
        while any(self._redis.llen(f"{service}.{lane}") for lane in _LANES) or self.unacknowledged() > held_by_others:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{service} was not done within {timeout_seconds:.0f} s")
            time.sleep(_POLL_INTERVAL_SECONDS)

    def _stack(self) -> StackFile:
        # The supervisor writes the file again after a restart of a process.
        return self._target.folder.stack() or self._target.stack


def s3_of(stack: StackFile) -> S3Client:
    """Return a bare client of a stack's store."""
    access = stack.s3.model_dump()
    return s3_client(
        ServiceSettings(
            s3_endpoint=access["endpoint"], s3_access_key=access["access_key"], s3_secret_key=access["secret_key"]
        )
    )


def show_memory(before: Mapping[str, float], after: Mapping[str, float]) -> str:
    """Return a line with the megabytes of each process before and after."""
    each = ", ".join(f"{name} {before.get(name, 0):.0f} -> {after[name]:.0f}" for name in after)
    return f"memory (PSS), MB: {each}; all {sum(before.values()):.0f} -> {sum(after.values()):.0f}"
