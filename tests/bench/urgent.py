"""News beside an import: `make bench ARGS="--urgent"`.

An article is posted and killed, again and again: on the idle stack, then while a batch of articles keeps all workers
busy. News goes in lane `live`, a kill in lane `urgent`, the batch in lane `bulk`. `--against DIR` runs the same in a
checkout of another commit after it.
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
from tests.bench.checkouts import Figures, Stand, run_alternately, show_comparison
from tests.bench.door import Door, an_article, percentile

_SITE = "epn"
_WARM_UP_ROUNDS = 5
_LOOK_SECONDS = 0.1
_MOMENT_SECONDS = 2.0
_PATIENCE_SECONDS = 900.0
_POST, _KILL = "post to live", "kill to gone"

console = Console()


def measure_urgent(rounds: int, articles: int, against: Path | None = None) -> None:
    """Measure in a stack of each checkout, and print the figures."""

    def measure(stand: Stand) -> Figures:
        return Bench(stand.stack, articles).run(rounds)

    show_comparison(f"Beside an import of {articles:,} articles", run_alternately(measure, against, 1))


class Bench:
    """The stack, its door, and how long each operation took: idle and beside the import."""

    def __init__(self, stack: StackFile, articles: int) -> None:
        self.stack, self.articles, self.door = stack, articles, Door(stack)
        self.redis = Redis.from_url(stack.redis, decode_responses=True)
        self.backlog = RedisBacklog(self.redis)
        self.numbers = count()
        self.times: dict[tuple[str, bool], list[float]] = defaultdict(list)
        self.stages: dict[tuple[str, bool], list[float]] = defaultdict(list)

    def run(self, rounds: int) -> Figures:
        """Measure and show."""
        for _ in range(_WARM_UP_ROUNDS):
            self.go_round(is_busy=False)
        self.times.clear()
        self.stages.clear()
        for _ in track(range(rounds), "idle", console=console, transient=True):
            self.go_round(is_busy=False)
        sender = Thread(target=self.send_batch, daemon=True)
        sender.start()
        self.wait_until(lambda: self.waiting() > 0)
        for _ in track(range(rounds), "beside the import", console=console, transient=True):
            if not self.waiting() and not sender.is_alive():
                console.print("the import ended before the rounds: give it more articles")
                break
            self.go_round(is_busy=True)
        self.show()
        return self.figures()

    def go_round(self, *, is_busy: bool) -> None:
        """Post an article and kill it; each when the listings of the one before are done."""
        self.wait_for_rest(is_busy=is_busy)
        posted_at = datetime.now(UTC)
        posted = self.door.post(_SITE, an_article(next(self.numbers), source="news"))
        self.times[_POST, is_busy].append(posted.milliseconds)
        for stage, at in self.door.stages(posted.receipt):
            self.stages[stage, is_busy].append((at - posted_at).total_seconds() * 1000)
        self.wait_for_rest(is_busy=is_busy)
        self.times[_KILL, is_busy].append(self.door.kill(_SITE, posted.article).milliseconds)

    def send_batch(self) -> None:
        """Post the import in one request."""
        lines = (json.dumps(an_article(number, source="import")).encode() + b"\n" for number in range(self.articles))
        headers = {"Authorization": f"Bearer {self.stack.token}", "Content-Type": "application/x-ndjson"}
        url, parameters = f"{self.stack.api}/v1/batches", {"site": _SITE}
        with httpx.Client(trust_env=False, timeout=_PATIENCE_SECONDS) as client:
            client.post(url, params=parameters, headers=headers, content=lines).raise_for_status()

    def waiting(self) -> int:
        """Return how much of the import waits."""
        return self.waiting_in(Lane.BULK)

    def waiting_in(self, *lanes: Lane) -> int:
        """Return how many messages wait in these lanes."""
        return sum(self.backlog.waiting(service)[lane] for service in WORKERS for lane in lanes)

    def wait_for_rest(self, *, is_busy: bool) -> None:
        """Wait until the listings of the last operation are done, on the idle stack also until nobody works.

        Beside an import the fronts are always on their way: no longer than for a moment.
        """
        deadline = time.monotonic() + (_MOMENT_SECONDS if is_busy else _PATIENCE_SECONDS)
        while self.waiting_in(Lane.URGENT, Lane.LIVE, Lane.LISTINGS) or (not is_busy and self.redis.hlen("unacked")):
            if time.monotonic() > deadline:
                return
            time.sleep(_LOOK_SECONDS)

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Look until something is so."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not is_so():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.backlog.total()} messages wait still")
            time.sleep(_LOOK_SECONDS)

    def figures(self) -> Figures:
        """Return the percentiles of each operation, idle and beside the import, and their ratios."""
        found: dict[str, float] = {}
        for name in (_POST, _KILL):
            idle, busy = self.times[name, False], self.times[name, True]
            found[f"{name}, rounds beside"] = len(busy)
            for hundredth in (50, 95):
                before, beside = percentile(idle, hundredth), percentile(busy, hundredth)
                found |= {f"{name}, p{hundredth} ms idle": before, f"{name}, p{hundredth} ms beside": beside}
                found[f"{name}, p{hundredth} beside / idle"] = beside / before
        return found

    def show(self) -> None:
        """Print when an article reached each stage."""
        for stage in dict.fromkeys(stage for stage, _ in self.stages):
            before, beside = (median(self.stages[stage, is_busy]) for is_busy in (False, True))
            console.print(f"  {stage} after {before:.0f} ms idle, {beside:.0f} ms beside the import")
