"""One article's publication with archives of several sizes: `make bench ARGS="--scale"`.

One stack has three sites with archives of different sizes. Each round does the same at all sites, one after the other:
publish an article, correct its headline, correct its body, kill it. The bench counts calls to the store and Redis
commands until no page of the site is stale.
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
from tests.bench.endpoint import Completed, Endpoint, an_article, percentile
from tests.bench.synthetic import ARTICLES_PER_DAY, COMPLETE_ARTICLES, Filled, Filler, used_bytes, write_sites

OPERATIONS = ("publish", "headline", "body", "kill")
_BACKGROUND_SERVICE = "scheduler"
_WARM_UP_ROUNDS = 3
_IDLE_SECONDS = 21.0  # two sweeps
_MIN_QUIET_POLLS = 3  # consecutive
_POLL_INTERVAL_SECONDS = 0.05
_TIMEOUT_SECONDS = 600.0
_CORRECTED_HEADLINE = "Ferry arrives at last"

console = Console()


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one operation: milliseconds at the endpoint, and calls until quiet, without background calls."""

    milliseconds: float
    store: Counter[str]
    redis: float


def measure_scale(sizes: Sequence[int], rounds: int) -> None:
    """Make the sites, start the services, run the rounds, print the table."""
    names = {f"of-{size}": size for size in sizes}
    with tempfile.TemporaryDirectory(prefix="pressline-bench-") as name, _servers(Path(name)) as settings:
        folder = Path(name)
        write_sites(folder / "sites", list(names))
        os.environ |= {"PRESSLINE_SITES_FOLDER": str(folder / "sites"), "PRESSLINE_VERIFY_HOURS": "0"}
        sites = load_sites(folder / "sites", settings.edge_url)
        filler = Filler(_services_of(settings), console)
        filled = [filler.fill(sites[site], size) for site, size in names.items()]
        _show_filled(filled)
        console.print("Starting the services, which publish the pages of the last two days …")
        with embedded_stack(settings) as stack:
            Bench(stack, [sites[site] for site in names]).run(sizes, rounds)


@contextmanager
def _servers(folder: Path) -> Iterator[StackSettings]:
    """Run Redis and a store without services; yield the settings of a stack that uses them."""
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
    """Measures operations at the sites of one stack."""

    def __init__(self, stack: StackFile, sites: list[Site]) -> None:
        self.stack, self.sites = stack, sites
        self.redis = Redis.from_url(stack.redis, decode_responses=True)
        self.index, self.backlog = RedisIndex(self.redis), RedisBacklog(self.redis)
        self.endpoint = Endpoint(stack)
        self.idle = 0.0  # Redis commands per second by idle services
        self.costs: dict[tuple[str, str], list[Cost]] = defaultdict(list)

    def run(self, sizes: Sequence[int], rounds: int) -> None:
        """Run the rounds and print the figures."""
        started = time.monotonic()
        for site in self.sites:
            self.wait_until_quiet(site)
        console.print(f"… in {time.monotonic() - started:.0f} s")
        for number in range(_WARM_UP_ROUNDS):
            self.go_round(number)
        self.costs.clear()
        self.measure_idle()
        before = used_bytes(self.redis)
        for number in track(range(rounds), "rounds", console=console, transient=True):
            self.go_round(_WARM_UP_ROUNDS + number)
        left = (used_bytes(self.redis) - before) / (rounds * len(self.sites))
        _show(self.costs, dict(zip([site.id for site in self.sites], sizes, strict=True)), rounds)
        console.print(f"idle services send {self.idle:.0f} commands a second to Redis; the figures exclude them")
        console.print(
            f"a round at one site leaves {left / 1024:.1f} KB: four receipts for a week, other keys for an hour"
        )

    def measure_idle(self) -> None:
        """Measure the Redis commands of idle services."""
        before, started = self.redis_calls(), time.monotonic()
        time.sleep(_IDLE_SECONDS)
        self.idle = (self.redis_calls() - before) / (time.monotonic() - started)

    def go_round(self, number: int) -> None:
        """Do each operation at all sites before the next operation."""
        ids: dict[str, str] = {}
        for operation in OPERATIONS:
            for site in self.sites:
                self.costs[operation, site.id].append(self.cost_of(operation, site, number, ids))

    def cost_of(self, operation: str, site: Site, number: int, ids: dict[str, str]) -> Cost:
        """Do one operation through the endpoint; return its cost until the site is quiet."""
        store, redis, started = self.store_calls(), self.redis_calls(), time.monotonic()
        done = self.do(operation, site.id, number, ids)
        ids[site.id] = done.article
        self.wait_until_quiet(site)
        elapsed = time.monotonic() - started
        commands = self.redis_calls() - redis - self.idle * elapsed
        return Cost(done.milliseconds, self.store_calls() - store, commands)

    def do(self, operation: str, site: str, number: int, ids: dict[str, str]) -> Completed:
        """Do one operation."""
        match operation:
            case "kill":
                return self.endpoint.kill(site, ids[site])
            case "publish":
                article = an_article(number, source="scale")
            case "headline":
                article = an_article(number, source="scale", headline=_CORRECTED_HEADLINE)
            case _:
                article = an_article(number, source="scale", headline=_CORRECTED_HEADLINE, paragraphs=39)
        return self.endpoint.post(site, article)

    def wait_until_quiet(self, site: Site) -> None:
        """Wait until no page of the site is stale and no message is queued or being handled, for several polls."""
        quiet_polls, deadline = 0, time.monotonic() + _TIMEOUT_SECONDS
        while quiet_polls < _MIN_QUIET_POLLS:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{site.id} did not become quiet: {list(self.index.stale_versions(site))[:10]}")
            time.sleep(_POLL_INTERVAL_SECONDS)
            is_busy = self.index.stale_versions(site) or self.backlog.total() or self.redis.hlen("unacked")
            quiet_polls = 0 if is_busy else quiet_polls + 1

    def store_calls(self) -> Counter[str]:
        """Return the calls to the store by operation, without the scheduler's."""
        urls = [url for name, url in self.stack.metrics.items() if name != _BACKGROUND_SERVICE]
        return sum((counted(url) for url in urls), start=Counter())

    def redis_calls(self) -> int:
        """Return the number of Redis commands, those of scripts included, without the scheduler's."""
        calls = redis_calls(self.redis, self.stack.pids)
        return sum(number for name, number in calls.items() if name != _BACKGROUND_SERVICE)


def _show_filled(filled: list[Filled]) -> None:
    table = Table("articles", "days", "filled in", "Redis, KB an article", box=None, title="Synthetic archives")
    for each in filled:
        days, kilobytes = -(-each.articles // ARTICLES_PER_DAY), each.redis_bytes / each.articles / 1024
        table.add_row(f"{each.articles:,}", f"{days:,}", f"{each.seconds:.0f} s", f"{kilobytes:.2f}")
    console.print(table)
    console.print(
        f"No message created these archives. The index has all articles. The content bucket has a live.json of "
        f"each, and all objects of the newest {COMPLETE_ARTICLES}. Pages of past days are only marked as published."
    )


def _show(costs: dict[tuple[str, str], list[Cost]], sizes: dict[str, int], rounds: int) -> None:
    columns = ("operation", "articles", "PUT", "calls to the store", "commands to Redis", "p50 ms", "p95 ms", "ratio")
    table = Table(*columns, title=f"{rounds} rounds, interleaved; medians", box=None)
    for operation in OPERATIONS:
        smallest = median(cost.milliseconds for cost in costs[operation, next(iter(sizes))])
        for site, size in sizes.items():
            rounds_costs = costs[operation, site]
            times = [cost.milliseconds for cost in rounds_costs]
            table.add_row(
                operation,
                f"{size:,}",
                f"{median(cost.store['PUT'] for cost in rounds_costs):g}",
                f"{median(cost.store.total() for cost in rounds_costs):g}",
                f"{median(cost.redis for cost in rounds_costs):.0f}",
                f"{median(times):.1f}",
                f"{percentile(times, 95):.1f}",
                f"{median(times) / smallest:.2f}",
            )
    console.print(table)
