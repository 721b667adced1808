"""POST to readable page against the raw floor of the same run, interleaved: `make bench` (ARGS="--rounds 100").

The floor is fixed: 4 queue hops, 4 PUT and 2 GET in sequence by bare clients on the same
servers. The floor measures the machine at this moment. Only the ratio can be compared between machines.

`--against DIR` names a checkout of another commit, for instance of `git worktree add DIR f1a0bbf`. The bench runs that
commit's code too, with this interpreter, in turn, and prints the ratios. The default, --import, --steady, --accept and
--urgent support it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from threading import Thread
from typing import TYPE_CHECKING

import httpx
from redis import Redis
from rich.console import Console
from rich.progress import track

from tests.bench.accepting import measure_accepting
from tests.bench.calls import counted
from tests.bench.checkouts import Figures, RunningStack, run_alternately, show_comparison
from tests.bench.hugo import measure_rebuild
from tests.bench.importing import measure_import
from tests.bench.meter import Meter, s3_of
from tests.bench.scale import measure_scale
from tests.bench.steady import measure_steady
from tests.bench.urgent import measure_urgent

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

    from infra.local.state import StackFile

HOPS, PUTS, GETS = 4, 4, 2
PAGE_BYTES = 8_000
DEADLINE_SECONDS = 30.0
WARM_UP_ROUNDS = 5
_MAX_REBUILDS = 3
_IDLE_SECONDS = 5.0
PARAGRAPH = "<p>The pilot boat came alongside at the harbour mouth, and the crew of the ferry lowered a ladder.</p>"

console = Console()


@dataclass
class Floor:
    """Bare clients: push messages that another thread pops, then put and get objects."""

    redis: Redis
    s3: S3Client
    bucket: str
    number: int = 0

    def run(self) -> float:
        """Return the milliseconds of one sequence."""
        self.number += 1
        body = b"x" * PAGE_BYTES
        started = time.perf_counter()
        for hop in range(HOPS // 2):  # a round trip is two hops
            self.redis.lpush(f"bench:{hop}", body[:400])
            self.redis.brpop([f"bench:back:{hop}"], timeout=5)
        for put in range(PUTS):
            self.s3.put_object(Bucket=self.bucket, Key=f"bench/{self.number}/{put}", Body=body)
        for get in range(GETS):
            self.s3.get_object(Bucket=self.bucket, Key=f"bench/{self.number}/{get}")["Body"].read()
        return (time.perf_counter() - started) * 1000

    def echo(self, redis: Redis) -> None:
        """Pop each message as a worker would, and push an answer; end when the floor stops."""
        keys = [f"bench:{hop}" for hop in range(HOPS // 2)]
        while (popped := redis.brpop(keys, timeout=0)) is not None:
            key = str(popped[0])
            if key == "bench:0" and redis.exists("bench:stop"):
                return
            redis.lpush(key.replace("bench:", "bench:back:"), "1")


@dataclass
class Publication:
    """Pressline: POST, then GET at the edge until the page is readable."""

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
        # The endpoint waits, because polls of the edge would use processor time.
        headers = {"Content-Type": "application/json", "Prefer": "wait=20"}
        answer = self.api.post("/v1/articles", content=body, headers=headers)
        reply = answer.raise_for_status().json()
        day = datetime.now(UTC) + timedelta(hours=5, minutes=30)  # the site's zone
        path = f"/world/{day:%Y/%m/%d}/ferry-{number}-{reply['article'][:6]}/"
        until = started + DEADLINE_SECONDS
        while self.edge.get(path).status_code != httpx.codes.OK:
            if time.perf_counter() > until:
                raise TimeoutError(f"{path} was not readable in {DEADLINE_SECONDS:.0f} s")
        elapsed = (time.perf_counter() - started) * 1000
        for stage in self.api.get(f"/v1/receipts/{reply['receipt']}").json()["stages"]:
            at = datetime.fromisoformat(stage["at"])
            self.stages.setdefault(stage["name"], []).append((at - posted_at).total_seconds() * 1000)
        return elapsed


def calls(stack: StackFile) -> Counter[str]:
    """Return the number of calls per operation of the store, over all services."""
    return sum((counted(url) for url in stack.metrics.values()), start=Counter())


def figures(floor: list[float], publication: list[float]) -> Figures:
    """Return the medians and the 99th percentiles, and their ratios."""

    def p99(values: list[float]) -> float:
        return quantiles(values, n=100, method="inclusive")[98]

    return {
        f"p50 ms, floor: {HOPS} hops, {PUTS} PUT, {GETS} GET": median(floor),
        "p50 ms, POST to readable page": median(publication),
        "p50, page / floor": median(publication) / median(floor),
        "p99 ms, floor": p99(floor),
        "p99 ms, POST to readable page": p99(publication),
        "p99, page / floor": p99(publication) / p99(floor),
    }


def show_stages(name: str, stages: dict[str, list[float]]) -> None:
    """Print the median time of each stage of an article."""
    console.print(f"{name}: " + ", ".join(f"{stage} after {median(at):.1f} ms" for stage, at in stages.items()))


def arguments() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_mutually_exclusive_group().add_argument
    add("--import", dest="is_import", action="store_true", help="measure an import: articles/s, CPU, calls, memory")
    add(
        "--steady",
        action="store_true",
        help="measure minutes of news at a steady rate, the last minutes against the first",
    )
    add(
        "--accept",
        action="store_true",
        help="measure accepting against a bare route with the same PUTs; memory of a batch",
    )
    add("--urgent", action="store_true", help="measure news during an import that keeps all workers busy")
    add("--hugo", action="store_true", help="measure a rebuild of everything against Hugo's build and deploy")
    add("--scale", action="store_true", help="measure one article's publication with archives of several sizes")
    add = parser.add_argument
    add("--against", type=Path, metavar="DIR", help="a checkout of another commit to measure in the same run")
    add(
        "--rounds",
        type=int,
        help="number of articles (60), imports per checkout (1), slices with --accept (20), or rebuilds (at most 3)",
    )
    add(
        "--articles",
        type=int,
        help="size of the archive (2,000 with --import, 10,000 with --hugo, 1,500 with --urgent)",
    )
    add("--minutes", type=float, default=12, help="duration, with --steady (12)")
    add("--rate", type=float, default=4, help="with --steady: operations a second (4)")
    add(
        "--sizes",
        type=int,
        nargs="+",
        default=[100, 13_890, 100_000],
        help="numbers of articles of the archives, with --scale",
    )
    return parser


def main() -> None:
    """Start a stack, measure, stop it."""
    parser = arguments()
    options = parser.parse_args()
    if options.against and (options.scale or options.hugo):
        parser.error("--scale and --hugo measure this checkout only")
    against, rounds = options.against and options.against.resolve(strict=True), options.rounds or 60
    if options.is_import:
        measure_import(options.articles or 2000, options.rounds or 1, against)
    elif options.steady:
        measure_steady(options.minutes, options.rate, against)
    elif options.accept:
        measure_accepting(options.rounds or 20, against)
    elif options.urgent:
        measure_urgent(rounds, options.articles or 1500, against)
    elif options.scale:
        measure_scale(options.sizes, rounds)
    elif options.hugo:
        measure_rebuild(options.articles or 10_000, min(rounds, _MAX_REBUILDS))
    else:
        found = run_alternately(lambda target: measure(target, rounds), against, 1)
        show_comparison(f"{rounds} articles, interleaved with the floor", found)


def measure(target: RunningStack, rounds: int) -> Figures:
    """Run floor and publication in turn, so that other load of the machine affects both equally."""
    stack, meter = target.stack, Meter(target)
    meter.wait_until_quiet()
    time.sleep(_IDLE_SECONDS)
    idle_megabytes = sum(meter.memory_megabytes().values())
    redis = Redis.from_url(stack.redis, socket_timeout=None)
    floor = Floor(redis, s3_of(stack), stack.s3.content_bucket)
    echo = Thread(target=floor.echo, args=(Redis.from_url(stack.redis, decode_responses=True, socket_timeout=None),))
    echo.start()
    headers = {"Authorization": f"Bearer {stack.token}"}
    with (
        httpx.Client(base_url=stack.api, headers=headers, timeout=30, trust_env=False) as api,
        httpx.Client(base_url=stack.edge, timeout=30, trust_env=False) as edge,
    ):
        publication = Publication(stack, api, edge)
        for number in range(WARM_UP_ROUNDS):
            publication.run(number)
            floor.run()
        publication.stages.clear()
        before = calls(stack)
        floors, publications = [], []
        for number in track(range(rounds), "publishing", console=console, transient=True):
            floors.append(floor.run())
            publications.append(publication.run(WARM_UP_ROUNDS + number))
        calls_per_article = {operation: count / rounds for operation, count in (calls(stack) - before).items()}
    redis.set("bench:stop", "1")
    redis.lpush("bench:0", "stop")
    echo.join(timeout=5)
    show_stages(target.name, publication.stages)
    return {
        **figures(floors, publications),
        **{f"{operation} per article, all services": number for operation, number in sorted(calls_per_article.items())},
        "memory (PSS) MB, idle": idle_megabytes,
    }


if __name__ == "__main__":
    main()
