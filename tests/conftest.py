"""Real servers for all tests that need them: one valkey and one SeaweedFS for each pytest process.

pytest-xdist runs the tests in several processes. Each has servers of its own, and looks for free ports in a part of
the range that no other process uses.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import hypothesis
import pytest
import stamina
import structlog
from pydantic import SecretStr
from redis import Redis

from infra.local import ports
from infra.local.ports import free_ports
from infra.local.servers import SeaweedPorts, prepare_buckets, start_seaweed, start_valkey
from shared.runtime.settings import ServiceSettings

ROOT = Path(__file__).resolve().parent.parent
PUBLIC_BUCKET = "test-public"
CONTENT_BUCKET = "test-content"

_numbers = count()

# An example takes as long as the machine is busy: no promise depends on that.
hypothesis.settings.register_profile(
    "pressline", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("pressline")

# The default shows each local variable of a traceback, which takes seconds where a body of many lines is among them.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)


def pytest_configure() -> None:
    """Let processes that run side by side share no port: another may take one between our look and our `listen`."""
    name = os.environ.get("PYTEST_XDIST_WORKER")
    if name:
        ports.PORTS = ports.PORTS[int(name.removeprefix("gw")) :: int(os.environ["PYTEST_XDIST_WORKER_COUNT"])]


@pytest.hookimpl(optionalhook=True)  # pytest knows it only where xdist is loaded
def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are cores, as some tests wait; no more than six, as each has its own servers."""
    return min(len(os.sched_getaffinity(0)) + 1, 6)


@pytest.fixture(scope="session")
def servers_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("servers")


@pytest.fixture(scope="session")
def redis_url(servers_folder: Path) -> Iterator[str]:
    server = start_valkey(servers_folder, free_ports(1)[0])
    yield server.url
    server.stop()


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    client = Redis.from_url(redis_url, decode_responses=True)
    client.flushall()
    yield client
    client.close()


@pytest.fixture(scope="session")
def store_settings(servers_folder: Path) -> Iterator[ServiceSettings]:
    server = start_seaweed(servers_folder, SeaweedPorts.free(), "key", "secret", PUBLIC_BUCKET)
    prepare_buckets(server.url, "key", "secret", [CONTENT_BUCKET, PUBLIC_BUCKET])
    yield ServiceSettings(
        s3_endpoint=server.url,
        s3_access_key="key",
        s3_secret_key=SecretStr("secret"),
        content_bucket=CONTENT_BUCKET,
        public_bucket=PUBLIC_BUCKET,
    )
    server.stop()


@pytest.fixture
def prefix() -> str:
    """Return a key prefix that no other test uses."""
    return f"test-{next(_numbers)}/"


@pytest.fixture
def no_backoff() -> Iterator[None]:
    """Let each retry begin at once; there are as many as ever."""
    with stamina.set_testing(True, attempts=100, cap=True):
        yield
