"""News during an import: `make bench ARGS="--urgent"`.

The bench posts and kills an article repeatedly: on the idle stack, then while a batch of articles keeps all workers
busy. News uses the lane `live`, a kill the lane `urgent`, the batch the lane `bulk`. `--against DIR` runs the same in a
checkout of another commit afterwards.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from statistics import median
from threading import Thread

import httpx
from redis import Redis
from rich.console import Console
from rich.progress import track

from infra.local.state import StackFile
from shared.messaging.pipeline import WORKERS
from shared.model.lane import Lane
from shared.runtime.backlog.redis import RedisBacklog
from tests.bench.checkouts import Figures, RunningStack, run_alternately, show_comparison
from tests.bench.endpoint import Endpoint, an_article, percentile

_SITE = "epn"
_WARM_UP_ROUNDS = 5
_POLL_INTERVAL_SECONDS = 0.1
_MAX_BUSY_WAIT_SECONDS = 2.0
_TIMEOUT_SECONDS = 900.0
_POST, _KILL = "post to live", "kill to gone"

console = Console()


def measure_urgent(rounds: int, articles: int, against: Path | None = None) -> None:
    """Measure in a stack of each checkout, and print the figures."""

    def measure(target: RunningStack) -> Figures:
        return Bench(target.stack, articles).run(rounds)

    show_comparison(f"During an import of {articles:,} articles", run_alternately(measure, against, 1))


class Bench:
    """Measures operations at the endpoint of a stack, idle and during an import."""

    def __init__(self, stack: StackFile, articles: int) -> None:
        self.stack, self.articles, self.endpoint = stack, articles, Endpoint(stack)
        self.redis = Redis.from_url(stack.redis, decode_responses=True)
        self.backlog = RedisBacklog(self.redis)
        self.numbers = count()
        self.times: dict[tuple[str, bool], list[float]] = defaultdict(list)
        self.stages: dict[tuple[str, bool], list[float]] = defaultdict(list)

    def run(self, rounds: int) -> Figures:
        """Run the rounds; print the stages and return the figures."""
        for _ in range(_WARM_UP_ROUNDS):
            self.go_round(is_busy=False)
        self.times.clear()
        self.stages.clear()
        for _ in track(range(rounds), "idle", console=console, transient=True):
            self.go_round(is_busy=False)
        sender = Thread(target=self.send_batch, daemon=True)
        sender.start()
        self.wait_until(lambda: self.waiting() > 0)
        for _ in track(range(rounds), "during the import", console=console, transient=True):
            if not self.waiting() and not sender.is_alive():
                console.print("the import ended before the rounds: use more --articles")
                break
            self.go_round(is_busy=True)
        self.show()
        return self.figures()

    def go_round(self, *, is_busy: bool) -> None:
        """Post an article and kill it; each after the listings of the previous operation are published."""
        self.wait_for_listings(is_busy=is_busy)
        posted_at = datetime.now(UTC)
        posted = self.endpoint.post(_SITE, an_article(next(self.numbers), source="news"))
        self.times[_POST, is_busy].append(posted.milliseconds)
        for stage, at in self.endpoint.stages(posted.receipt):
            self.stages[stage, is_busy].append((at - posted_at).total_seconds() * 1000)
        self.wait_for_listings(is_busy=is_busy)
        self.times[_KILL, is_busy].append(self.endpoint.kill(_SITE, posted.article).milliseconds)

    def send_batch(self) -> None:
        """Post the import in one request."""
        lines = (json.dumps(an_article(number, source="import")).encode() + b"\n" for number in range(self.articles))
        headers = {"Authorization": f"Bearer {self.stack.token}", "Content-Type": "application/x-ndjson"}
        url, parameters = f"{self.stack.api}/v1/batches", {"site": _SITE}
        with httpx.Client(trust_env=False, timeout=_TIMEOUT_SECONDS) as client:
            client.post(url, params=parameters, headers=headers, content=lines).raise_for_status()

    def waiting(self) -> int:
        """Return the number of queued messages of the import."""
        return self.waiting_in(Lane.BULK)

    def waiting_in(self, *lanes: Lane) -> int:
        """Return the number of messages that wait in these lanes."""
        return sum(self.backlog.waiting(service)[lane] for service in WORKERS for lane in lanes)

    def wait_for_listings(self, *, is_busy: bool) -> None:
        """Wait until the listings of the last operation are published; on the idle stack, until no message is handled.

        During an import listings are always queued, so the wait ends after 2 s.
        """
        deadline = time.monotonic() + (_MAX_BUSY_WAIT_SECONDS if is_busy else _TIMEOUT_SECONDS)
        while self.waiting_in(Lane.URGENT, Lane.LIVE, Lane.LISTINGS) or (not is_busy and self.redis.hlen("unacked")):
            if time.monotonic() > deadline:
                return
            time.sleep(_POLL_INTERVAL_SECONDS)

    def wait_until(self, is_true: Callable[[], bool]) -> None:
        """Poll until a condition is true."""
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while not is_true():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.backlog.total()} messages are still queued")
            time.sleep(_POLL_INTERVAL_SECONDS)

    def figures(self) -> Figures:
        """Return the percentiles of each operation, idle and during the import, and their ratios."""
        found: dict[str, float] = {}
        for name in (_POST, _KILL):
            idle, busy = self.times[name, False], self.times[name, True]
            found[f"{name}, rounds during"] = len(busy)
            for hundredth in (50, 95):
                before, during = percentile(idle, hundredth), percentile(busy, hundredth)
                found |= {f"{name}, p{hundredth} ms idle": before, f"{name}, p{hundredth} ms during": during}
                found[f"{name}, p{hundredth} during / idle"] = during / before
        return found

    def show(self) -> None:
        """Print the median time of each stage of an article."""
        for stage in dict.fromkeys(stage for stage, _ in self.stages):
            before, during = (median(self.stages[stage, is_busy]) for is_busy in (False, True))
            console.print(f"  {stage} after {before:.0f} ms idle, {during:.0f} ms during the import")
