"""Two whole stacks of real processes for the tests of this folder: a newsroom's, and one that operators change.

pytest-xdist runs the files that share a stack in one process, one after another.
"""

from __future__ import annotations

import json
import mimetypes
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr
from redis import Redis
from xdist.scheduler import LoadScopeScheduling

from infra.local.settings import PROJECT, StackSettings
from infra.local.stack import embedded_stack
from infra.local.state import RunFolder, StackFile
from shared.index.redis import RedisIndex
from shared.runtime.backlog.redis import RedisBacklog
from shared.runtime.receipts import ReceiptStatus
from shared.runtime.settings import ServiceSettings
from shared.site.sites import Site, load_sites

HERE = Path(__file__).parent


_STACK_OF = {
    "test_stack.py": "operated_stack",
    "test_an_archive.py": "operated_stack",
    "test_articles.py": "newsroom",
    "test_bad_input.py": "newsroom",
    "test_browser.py": "newsroom",
    "test_dead_letters.py": "newsroom",
    "test_dry_run.py": "newsroom",
    "test_reader_follows_links.py": "newsroom",
    "test_readiness.py": "newsroom",
    "test_run_step.py": "newsroom",
}
"""The files that share a stack. A file that is missing here would start another one in another process."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder, and start the long files first.

    `test_stack.py` inspects its stack before `test_an_archive.py` fills it.
    """
    long_files = ("test_stack.py", "test_articles.py", "test_the_docs.py", "test_same_bytes.py")
    ranks = {name: rank for rank, name in enumerate(long_files)}
    items.sort(key=lambda item: ranks.get(item.path.name, len(ranks)))
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.e2e)


class OneStackInOneProcess(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """Gives a process all files that share a stack, or one other file.

    `--dist loadgroup` cannot: pytest-xdist 3.8 sets an attribute that no test of pytest 9.2 has.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = Path(nodeid.split("::", maxsplit=1)[0]).name
        return _STACK_OF.get(file, file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    return OneStackInOneProcess(config, log) if config.getoption("dist") == "loadscope" else None


class Newsroom:
    """A newsroom's systems and a reader, outside of the stack."""

    def __init__(self, settings: StackSettings, stack: StackFile) -> None:
        self.folder = RunFolder(settings.run_folder)
        self.stack = stack
        headers = {"Authorization": f"Bearer {stack.token}"}
        self.api = httpx.Client(base_url=stack.api, headers=headers, timeout=40, trust_env=False)
        self.edge = httpx.Client(base_url=stack.edge, timeout=20, trust_env=False)
        self.redis = Redis.from_url(stack.redis, decode_responses=True)
        self.services = ServiceSettings(
            redis_url=stack.redis,
            base_url=stack.edge,
            s3_endpoint=stack.s3.endpoint,
            s3_access_key=stack.s3.access_key,
            s3_secret_key=SecretStr(stack.s3.secret_key),
        )
        self.site: Site = load_sites(self.services.sites_folder, stack.edge)["epn"]

    def post(self, *, wait: float | None = None, **fields: Any) -> httpx.Response:
        """Post an article in our own form."""
        article = {
            "source": "e2e",
            "source_id": uuid4().hex,
            "headline": "A story from the test",
            "section": "world",
            "language": "en",
            "body": "<p>Words that readers can read.</p>",
        } | fields
        return self.post_raw(json.dumps(article).encode(), wait=wait)

    def post_raw(
        self, body: bytes, *, wait: float | None = None, content_type: str = "application/json"
    ) -> httpx.Response:
        """Post bytes as they are."""
        headers = {"Content-Type": content_type} | ({"Prefer": f"wait={wait:g}"} if wait else {})
        return self.api.post("/v1/articles", content=body, headers=headers)

    def store_picture(self, file: Path) -> str:
        """Upload a picture; return what articles call it."""
        headers = {"Content-Type": mimetypes.guess_type(file.name)[0] or ""}
        return str(self.api.post("/v1/media", content=file.read_bytes(), headers=headers).json()["media"])

    def wait_until_quiet(self, receipts: Iterable[str], seconds: float = 90) -> None:
        """Wait until these receipts are final, no message waits, and no page is stale."""
        left = list(receipts)

        def are_at_their_end() -> bool:
            left[:] = [each for each in left if not self._is_at_its_end(each)]
            return not left

        self.wait_for(are_at_their_end, "all are at their end", seconds)
        calm = 0  # looks in a row: a message may be between a queue and its worker's hands

        def is_quiet() -> bool:
            nonlocal calm
            calm = calm + 1 if self._is_nothing_on_its_way() else 0
            return calm > 20

        self.wait_for(is_quiet, "nothing is on its way", seconds)

    def _is_at_its_end(self, receipt: str) -> bool:
        return ReceiptStatus(self.api.get(f"/v1/receipts/{receipt}").json()["status"]).is_final

    def _is_nothing_on_its_way(self) -> bool:
        waiting = RedisBacklog(self.redis).total() + self.redis.hlen("unacked")
        return not waiting and not RedisIndex(self.redis).stale_versions(self.site)

    def pressline(self, *words: str, answer: str = "") -> subprocess.CompletedProcess[str]:
        """Run the command line beside the stack."""
        return subprocess.run(
            [sys.executable, "-m", "services.desk", *words],
            env={**os.environ, "PRESSLINE_RUN_FOLDER": str(self.folder.path), "COLUMNS": "200"},
            input=answer,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def read(self, url: str) -> httpx.Response:
        """Read a page at the edge."""
        return self.edge.get(url)

    def wait_for(self, condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
        """Poll until something is so."""
        until = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > until:
                pytest.fail(f"after {seconds:g} s still not: {what}")
            time.sleep(0.05)

    def pid(self, service: str) -> int:
        """Return the process that runs a service now."""
        return self.find_pid(service) or pytest.fail(f"{service} is down")

    def find_pid(self, service: str) -> int | None:
        """Return the process that runs a service, None while it is down."""
        stack = self.folder.stack()
        return stack.pids.get(service) if stack else None

    def wait_for_restart(self, service: str, killed: int) -> None:
        """Wait until another process runs a service than the one that was killed."""
        self.wait_for(lambda: self.find_pid(service) not in {None, killed}, f"{service} is started again")


@dataclass(frozen=True)
class OperatedStack:
    """A stack whose sites and processes an operator changes."""

    settings: StackSettings
    stack: StackFile
    sites_folder: Path


@pytest.fixture(scope="session")
def operated_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatedStack]:
    folder = tmp_path_factory.mktemp("operated")
    sites_folder = folder / "sites"
    shutil.copytree(PROJECT / "infra" / "sites", sites_folder)
    settings = StackSettings.in_folder(folder / "run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PRESSLINE_SITES_FOLDER", str(sites_folder))
        with embedded_stack(settings) as stack:
            yield OperatedStack(settings, stack, sites_folder)


@pytest.fixture(scope="session")
def newsroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newsroom]:
    settings = StackSettings.in_folder(tmp_path_factory.mktemp("stack"))
    with embedded_stack(settings) as stack:
        room = Newsroom(settings, stack)
        with room.api, room.edge, room.redis:
            yield room
