"""POST to readable page against the raw floor of the same run, interleaved: `make bench` (ARGS="--rounds 100").

The floor is fixed (architecture, part 10): 4 queue hops, 4 PUT and 2 GET in sequence by bare clients on the same
servers. It shows what this machine can do at this moment; the ratio is what can be compared between machines.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from threading import Thread
from typing import TYPE_CHECKING, Any

import httpx
from redis import Redis
from rich.console import Console
from rich.progress import track
from rich.table import Table

from infra.local.settings import StackSettings
from infra.local.stack import embedded_stack
from shared.settings import ServiceSettings
from shared.storage.boto import s3_client
from tests.bench.calls import counted
from tests.bench.hugo import measure_rebuild
from tests.bench.scale import measure_scale
from tests.bench.urgent import measure_urgent

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

    from infra.local.state import StackFile

HOPS, PUTS, GETS = 4, 4, 2
PAGE_BYTES = 8_000
DEADLINE_SECONDS = 30.0
WARM_UP_ROUNDS = 5
_MOST_REBUILDS = 3
PARAGRAPH = "<p>The pilot boat came alongside at the harbour mouth, and the crew of the ferry lowered a ladder.</p>"

console = Console()


@dataclass
class Floor:
    """Bare clients: a message is pushed and popped by another thread, an object put and got."""

    redis: Redis
    s3: S3Client
    bucket: str
    number: int = 0

    def run(self) -> float:
        """Return the milliseconds of one sequence."""
        self.number += 1
        body = b"x" * PAGE_BYTES
        started = time.perf_counter()
        for hop in range(HOPS // 2):  # there and back are two
            self.redis.lpush(f"bench:{hop}", body[:400])
            self.redis.brpop([f"bench:back:{hop}"], timeout=5)
        for put in range(PUTS):
            self.s3.put_object(Bucket=self.bucket, Key=f"bench/{self.number}/{put}", Body=body)
        for get in range(GETS):
            self.s3.get_object(Bucket=self.bucket, Key=f"bench/{self.number}/{get}")["Body"].read()
        return (time.perf_counter() - started) * 1000

    def echo(self, redis: Redis) -> None:
        """Answer each push, as a worker would take it; ends with the connection."""
        keys = [f"bench:{hop}" for hop in range(HOPS // 2)]
        while (popped := redis.brpop(keys, timeout=0)) is not None:
            key = str(popped[0])
            if key == "bench:0" and redis.exists("bench:stop"):
                return
            redis.lpush(key.replace("bench:", "bench:back:"), "1")


@dataclass
class Line:
    """Our own way: POST, then GET at the edge until the page is there."""

    stack: StackFile
    api: httpx.Client
    edge: httpx.Client
    stages: dict[str, list[float]] = field(default_factory=dict)

    def run(self, number: int) -> float:
        """Return the milliseconds from POST to a readable page."""
        body = json.dumps(
            {
                "source": "bench",
                "source_id": f"story-{time.time_ns()}",
                "version_created": datetime.now(UTC).isoformat(),
                "headline": f"Ferry number {number} arrives",
                "slug": f"ferry-{number}",
                "section": "world",
                "body": "<h2>At the pier</h2>" + PARAGRAPH * 40,
            }
        )
        started = time.perf_counter()
        posted_at = datetime.now(UTC)
        headers = {"Content-Type": "application/json", "Prefer": "wait=20"}  # asking the edge again and again would
        answer = self.api.post("/v1/articles", content=body, headers=headers)  # take the time of who is measured
        reply = answer.raise_for_status().json()
        day = datetime.now(UTC) + timedelta(hours=5, minutes=30)  # the site's zone
        path = f"/world/{day:%Y/%m/%d}/ferry-{number}-{reply['article'][:6]}/"
        until = started + DEADLINE_SECONDS
        while self.edge.get(path).status_code != httpx.codes.OK:
            if time.perf_counter() > until:
                message = f"{path} was not readable in {DEADLINE_SECONDS:.0f} s"
                raise TimeoutError(message)
        elapsed = (time.perf_counter() - started) * 1000
        for stage in self.api.get(f"/v1/receipts/{reply['receipt']}").json()["stages"]:
            at = datetime.fromisoformat(stage["at"])
            self.stages.setdefault(stage["name"], []).append((at - posted_at).total_seconds() * 1000)
        return elapsed


def calls(stack: StackFile) -> Counter[str]:
    """Return how often each operation of the store was called, over all services."""
    return sum((counted(url) for url in stack.metrics.values()), start=Counter())


def show(floor: list[float], line: list[float], stages: dict[str, list[float]], made: dict[str, float]) -> None:
    """Print the figures."""

    def p99(values: list[float]) -> float:
        return quantiles(values, n=100, method="inclusive")[98]

    table = Table("milliseconds", "p50", "p99", title=f"{len(line)} articles, interleaved with the floor", box=None)
    table.add_row(f"floor: {HOPS} hops, {PUTS} PUT, {GETS} GET", f"{median(floor):.1f}", f"{p99(floor):.1f}")
    table.add_row("POST to readable page", f"{median(line):.1f}", f"{p99(line):.1f}")
    table.add_row("ratio", f"{median(line) / median(floor):.2f}", f"{p99(line) / p99(floor):.2f}")
    console.print(table)
    for name, values in stages.items():
        console.print(f"  after {median(values):6.1f} ms  {name}")
    counted = ", ".join(f"{number:.1f} {operation}" for operation, number in sorted(made.items()))
    console.print(f"calls to the store for an article, listings and scheduler included: {counted}")


def main() -> None:
    """Start a stack of its own, measure, stop it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--rounds", type=int, default=60, help="articles to publish (default 60); with --hugo: rebuilds, 3 at most"
    )
    parser.add_argument("--hugo", action="store_true", help="a rebuild of everything against Hugo's build and deploy")
    parser.add_argument("--urgent", action="store_true", help="news beside an import that keeps the workers busy")
    parser.add_argument(
        "--articles", type=int, help="of the archive with --hugo (10,000), of the import with --urgent (1,500)"
    )
    parser.add_argument("--scale", action="store_true", help="one article's way beside archives of several sizes")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 13_890, 100_000], help="with --scale: of them")
    asked = parser.parse_args()
    if asked.urgent:
        measure_urgent(asked.rounds, asked.articles or 1500)
        return
    if asked.scale:
        measure_scale(asked.sizes, asked.rounds)
        return
    if asked.hugo:
        measure_rebuild(asked.articles or 10_000, min(asked.rounds, _MOST_REBUILDS))
        return
    rounds: int = asked.rounds
    with tempfile.TemporaryDirectory(prefix="pressline-bench-") as folder:
        console.print("Starting a stack of its own …")
        with embedded_stack(StackSettings.in_folder(Path(folder))) as stack:
            measure(stack, rounds)


def measure(stack: StackFile, rounds: int) -> None:
    """Run both, one after the other, so that the machine's moods meet both alike."""
    access: dict[str, Any] = stack.s3.model_dump()
    settings = ServiceSettings(
        s3_endpoint=access["endpoint"], s3_access_key=access["access_key"], s3_secret_key=access["secret_key"]
    )
    redis = Redis.from_url(stack.redis, socket_timeout=None)
    floor = Floor(redis, s3_client(settings), stack.s3.content_bucket)
    echo = Thread(target=floor.echo, args=(Redis.from_url(stack.redis, decode_responses=True, socket_timeout=None),))
    echo.start()
    headers = {"Authorization": f"Bearer {stack.token}"}
    with (
        httpx.Client(base_url=stack.api, headers=headers, timeout=30, trust_env=False) as api,
        httpx.Client(base_url=stack.edge, timeout=30, trust_env=False) as edge,
    ):
        line = Line(stack, api, edge)
        for number in range(WARM_UP_ROUNDS):
            line.run(number)
            floor.run()
        line.stages.clear()
        before = calls(stack)
        floors, lines = [], []
        for number in track(range(rounds), "publishing", console=console, transient=True):
            floors.append(floor.run())
            lines.append(line.run(WARM_UP_ROUNDS + number))
        made = {operation: count / rounds for operation, count in (calls(stack) - before).items()}
    redis.set("bench:stop", "1")
    redis.lpush("bench:0", "stop")
    echo.join(timeout=5)
    show(floors, lines, line.stages, made)


if __name__ == "__main__":
    main()
