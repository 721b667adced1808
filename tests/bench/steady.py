"""Minutes of news at a steady rate, the last minutes against the first: `--steady`.

Arrivals are open-loop: each operation begins at its time, even if earlier ones are not answered yet. The time of an
operation counts from its arrival to the GET at the edge that shows its headline. `--against DIR` runs the same in a
checkout of another commit, in turn.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Literal

import httpx
from rich.console import Console
from rich.progress import track

from tests.bench.checkouts import Figures, RunningStack, run_alternately, show_comparison
from tests.bench.endpoint import an_article, percentile
from tests.bench.meter import Meter, show_memory

Operation = Literal["post", "update", "withdraw"]

_SITE = "epn"
_UPDATE_SHARE, _WITHDRAWAL_SHARE = 0.30, 0.02
_SENDER_THREADS = 64
_WARM_UP_ARTICLES, _FIRST_WARM_UP_NUMBER = 20, 1_000_000
_WINDOW_SECONDS = 120.0
_DEADLINE_SECONDS = 30.0
_POLL_INTERVAL_SECONDS = 0.02

console = Console()


def measure_steady(minutes: float, per_second: float, against: Path | None) -> None:
    """Run the minutes in a stack of each checkout, and print the figures."""
    found = run_alternately(lambda target: Steady(target, minutes * 60, per_second).run(), against, 1)
    show_comparison(f"{minutes:g} minutes at {per_second:g} operations/s", found)


@dataclass(frozen=True, slots=True)
class Arrival:
    """An operation, and the second at which it begins."""

    at_seconds: float
    operation: Operation


def arrivals(seconds: float, per_second: float) -> Iterator[Arrival]:
    """Yield operations at equal intervals: 30 % updates, 2 % withdrawals, always in the same order."""
    chance = random.Random(13)  # noqa: S311 -- no secret
    for number in range(int(seconds * per_second)):
        drawn = chance.random()
        operation: Operation = (
            "withdraw"
            if drawn < _WITHDRAWAL_SHARE
            else "update"
            if drawn < _WITHDRAWAL_SHARE + _UPDATE_SHARE
            else "post"
        )
        yield Arrival(number / per_second, operation)


@dataclass(frozen=True, slots=True)
class Shown:
    """A post or an update, and the time from its arrival until readers saw it."""

    at_seconds: float
    milliseconds: float


def window(shown: Sequence[Shown], start_seconds: float, end_seconds: float) -> list[float]:
    """Return the milliseconds of the operations that arrived in a part of the run."""
    return [each.milliseconds for each in shown if start_seconds <= each.at_seconds < end_seconds]


class Steady:
    """One run in a fresh stack."""

    def __init__(self, target: RunningStack, seconds: float, per_second: float) -> None:
        self.target, self.seconds, self.per_second = target, seconds, per_second
        self.meter = Meter(target)
        headers = {"Authorization": f"Bearer {target.stack.token}", "Prefer": "wait=30"}
        limits = httpx.Limits(max_connections=_SENDER_THREADS, max_keepalive_connections=_SENDER_THREADS)
        self.api = httpx.Client(
            base_url=target.stack.api,
            params={"site": _SITE},
            headers=headers,
            timeout=60,
            trust_env=False,
            limits=limits,
        )
        self.edge = httpx.Client(timeout=60, trust_env=False, limits=limits)
        self.chance, self.lock = random.Random(13), Lock()  # noqa: S311 -- no secret
        self.live: list[tuple[int, str]] = []  # (number, id) of live articles without an operation in progress
        self.shown: list[Shown] = []
        self.missed: Counter[str] = Counter()

    def run(self) -> Figures:
        """Return the figures of the run."""
        for number in range(_WARM_UP_ARTICLES):
            self.post(0.0, time.monotonic(), _FIRST_WARM_UP_NUMBER + number)
        self.meter.wait_until_quiet()
        self.shown.clear()
        memory, start, events = self.meter.memory_megabytes(), self.meter.read(), self.published_events()
        planned = list(arrivals(self.seconds, self.per_second))
        with ThreadPoolExecutor(_SENDER_THREADS) as pool:
            for number, arrival in enumerate(track(planned, self.target.name, console=console, transient=True)):
                begins_at = start.at + arrival.at_seconds
                time.sleep(max(0.0, begins_at - time.monotonic()))
                pool.submit(self.run_safely, arrival, begins_at, number)
        end = self.meter.read()
        self.meter.wait_until_quiet()
        after, events = self.meter.memory_megabytes(), self.published_events() - events
        console.print(f"{self.target.name}: {show_memory(memory, after)}")
        console.print(f"{self.target.name}: not shown in {_DEADLINE_SECONDS:.0f} s: {dict(self.missed) or 'none'}")
        console.print(f"{self.target.name}: {verify(self.target)}")
        return {
            **self.times(),
            **{f"{event} per operation, until quiet": count / len(planned) for event, count in sorted(events.items())},
            "store calls per article": end.calls_since(start, len(planned)),
            **end.cost_since(start, len(planned)),
            "memory (PSS) MB, begin": sum(memory.values()),
            "memory (PSS) MB, end": sum(after.values()),
        }

    def times(self) -> Figures:
        """Return p50 and p95 of the first minutes and of the last minutes."""
        part = min(_WINDOW_SECONDS, self.seconds / 3)
        first, last = window(self.shown, 0, part), window(self.shown, self.seconds - part, self.seconds)
        found: dict[str, float] = {}
        for hundredth in (50, 95):
            at_begin, at_end = percentile(first, hundredth), percentile(last, hundredth)
            found |= {f"p{hundredth} ms, first": at_begin, f"p{hundredth} ms, last": at_end}
            found[f"p{hundredth}, last / first"] = at_end / at_begin
        return found

    def run_safely(self, arrival: Arrival, begins_at: float, number: int) -> None:
        """Run an operation; count its error, because no caller reads the result."""
        try:
            self.run_operation(arrival, begins_at, number)
        except (httpx.HTTPError, KeyError) as error:
            self.missed[type(error).__name__] += 1

    def run_operation(self, arrival: Arrival, begins_at: float, number: int) -> None:
        """Post an article, or update or withdraw one that is live."""
        taken = None if arrival.operation == "post" else self.take()
        if taken is None:
            self.post(arrival.at_seconds, begins_at, number)
        elif arrival.operation == "update":
            self.post(arrival.at_seconds, begins_at, taken[0], headline=f"Ferry delayed, says message {number}")
        else:
            self.api.post(f"/v1/articles/{taken[1]}/withdraw", json={}).raise_for_status()

    def take(self) -> tuple[int, str] | None:
        """Remove a random live article from the list and return it, or None."""
        with self.lock:
            return self.live.pop(self.chance.randrange(len(self.live))) if self.live else None

    def post(self, at_seconds: float, begins_at: float, number: int, *, headline: str = "Ferry arrives") -> None:
        """Post a revision, and read it at the edge."""
        article = an_article(number, source="steady", headline=headline)
        reply = self.api.post("/v1/articles", json=article).raise_for_status().json()
        is_shown = reply["status"] == "live" and self.is_read(reply["url"], str(article["headline"]))
        elapsed_ms = (time.monotonic() - begins_at) * 1000
        with self.lock:
            self.shown.append(Shown(at_seconds, elapsed_ms))
            if is_shown:
                self.live.append((number, reply["article"]))
            else:
                self.missed[reply["status"]] += 1

    def is_read(self, url: str, headline: str) -> bool:
        """Return whether readers get the headline before the deadline."""
        until = time.monotonic() + _DEADLINE_SECONDS
        while headline not in self.edge.get(url).text:
            if time.monotonic() > until:
                return False
            time.sleep(_POLL_INTERVAL_SECONDS)
        return True

    def published_events(self) -> Counter[str]:
        """Return the number of each event that publish logged about public pages (`page.published`, …)."""
        found: Counter[str] = Counter()
        for log in self.target.folder.logs.glob("publish*.log*"):
            with log.open(encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    if '.published"' in line:
                        found[json.loads(line)["event"]] += 1
        return found


def verify(target: RunningStack) -> str:
    """Return the result of the checkout's own `pressline verify`."""
    ran = subprocess.run(
        [sys.executable, "-m", "services.desk", "verify", "--site", _SITE],
        cwd=target.checkout,
        env=os.environ | {"PRESSLINE_RUN_FOLDER": str(target.folder.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    return "verify: 0 differences" if ran.returncode == 0 else f"verify differs:\n{ran.stdout}{ran.stderr}"
