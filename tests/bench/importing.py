"""An import through `POST /v1/batches`, until each page is public and until nothing is stale: `--import`.

"Public": the article's page is in the public bucket. "Current": no message waits, no page or listing is stale, and the
number of public objects has not changed for 2 s. The bucket is listed now and then to count pages; the store's
processor time contains that. `--against DIR` runs the same import in a checkout of another commit, in turn.
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
from tests.bench.checkouts import Figures, Stand, run_alternately, show_comparison
from tests.bench.door import an_article
from tests.bench.meter import Meter, Reading, show_memory

_SITE, _SOURCE = "epn", "archive"
_SECTIONS = ("news", "world", "india", "business", "science", "culture", "sport", "opinion")
_A_DAY = 200
_CONNECTIONS = 4
_LINES = 500  # per request
_WARM_UP = 20
_LOOK_SECONDS = 0.2
_STABLE_SECONDS = 2.0
_IDLE_SECONDS = 5.0
_PATIENCE_SECONDS = 600.0  # without one more public page

console = Console()


def measure_import(articles: int, rounds: int, against: Path | None) -> None:
    """Run the import in a stack of each checkout, and print the figures."""
    found = run_alternately(lambda stand: Import(stand, articles).run(), against, rounds)
    show_comparison(f"Import of {articles:,} articles, median of {rounds}", found)


class Import:
    """One import into a fresh stack."""

    def __init__(self, stand: Stand, articles: int) -> None:
        self.stand, self.articles, self.meter = stand, articles, Meter(stand)

    def run(self) -> Figures:
        """Return the figures of the import."""
        self.meter.wait_until_quiet()
        time.sleep(_IDLE_SECONDS)
        idle = self.meter.memory_megabytes()
        send(self.stand.stack, "warm-up", range(_WARM_UP), _WARM_UP)
        self.meter.wait_until_quiet()
        memory, start = self.meter.memory_megabytes(), self.meter.read()
        with ThreadPoolExecutor(1) as pool, Progress(console=console, transient=True) as bar:
            sending = pool.submit(send, self.stand.stack, _SOURCE, range(self.articles), self.articles)
            public = self.wait_until_public(start, sending, bar, bar.add_task(self.stand.name, total=self.articles))
            bar.add_task("until all is current", total=None)
            current = self.wait_until_current()
        after = self.meter.memory_megabytes()
        console.print(f"{self.stand.name}: {show_memory(memory, after)}")
        console.print(f"{self.stand.name}: calls to the store per article: {self.calls(start, current)}")
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
        """Return the reading at which each article had a page."""
        best, progress_at = 0, time.monotonic()
        while True:
            looked_at = time.monotonic()
            found = self.meter.objects(rf"/{_SOURCE}-\d+-[^/]+/index\.html$")
            bar.update(task, completed=found)
            if found >= self.articles:
                return self.meter.read()
            if sending.done():
                sending.result()
            now = time.monotonic()
            if found > best:
                best, progress_at = found, now
            if now - progress_at > _PATIENCE_SECONDS:
                raise TimeoutError(f"{found} of {self.articles} pages are public, and there are no more")
            time.sleep(until_next_look(found, self.articles, now - start.at, now - looked_at))

    def wait_until_current(self) -> Reading:
        """Return the reading at which nothing was stale, and stayed so."""
        while True:
            self.meter.wait_until_quiet()
            reading, objects = self.meter.read(), self.meter.objects()
            until = time.monotonic() + _STABLE_SECONDS
            while self.meter.is_quiet() and time.monotonic() < until:
                time.sleep(_LOOK_SECONDS)
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


def until_next_look(public: int, articles: int, elapsed_seconds: float, look_seconds: float) -> float:
    """Return the seconds to the next LIST: half of the time that the rest takes, and never dense enough to weigh."""
    rest = (articles - public) * elapsed_seconds / public if public else 2.0
    return max(0.5, 3 * look_seconds, min(60.0, rest / 2))


def send(stack: StackFile, source: str, numbers: range, of_all: int) -> None:
    """Post the articles, the oldest first, over several connections; lines that were not taken are sent again.

    Raises:
        RuntimeError: a line was refused.
    """
    chunks = [numbers[start : start + _LINES] for start in range(0, len(numbers), _LINES)]
    with ThreadPoolExecutor(_CONNECTIONS) as pool, _client(stack) as client:
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
        taken = {reply["line"] for reply in replies if reply["status"] == "accepted"}
        time.sleep(max((reply.get("retry_after_seconds") or 0 for reply in replies), default=0))
        lines = [line for number, line in enumerate(lines, start=1) if number not in taken]


def _line(source: str, number: int, of_all: int) -> bytes:
    """Return an article of an archive: 200 a day up to now, in all sections."""
    day, of_day = divmod(of_all - number, _A_DAY)
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
        timeout=_PATIENCE_SECONDS,
        trust_env=False,
    )
