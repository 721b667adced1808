"""One article's way against archives of several sizes, side by side: `make bench ARGS="--scale"`.

One stack, three sites that differ in how much they have published. Each round does the same at all of them, one after
the other: publish an article, correct its headline, correct its body, kill it. What the services ask of the store and
of Redis is counted until nothing of the site is behind any more.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from pydantic import SecretStr
from redis import Redis
from rich.console import Console
from rich.progress import track
from rich.table import Table

from infra.local.ports import free_ports
from infra.local.servers import SeaweedPorts, prepare_buckets, start_seaweed, start_valkey
from infra.local.settings import StackSettings
from infra.local.stack import embedded_stack
from infra.local.state import StackFile
from shared.index.redis import RedisIndex
from shared.runtime.backlog.redis import RedisBacklog
from shared.runtime.settings import ServiceSettings
from shared.site.sites import Site, load_sites
from tests.bench.calls import counted, redis_calls
from tests.bench.door import Done, Door, an_article, percentile
from tests.bench.synthetic import A_DAY, WHOLE, Filled, Filler, used_bytes, write_sites

OPERATIONS = ("publish", "headline", "body", "kill")
_BACKGROUND = "scheduler"
_WARM_UP_ROUNDS = 3
_IDLE_SECONDS = 21.0  # two sweeps
_QUIET_LOOKS = 3  # in a row
_LOOK_SECONDS = 0.05
_PATIENCE_SECONDS = 600.0
_MENDED = "Ferry arrives at last"

console = Console()


@dataclass(frozen=True, slots=True)
class Cost:
    """What one operation took: milliseconds at the door, and calls until all was quiet, the background's taken off."""

    milliseconds: float
    store: Counter[str]
    redis: float


def measure_scale(sizes: Sequence[int], rounds: int) -> None:
    """Make the sites, start the services beside them, go the rounds, print the table."""
    names = {f"of-{size}": size for size in sizes}
    with tempfile.TemporaryDirectory(prefix="pressline-bench-") as name, _servers(Path(name)) as settings:
        folder = Path(name)
        write_sites(folder / "sites", list(names))
        os.environ |= {"PRESSLINE_SITES_FOLDER": str(folder / "sites"), "PRESSLINE_VERIFY_HOURS": "0"}
        sites = load_sites(folder / "sites", settings.edge_url)
        filler = Filler(_services_of(settings), console)
        filled = [filler.fill(sites[site], size) for site, size in names.items()]
        _show_filled(filled)
        console.print("Starting the services, which publish what readers see of the last two days …")
        with embedded_stack(settings) as stack:
            Bench(stack, [sites[site] for site in names]).run(sizes, rounds)


@contextmanager
def _servers(folder: Path) -> Iterator[StackSettings]:
    """Have a Redis and a store without any service, and the settings of a stack that will use them."""
    valkey = start_valkey(folder, free_ports(1)[0])
    store = start_seaweed(folder, SeaweedPorts.free(), "bench", "secret-of-the-bench", "pressline-public")
    try:
        settings = StackSettings.in_folder(folder / "run")
        prepare_buckets(store.url, "bench", "secret-of-the-bench", [settings.content_bucket, settings.public_bucket])
        given = {"redis_url": valkey.url, "s3_endpoint": store.url, "s3_access_key": "bench"}
        yield settings.model_copy(update={**given, "s3_secret_key": SecretStr("secret-of-the-bench")})
    finally:
        valkey.stop()
        store.stop()


def _services_of(settings: StackSettings) -> ServiceSettings:
    return ServiceSettings(
        redis_url=settings.effective_redis_url,
        s3_endpoint=settings.effective_s3_endpoint,
        s3_access_key=settings.s3_access_key,
        s3_secret_key=settings.s3_secret_key,
    )


class Bench:
    """The stack, the sites, and what is counted of them."""

    def __init__(self, stack: StackFile, sites: list[Site]) -> None:
        self.stack, self.sites = stack, sites
        self.redis = Redis.from_url(stack.redis, decode_responses=True)
        self.index, self.backlog = RedisIndex(self.redis), RedisBacklog(self.redis)
        self.door = Door(stack)
        self.idle = 0.0  # commands to Redis a second by services that have nothing to do
        self.costs: dict[tuple[str, str], list[Cost]] = defaultdict(list)

    def run(self, sizes: Sequence[int], rounds: int) -> None:
        """Measure and show."""
        started = time.monotonic()
        for site in self.sites:
            self.wait_until_quiet(site)
        console.print(f"… which took {time.monotonic() - started:.0f} s")
        for number in range(_WARM_UP_ROUNDS):
            self.go_round(number)
        self.costs.clear()
        self.measure_idle()
        before = used_bytes(self.redis)
        for number in track(range(rounds), "rounds", console=console, transient=True):
            self.go_round(_WARM_UP_ROUNDS + number)
        left = (used_bytes(self.redis) - before) / (rounds * len(self.sites))
        _show(self.costs, dict(zip([site.id for site in self.sites], sizes, strict=True)), rounds)
        console.print(f"idle services send {self.idle:.0f} commands a second to Redis: taken off, by the clock")
        console.print(f"a round at one site leaves {left / 1024:.1f} KB: four receipts for a week, marks for an hour")

    def measure_idle(self) -> None:
        """Count what the services send to Redis where nothing happens."""
        before, started = self.redis_calls(), time.monotonic()
        time.sleep(_IDLE_SECONDS)
        self.idle = (self.redis_calls() - before) / (time.monotonic() - started)

    def go_round(self, number: int) -> None:
        """Do each operation at each site, before the next one is done at any."""
        ids: dict[str, str] = {}
        for operation in OPERATIONS:
            for site in self.sites:
                self.costs[operation, site.id].append(self.cost_of(operation, site, number, ids))

    def cost_of(self, operation: str, site: Site, number: int, ids: dict[str, str]) -> Cost:
        """Do one operation through the door; return what it took until all was quiet."""
        store, redis, started = self.store_calls(), self.redis_calls(), time.monotonic()
        done = self.do(operation, site.id, number, ids)
        ids[site.id] = done.article
        self.wait_until_quiet(site)
        elapsed = time.monotonic() - started
        made = self.redis_calls() - redis - self.idle * elapsed
        return Cost(done.milliseconds, self.store_calls() - store, made)

    def do(self, operation: str, site: str, number: int, ids: dict[str, str]) -> Done:
        """Do one operation."""
        match operation:
            case "kill":
                return self.door.kill(site, ids[site])
            case "publish":
                article = an_article(number, source="scale")
            case "headline":
                article = an_article(number, source="scale", headline=_MENDED)
            case _:
                article = an_article(number, source="scale", headline=_MENDED, paragraphs=39)
        return self.door.post(site, article)

    def wait_until_quiet(self, site: Site) -> None:
        """Wait until nothing of the site is behind and nothing waits or is being worked at, for several looks."""
        quiet, deadline = 0, time.monotonic() + _PATIENCE_SECONDS
        while quiet < _QUIET_LOOKS:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{site.id} does not come to rest: {list(self.index.stale_versions(site))[:10]}")
            time.sleep(_LOOK_SECONDS)
            is_busy = self.index.stale_versions(site) or self.backlog.total() or self.redis.hlen("unacked")
            quiet = 0 if is_busy else quiet + 1

    def store_calls(self) -> Counter[str]:
        """Return how often each operation of the store was called by what handles articles."""
        urls = [url for name, url in self.stack.metrics.items() if name != _BACKGROUND]
        return sum((counted(url) for url in urls), start=Counter())

    def redis_calls(self) -> int:
        """Return how many commands what handles articles has sent to Redis, those of scripts too."""
        calls = redis_calls(self.redis, self.stack.pids)
        return sum(number for name, number in calls.items() if name != _BACKGROUND)


def _show_filled(filled: list[Filled]) -> None:
    table = Table("articles", "days", "made in", "Redis, KB an article", box=None, title="Synthetic archives")
    for each in filled:
        days, kilobytes = -(-each.articles // A_DAY), each.redis_bytes / each.articles / 1024
        table.add_row(f"{each.articles:,}", f"{days:,}", f"{each.seconds:.0f} s", f"{kilobytes:.2f}")
    console.print(table)
    console.print(
        f"Synthetic: no message made them. The index has all, by its own functions; the content bucket a live.json of "
        f"each, and all objects of the newest {WHOLE}; the pages of past days are only marked as published."
    )


def _show(costs: dict[tuple[str, str], list[Cost]], sizes: dict[str, int], rounds: int) -> None:
    columns = ("operation", "articles", "PUT", "calls to the store", "commands to Redis", "p50 ms", "p95 ms", "ratio")
    table = Table(*columns, title=f"{rounds} rounds, interleaved; medians", box=None)
    for operation in OPERATIONS:
        smallest = median(cost.milliseconds for cost in costs[operation, next(iter(sizes))])
        for site, size in sizes.items():
            made = costs[operation, site]
            times = [cost.milliseconds for cost in made]
            table.add_row(
                operation,
                f"{size:,}",
                f"{median(cost.store['PUT'] for cost in made):g}",
                f"{median(cost.store.total() for cost in made):g}",
                f"{median(cost.redis for cost in made):.0f}",
                f"{median(times):.1f}",
                f"{percentile(times, 95):.1f}",
                f"{median(times) / smallest:.2f}",
            )
    console.print(table)
