"""An import through `POST /v1/batches`, until each page is public and until nothing is stale: `--import`.

"Public" means that the article's page is in the public bucket. "Current" means that no message is queued and no page is
stale, and that the number of public objects is constant for 2 s. The bench sometimes lists the bucket to count pages;
the store's processor time includes these calls. `--against DIR` runs the same import in a checkout of another commit,
in turn.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from rich.console import Console
from rich.progress import Progress, TaskID

from infra.local.state import StackFile
from tests.bench.checkouts import Figures, RunningStack, run_alternately, show_comparison
from tests.bench.endpoint import an_article
from tests.bench.meter import Meter, Reading, show_memory

_SITE, _SOURCE = "epn", "archive"
_SECTIONS = ("news", "world", "india", "business", "science", "culture", "sport", "opinion")
_ARTICLES_PER_DAY = 200
_CONNECTION_COUNT = 4
_LINES_PER_REQUEST = 500
_WARM_UP_ARTICLES = 20
_POLL_INTERVAL_SECONDS = 0.2
_STABLE_SECONDS = 2.0
_IDLE_SECONDS = 5.0
_TIMEOUT_SECONDS = 600.0  # without a new public page

console = Console()


def measure_import(articles: int, rounds: int, against: Path | None) -> None:
    """Run the import in a stack of each checkout, and print the figures."""
    found = run_alternately(lambda target: Import(target, articles).run(), against, rounds)
    show_comparison(f"Import of {articles:,} articles, median of {rounds}", found)


class Import:
    """One import into a fresh stack."""

    def __init__(self, target: RunningStack, articles: int) -> None:
        self.target, self.articles, self.meter = target, articles, Meter(target)

    def run(self) -> Figures:
        """Return the figures of the import."""
        self.meter.wait_until_quiet()
        time.sleep(_IDLE_SECONDS)
        idle = self.meter.memory_megabytes()
        send(self.target.stack, "warm-up", range(_WARM_UP_ARTICLES), _WARM_UP_ARTICLES)
        self.meter.wait_until_quiet()
        memory, start = self.meter.memory_megabytes(), self.meter.read()
        with ThreadPoolExecutor(1) as pool, Progress(console=console, transient=True) as bar:
            sending = pool.submit(send, self.target.stack, _SOURCE, range(self.articles), self.articles)
            public = self.wait_until_public(start, sending, bar, bar.add_task(self.target.name, total=self.articles))
            bar.add_task("until all is current", total=None)
            current = self.wait_until_current()
        after = self.meter.memory_megabytes()
        console.print(f"{self.target.name}: {show_memory(memory, after)}")
        console.print(f"{self.target.name}: calls to the store per article: {self.calls(start, current)}")
        return {
            "articles/s until all pages are public": self.articles / (public.at - start.at),
            "articles/s until all is current": self.articles / (current.at - start.at),
            "store calls per article, until all pages are public": public.calls_since(start, self.articles),
            "store calls per article, until all is current": current.calls_since(start, self.articles),
            **current.cost_since(start, self.articles),
            "memory (PSS) MB, idle after the start": sum(idle.values()),
            "memory (PSS) MB, after the import": sum(after.values()),
        }

    def wait_until_public(self, start: Reading, sending: Future[None], bar: Progress, task: TaskID) -> Reading:
        """Return the reading at which every article had a public page."""
        max_found, progress_at = 0, time.monotonic()
        while True:
            list_began = time.monotonic()
            found = self.meter.objects(rf"/{_SOURCE}-\d+-[^/]+/index\.html$")
            bar.update(task, completed=found)
            if found >= self.articles:
                return self.meter.read()
            if sending.done():
                sending.result()
            now = time.monotonic()
            if found > max_found:
                max_found, progress_at = found, now
            if now - progress_at > _TIMEOUT_SECONDS:
                raise TimeoutError(f"{found} of {self.articles} pages are public, and the number does not grow")
            time.sleep(seconds_until_next_list(found, self.articles, now - start.at, now - list_began))

    def wait_until_current(self) -> Reading:
        """Return the reading from which on everything was current."""
        while True:
            self.meter.wait_until_quiet()
            reading, objects = self.meter.read(), self.meter.objects()
            until = time.monotonic() + _STABLE_SECONDS
            while self.meter.is_quiet() and time.monotonic() < until:
                time.sleep(_POLL_INTERVAL_SECONDS)
            if time.monotonic() >= until and self.meter.objects() == objects:
                return reading

    def calls(self, start: Reading, end: Reading) -> str:
        """Return the calls to the store per article, by service and by operation."""
        services: Counter[str] = Counter()
        operations: Counter[str] = Counter()
        for (service, operation), number in (end.store_calls - start.store_calls).items():
            services[service] += number
            operations[operation] += number
        return ", ".join(
            f"{name} {number / self.articles:.1f}" for name, number in (*services.items(), *operations.items())
        )


def seconds_until_next_list(public: int, articles: int, elapsed_seconds: float, list_seconds: float) -> float:
    """Return the seconds until the next LIST: half of the remaining time, within limits that keep its cost low."""
    rest = (articles - public) * elapsed_seconds / public if public else 2.0
    return max(0.5, 3 * list_seconds, min(60.0, rest / 2))


def send(stack: StackFile, source: str, numbers: range, of_all: int) -> None:
    """Post the articles, oldest first, over several connections; send lines again that were not accepted.

    Raises:
        RuntimeError: a line was refused.
    """
    chunks = [numbers[start : start + _LINES_PER_REQUEST] for start in range(0, len(numbers), _LINES_PER_REQUEST)]
    with ThreadPoolExecutor(_CONNECTION_COUNT) as pool, _client(stack) as client:
        for _ in pool.map(lambda chunk: _send_chunk(client, [_line(source, each, of_all) for each in chunk]), chunks):
            pass


def _send_chunk(client: httpx.Client, lines: list[bytes]) -> None:
    while lines:
        answer = client.post("/v1/batches", content=b"".join(lines))
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            time.sleep(float(answer.headers.get("retry-after", 5)))
            continue
        replies = [json.loads(line) for line in answer.raise_for_status().text.splitlines()]
        if refused := [reply for reply in replies if reply["status"] == "refused"]:
            raise RuntimeError(f"refused: {refused[0]}")
        accepted = {reply["line"] for reply in replies if reply["status"] == "accepted"}
        time.sleep(max((reply.get("retry_after_seconds") or 0 for reply in replies), default=0))
        lines = [line for number, line in enumerate(lines, start=1) if number not in accepted]


def _line(source: str, number: int, of_all: int) -> bytes:
    """Return an article of an archive with 200 articles per day, in all sections, as a line of JSON."""
    day, of_day = divmod(of_all - number, _ARTICLES_PER_DAY)
    article = an_article(number, source=source) | {
        "version_created": (datetime.now(UTC) - timedelta(days=day, minutes=of_day)).isoformat(),
        "section": _SECTIONS[number % len(_SECTIONS)],
        "slug": f"{source}-{number}",
    }
    return json.dumps(article).encode() + b"\n"


def _client(stack: StackFile) -> httpx.Client:
    return httpx.Client(
        base_url=stack.api,
        params={"site": _SITE},
        headers={"Authorization": f"Bearer {stack.token}", "Content-Type": "application/x-ndjson"},
        timeout=_TIMEOUT_SECONDS,
        trust_env=False,
    )
