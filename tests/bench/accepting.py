"""Accepting against a bare FastAPI route with the same PUTs, and the memory of a batch: `--accept`.

The workers are stopped (SIGSTOP) while the endpoint and the route are measured, so that only these two and the store
use the processors. Slices of both run in turn. "Accepted" means that the answer of `POST /v1/articles` is a 202.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from threading import Event, Thread
from urllib.parse import urlsplit

import httpx
from rich.console import Console
from rich.progress import track

from infra.local.ports import free_ports
from infra.local.processes import memory_bytes
from infra.local.state import StackFile
from tests.bench.calls import family_of, tree_cpu_seconds
from tests.bench.checkouts import Figures, RunningStack, run_alternately, show_comparison
from tests.bench.endpoint import an_article, percentile
from tests.bench.meter import Meter

_SITE = "epn"
_CONNECTION_COUNTS = (1, 8)
_POSTS_PER_SLICE = 40  # per connection
_WARM_UP_SLICES = 2
_BATCH_LINES = 10_000
_NOT_WORKERS = frozenset(("endpoint", "redis", "s3", "edge"))
_START_TIMEOUT_SECONDS = 30.0
_POLL_INTERVAL_SECONDS = 0.05
_QUEUE_TIMEOUT_SECONDS = 900.0
_MEGABYTE = 1024 * 1024

console = Console()


def measure_accepting(slices: int, against: Path | None) -> None:
    """Measure a stack of each checkout, and print the figures."""
    found = run_alternately(lambda target: Accepting(target, slices).run(), against, 1)
    show_comparison(f"Accepting, {slices} slices in turn with a bare route", found)


@dataclass(slots=True)
class Address:
    """An address with its process, and the measurements: per slice, and the milliseconds of each post."""

    name: str
    url: str
    pid: int
    per_second: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)

    def figures(self, connections: int) -> Figures:
        """Return the medians of the slices."""
        where = f"{self.name}, {connections} connection(s)"
        return {
            f"articles/s, {where}": median(self.per_second),
            f"p95 ms, {where}": percentile(self.milliseconds, 95),
            f"CPU ms per article, {where}": median(self.cpu_ms),
        }


class Accepting:
    """One run in a fresh stack."""

    def __init__(self, target: RunningStack, slices: int) -> None:
        self.target, self.slices, self.meter = target, slices, Meter(target)
        self.number = 0

    def run(self) -> Figures:
        """Return the figures of the run."""
        self.meter.wait_until_quiet()
        stack = self.target.stack
        workers = {name: pid for name, pid in stack.pids.items() if name not in _NOT_WORKERS}
        figures: dict[str, float] = {}
        others = {name: pid for name, pid in workers.items() if name != "ingest"}
        with stopped(others):
            held = self.meter.unacknowledged()
            with stopped({"ingest": workers["ingest"]}):
                figures |= self.batch_memory(stack, "endpoint")
            figures |= self.worker_memory(stack, held)
            with bare_route(stack) as bare, stopped({"ingest": workers["ingest"]}):
                ours = Address("endpoint", f"{stack.api}/v1/articles?site={_SITE}", stack.pids["endpoint"])
                for connections in _CONNECTION_COUNTS:
                    figures |= self.compare(ours, bare, connections)
        return figures

    def compare(self, ours: Address, theirs: Address, connections: int) -> Figures:
        """Return the rates and times of both addresses with a number of connections."""
        found = [replace(each, per_second=[], cpu_ms=[], milliseconds=[]) for each in (ours, theirs)]
        for number in track(range(self.slices + _WARM_UP_SLICES), f"{connections}", console=console, transient=True):
            for address in found:
                self.slice(address, connections, is_counted=number >= _WARM_UP_SLICES)
        one, other = found
        ratios = [a / b for a, b in zip(one.per_second, other.per_second, strict=True)]
        shown = ", ".join(f"{ratio:.2f}" for ratio in ratios)
        console.print(f"{self.target.name}: endpoint / bare route in each slice, {connections} connection(s): {shown}")
        return {
            **one.figures(connections),
            **other.figures(connections),
            f"articles/s, endpoint / bare route, {connections} connection(s)": median(ratios),
        }

    def slice(self, address: Address, connections: int, *, is_counted: bool) -> None:
        """Post distinct articles, and add the measurements."""
        bodies = [
            [json.dumps(an_article(self.next_number(), source="accept")).encode() for _ in range(_POSTS_PER_SLICE)]
            for _ in range(connections)
        ]
        cpu, started = tree_cpu_seconds([address.pid]), time.perf_counter()
        with ThreadPoolExecutor(connections) as pool:
            found = pool.map(lambda own: post_all(address.url, self.target.stack.token, own), bodies)
            milliseconds = [each for own in found for each in own]
        seconds, count = time.perf_counter() - started, connections * _POSTS_PER_SLICE
        if is_counted:
            address.per_second.append(count / seconds)
            address.cpu_ms.append((tree_cpu_seconds([address.pid]) - cpu) * 1000 / count)
            address.milliseconds += milliseconds

    def next_number(self) -> int:
        """Return the number of the next article."""
        self.number += 1
        return self.number

    def batch_memory(self, stack: StackFile, name: str) -> Figures:
        """Post a batch; return the growth of the process's memory (PSS)."""
        lines = b"\n".join(
            json.dumps(an_article(self.next_number(), source="batch")).encode() for _ in range(_BATCH_LINES)
        )
        headers = {"Authorization": f"Bearer {stack.token}", "Content-Type": "application/x-ndjson"}
        with peak_of(stack.pids[name]) as peak:
            started = time.perf_counter()
            reply = httpx.post(
                f"{stack.api}/v1/batches?site={_SITE}", content=lines, headers=headers, timeout=600, trust_env=False
            )
            seconds = time.perf_counter() - started
        accepted = sum(json.loads(line)["status"] == "accepted" for line in reply.raise_for_status().text.splitlines())
        if accepted != _BATCH_LINES:
            raise RuntimeError(f"{accepted} of {_BATCH_LINES} lines were accepted")
        return {
            f"lines/s, batch of {_BATCH_LINES:,}": _BATCH_LINES / seconds,
            f"memory (PSS) MB, {name}, before the batch": peak["before"],
            f"memory (PSS) MB, {name}, growth at the peak": peak["peak"] - peak["before"],
            f"memory (PSS) MB, {name}, growth after it": peak["after"] - peak["before"],
        }

    def worker_memory(self, stack: StackFile, held: int) -> Figures:
        """Let the ingest worker read the batch; return the growth of its memory (PSS)."""
        with peak_of(stack.pids["ingest"]) as peak:
            self.meter.wait_until_empty("ingest", held_by_others=held, timeout_seconds=_QUEUE_TIMEOUT_SECONDS)
        return {
            "memory (PSS) MB, ingest worker, before the batch": peak["before"],
            "memory (PSS) MB, ingest worker, growth at the peak": peak["peak"] - peak["before"],
        }


def post_all(address: str, token: str, bodies: list[bytes]) -> list[float]:
    """Post bodies through one connection; return the milliseconds of each.

    The client of the standard library uses a fraction of httpx's processor time, which would hide differences.
    """
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    found = []
    for body in bodies:
        started = time.perf_counter()
        connection.request("POST", f"{parts.path}?{parts.query}", body, headers)
        answer = connection.getresponse()
        text = answer.read()
        found.append((time.perf_counter() - started) * 1000)
        if answer.status != httpx.codes.ACCEPTED:
            raise RuntimeError(f"{address} answered {answer.status}: {text[:300]!r}")
    connection.close()
    return found


@contextmanager
def bare_route(stack: StackFile) -> Iterator[Address]:
    """Run the bare route on the stack's store; yield its address."""
    (port,) = free_ports(1)
    access = stack.s3.model_dump()
    environment = {f"PRESSLINE_S3_{name.upper()}": access[name] for name in ("endpoint", "access_key", "secret_key")}
    environment |= {"PRESSLINE_CONTENT_BUCKET": access["content_bucket"]}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.bare_route", str(port)],
        env=os.environ | environment,
        cwd=Path(__file__).parents[2],
    )
    try:
        address = f"http://127.0.0.1:{port}/articles"
        until = time.monotonic() + _START_TIMEOUT_SECONDS
        while not _answers(address):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("the bare route did not start")
            time.sleep(_POLL_INTERVAL_SECONDS)
        yield Address("bare route", address, process.pid)
    finally:
        process.terminate()
        process.wait()


def _answers(address: str) -> bool:
    with suppress(httpx.TransportError):
        httpx.get(address, trust_env=False)
        return True
    return False


@contextmanager
def stopped(pids: Mapping[str, int]) -> Iterator[None]:
    """Stop processes and their descendants meanwhile."""
    family = family_of(pids.values())
    for pid in family:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@contextmanager
def peak_of(pid: int) -> Iterator[dict[str, float]]:
    """Yield the megabytes (PSS) of a process and its descendants: `before`, and at the end `peak` and `after`."""
    found, ended = {"before": memory_bytes(pid) / _MEGABYTE}, Event()
    found["peak"] = found["before"]

    def watch() -> None:
        while not ended.wait(_POLL_INTERVAL_SECONDS):
            found["peak"] = max(found["peak"], memory_bytes(pid) / _MEGABYTE)

    thread = Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()
        found["after"] = memory_bytes(pid) / _MEGABYTE
        found["peak"] = max(found["peak"], found["after"])
