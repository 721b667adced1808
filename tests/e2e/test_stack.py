"""The embedded stack as an operator knows it: every server and service a real process."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from infra.local.processes import memory_bytes
from infra.local.settings import StackSettings
from infra.local.state import RunFolder, StackFile
from tests.e2e.conftest import OperatedStack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

_DEADLINE_SECONDS = 60.0
_MAX_BYTES = 960 * 1024**2  # 900 is aimed at; the relay, a process of its own, added 50
_WORKERS = ("ingest", "enrich", "render", "render-bulk", "publish", "publish-bulk")
PROCESSES = {"redis", "s3", "edge", "endpoint", *_WORKERS, "scheduler", "relay"}


@pytest.fixture(scope="module")
def settings(operated_stack: OperatedStack) -> StackSettings:
    return operated_stack.settings


@pytest.fixture(scope="module")
def folder(settings: StackSettings) -> RunFolder:
    return RunFolder(settings.run_folder)


@pytest.fixture(scope="module")
def stack(operated_stack: OperatedStack) -> StackFile:
    return operated_stack.stack


def test_each_part_is_a_process_of_its_own(stack: StackFile) -> None:
    assert set(stack.pids) == PROCESSES
    assert len(set(stack.pids.values())) == len(PROCESSES)
    for pid in stack.pids.values():
        os.kill(pid, 0)


def test_every_service_shows_its_metrics(stack: StackFile) -> None:
    for service, url in stack.metrics.items():
        answer = httpx.get(url, trust_env=False)
        assert answer.status_code == 200, service
        assert answer.headers["content-type"].startswith("text/plain"), service


def test_the_endpoint_and_the_edge_are_ready(stack: StackFile) -> None:
    assert httpx.get(f"{stack.api}/readyz", trust_env=False).status_code == 200
    assert httpx.get(f"{stack.edge}/.pressline/healthz", trust_env=False).status_code == 200


def test_the_token_opens_the_endpoint_and_is_kept_in_clear_only_in_the_run_folder(
    stack: StackFile, folder: RunFolder
) -> None:
    wrong = _post_nothing(stack, "prl_" + "x" * 43)
    right = _post_nothing(stack, stack.token)

    assert wrong.status_code == 401
    assert right.status_code in {400, 415, 422}
    assert stat.S_IMODE(folder.token_file.stat().st_mode) == 0o600


def test_strangers_may_read_the_public_bucket_and_no_other(stack: StackFile) -> None:
    def status(bucket: str) -> int:
        return httpx.get(f"{stack.s3.endpoint}/{bucket}/no-such-key", trust_env=False).status_code

    assert status(stack.s3.public_bucket) == 404
    assert status(stack.s3.content_bucket) == 403


def test_the_idle_stack_takes_less_than_960_mebibytes(stack: StackFile, folder: RunFolder) -> None:
    state = folder.state()
    assert state is not None

    used = {name: memory_bytes(pid) for name, pid in {**stack.pids, "supervisor": state.pid}.items()}

    assert sum(used.values()) < _MAX_BYTES, used


@pytest.mark.parametrize("name", _WORKERS)
def test_a_worker_that_forks_has_no_client_of_the_store_in_it_and_its_child_has(
    stack: StackFile, folder: RunFolder, name: str
) -> None:
    parent = _pids(folder)[name]

    until(lambda: any(_has_the_client(child) for child in _children(parent)))

    assert not _has_the_client(parent)


def test_a_bulk_process_has_a_lower_cpu_priority_than_news_and_its_children_too(
    stack: StackFile, folder: RunFolder
) -> None:
    pids = _pids(folder)

    def priorities(name: str) -> set[int]:
        return {os.getpriority(os.PRIO_PROCESS, pid) for pid in (pids[name], *_children(pids[name]))}

    def group_priority(
        name: str,
    ) -> int:  # where Linux schedules sessions as groups, a process's own counts inside only
        return int(Path(f"/proc/{pids[name]}/autogroup").read_text("ascii").split()[-1])

    for service in ("render", "publish"):
        assert max(priorities(service)) < min(priorities(f"{service}-bulk"))
        if Path("/proc/self/autogroup").exists():
            assert group_priority(service) < group_priority(f"{service}-bulk")


@pytest.mark.parametrize("name", ["render", "publish-bulk", "redis", "s3", "edge", "endpoint"])
def test_what_was_killed_comes_back_and_stack_json_says_so(stack: StackFile, folder: RunFolder, name: str) -> None:
    before = _pids(folder)

    os.kill(before[name], signal.SIGKILL)

    until(lambda: _pids(folder).get(name) not in {None, before[name]} and _all_ready(folder))
    assert {one: pid for one, pid in _pids(folder).items() if one != name} == {
        one: pid for one, pid in before.items() if one != name
    }


def test_a_second_supervisor_is_refused(stack: StackFile, settings: StackSettings) -> None:
    ended = run("run", settings)

    assert ended.returncode == 1
    assert "runs already" in ended.stderr


def test_status_shows_every_process(stack: StackFile, settings: StackSettings) -> None:
    ended = run("status", settings)

    assert ended.returncode == 0
    assert all(name in ended.stdout for name in PROCESSES)
    assert "of memory in total (shared memory counts once)" in ended.stdout


def _post_nothing(stack: StackFile, token: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    return httpx.post(f"{stack.api}/v1/articles", content=b"{", headers=headers, trust_env=False)


def run(command: str, settings: StackSettings) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "infra.local", command],
        env={**os.environ, **settings.as_environment(), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=_DEADLINE_SECONDS,
        check=False,
    )


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]


def _has_the_client(pid: int) -> bool:
    return "_obstore" in Path(f"/proc/{pid}/maps").read_text("utf-8")


def _pids(folder: RunFolder) -> dict[str, int]:
    pids: dict[str, int] = json.loads(folder.stack_file.read_text())["pids"]
    return pids


def _all_ready(folder: RunFolder) -> bool:
    state = folder.state()
    return state is not None and all(process.phase in {"ready", "done"} for process in state.processes)


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)
