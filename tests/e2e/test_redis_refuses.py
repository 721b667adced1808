"""A real worker while Redis refuses writes: it waits, loses no message and goes on by itself."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from shared.runtime.settings import ServiceSettings
from tests.e2e.test_worker_deaths import Laboratory, wait_for
from tests.refusing_redis import RefusingRedis

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

MOST_LOG_LINES = 12  # of one outage
LOOKED_AT_SECONDS = 0.8


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RefusingRedis]:
    built = RefusingRedis(tmp_path_factory.mktemp("refusing"))
    yield built
    built.stop()


@pytest.fixture(scope="module")
def lab(
    tmp_path_factory: pytest.TempPathFactory, server: RefusingRedis, store_settings: ServiceSettings
) -> Iterator[Laboratory]:
    built = Laboratory(tmp_path_factory.mktemp("lab"), server.url, store_settings)
    with server.refuses("OOM"):
        built.start()  # a worker starts while Redis is full
    yield built
    for worker in built.workers:
        worker.kill()
    built.redis.close()


@pytest.mark.parametrize("condition", ["OOM", "READONLY", "NOAUTH", "LOADING"])
def test_a_worker_waits_while_redis_refuses_and_then_does_every_message(
    lab: Laboratory, server: RefusingRedis, condition: str
) -> None:
    (worker,) = lab.workers
    before = lab.send()
    wait_for(lambda: lab.is_done(before), "the worker works")
    lines_before = len(worker.last_lines(10_000))
    # Redis hands the first message to the worker's open read; the worker sees it only in the outage.
    os.kill(worker.pid, signal.SIGSTOP)
    messages = [lab.send() for _ in range(3)]
    with server.refuses(condition):
        os.kill(worker.pid, signal.SIGCONT)
        wait_for(lambda: _noticed(worker.last_lines(10_000)[lines_before:]), "the worker has noticed the outage")
        answer = httpx.get(f"http://127.0.0.1:{lab.port}/readyz", trust_env=False, timeout=5)
        waited = _seconds_until_busy(worker.pid)

    assert condition in answer.text
    assert answer.status_code == 503
    assert waited >= LOOKED_AT_SECONDS, "the worker spins"
    wait_for(lambda: all(lab.is_done(each) for each in messages), "every message is done", seconds=20)
    wait_for(lambda: not lab.redis.exists("unacked"), "every message is acknowledged")
    assert worker.is_running
    assert len(worker.last_lines(10_000)) - lines_before <= MOST_LOG_LINES
    assert [lab.letter(each) for each in messages] == [None] * 3


def _noticed(lines: list[str]) -> bool:
    return any("consumer.paused" in line or "Connection to broker lost" in line for line in lines)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _seconds_until_busy(pid: int) -> float:
    """Return how long a process took to use a third of the processor's time, `LOOKED_AT_SECONDS` if it did not."""
    began, before = time.monotonic(), _cpu_seconds(pid)
    while (looked_at := time.monotonic() - began) < LOOKED_AT_SECONDS:
        if _cpu_seconds(pid) - before > LOOKED_AT_SECONDS / 3:
            break
        time.sleep(0.05)
    return looked_at
