"""Readings of a stack of any commit: processor time, calls to the store, commands to Redis, memory, the work left."""

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
    from tests.bench.checkouts import Stand

_SERVICES = ("ingest", "enrich", "render", "publish")
_LANES = ("urgent", "live", "listings", "bulk")  # of all commits: a queue that a commit does not have is empty
_STALE_KEYS = ("index:*:behind*", "index:*:stale*")  # of all commits: sorted sets of stale pages, gone when empty
_LOOK_SECONDS = 0.2
_PATIENCE_SECONDS = 900.0
_MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reading:
    """The counters of a stack at one moment."""

    at: float
    cpu_seconds: Mapping[str, float]  # of "ours", "store", "redis"
    store_calls: Counter[tuple[str, str]]  # by service and operation
    redis_commands: int  # those of scripts included, the meter's own left out

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
    """Reads one stack. Not for several threads: its own commands are counted by its one connection to Redis."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self._redis = Redis.from_url(stand.stack.redis, decode_responses=True, single_connection_client=True)
        self._s3 = s3_of(stand.stack)

    def read(self) -> Reading:
        """Return the counters now."""
        stack, at = self._stack(), time.monotonic()
        store, redis = (tree_cpu_seconds([stack.pids[name]]) for name in ("s3", "redis"))
        ours = tree_cpu_seconds([self._stand.supervisor_pid]) - store - redis
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
        """Return the memory (PSS) of each process with its children, the supervisor's too."""
        pids = {**self._stack().pids, "supervisor": self._stand.supervisor_pid}
        return {name: memory_bytes(pid) / _MEGABYTE for name, pid in pids.items()}

    def objects(self, pattern: str = "") -> int:
        """Return how many objects of the public bucket have a key with a match of the pattern: 1 LIST per 1,000."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._stand.stack.s3.public_bucket)
        keys = (found["Key"] for page in pages for found in page.get("Contents", []))
        return sum(1 for key in keys if re.search(pattern, key))

    def is_quiet(self) -> bool:
        """Return whether no message waits or is worked at, and no page is stale."""
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
        """Wait until nothing is left to do."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not self.is_quiet():
            if time.monotonic() > deadline:
                raise TimeoutError(f"the stack does not come to rest within {_PATIENCE_SECONDS:.0f} s")
            time.sleep(_LOOK_SECONDS)

    def _stack(self) -> StackFile:
        return self._stand.folder.stack() or self._stand.stack  # written anew when a process came back


def s3_of(stack: StackFile) -> S3Client:
    """Return a bare client of a stack's store."""
    access = stack.s3.model_dump()
    return s3_client(
        ServiceSettings(
            s3_endpoint=access["endpoint"], s3_access_key=access["access_key"], s3_secret_key=access["secret_key"]
        )
    )


def show_memory(before: Mapping[str, float], after: Mapping[str, float]) -> str:
    """Return a line with the megabytes of each process at begin and end."""
    each = ", ".join(f"{name} {before.get(name, 0):.0f} -> {after[name]:.0f}" for name in after)
    return f"memory (PSS), MB: {each}; all {sum(before.values()):.0f} -> {sum(after.values()):.0f}"
