"""Workers serve their lanes, die, hang and get SIGTERM.

Another worker finishes their messages, and a message that kills them becomes a dead letter.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import httpx
import pytest
from redis import Redis

from infra.local.ports import free_ports
from infra.local.processes import Child
from infra.local.servers import start_valkey
from shared.messaging.messages import ListingsStale
from shared.runtime.celery_app import PRODUCTION_TIMERS, WorkerTimers, create_app
from shared.runtime.settings import ServiceSettings
from shared.storage.s3 import S3ObjectStorage

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("laboratory.py")


class Laboratory:
    """Workers, their queue, and their report on each message."""

    def __init__(self, folder: Path, redis_url: str, store: ServiceSettings) -> None:
        self.redis = Redis.from_url(redis_url, decode_responses=True)
        self.content = S3ObjectStorage(store, store.content_bucket)
        self.workers: list[Child] = []
        self._folder = folder
        self._app = create_app("laboratory", store.model_copy(update={"redis_url": redis_url}))
        secret = store.s3_secret_key.get_secret_value() if store.s3_secret_key else ""
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PRESSLINE_REDIS_URL": redis_url,
            "PRESSLINE_S3_ENDPOINT": str(store.s3_endpoint),
            "PRESSLINE_S3_ACCESS_KEY": str(store.s3_access_key),
            "PRESSLINE_S3_SECRET_KEY": secret,
            "PRESSLINE_CONTENT_BUCKET": store.content_bucket,
            "PRESSLINE_PUBLIC_BUCKET": store.public_bucket,  # a worker runs on two buckets that were tried
        }

    def start(self, *, concurrency: int = 1, lanes: str = "", timers: WorkerTimers | None = None) -> Child:
        """Return a worker that takes messages, of all lanes unless some are named; with production's timers or others.

        That production has none but its own is held by `tests/architecture/test_the_map.py`.
        """
        self.port = free_ports(1)[0]
        number = len(self.workers)
        environment = {
            **self._environment,
            "PRESSLINE_METRICS_PORT": str(self.port),
            "PRESSLINE_CONCURRENCY": str(concurrency),
            "PRESSLINE_LANES": lanes,
            "LABORATORY_TIMERS": json.dumps(asdict(timers or PRODUCTION_TIMERS)),
            "PROMETHEUS_MULTIPROC_DIR": str(self._folder / f"metrics-{number}"),
        }
        (self._folder / f"metrics-{number}").mkdir()
        log = self._folder / f"worker-{number}.log"
        worker = Child(f"worker-{number}", [sys.executable, str(PROGRAM)], log=log, environment=environment)
        self.workers.append(worker)
        wait_for(lambda: self.health() == 200, "the worker is ready")
        return worker

    def health(self, path: str = "/healthz") -> int:
        """Return what the newest worker says of itself."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}{path}", trust_env=False, timeout=5).status_code
        except httpx.HTTPError:
            return 0

    def send(self, do: str = "nothing", *, name: str | None = None, lane: str = "live", **options: Any) -> str:
        """Send a message; return its id."""
        name = name or str(uuid4())
        payload = {"message_id": name, "site": "epn", "path": do}
        self._app.send_task("render.RepairPath", [payload], task_id=name, queue=f"render.{lane}", **options)
        return name

    def send_batch(self, message: ListingsStale) -> None:
        """Send a batch of items."""
        self._app.emit([message])

    def dead_letters(self) -> list[dict[str, int]]:
        """Return the listings of each dead letter of a batch."""
        dead_letters = [
            json.loads(self.content.get(key).body) for key in self.content.list_keys("dead-letters/render/")
        ]
        return [letter["payload"]["listings"] for letter in dead_letters if "listings" in letter["payload"]]

    def runs(self, name: str) -> list[int]:
        """Return the processes that have begun a message, in order."""
        return [int(pid) for pid in cast("list[str]", self.redis.lrange(f"runs:{name}", 0, -1))]

    def is_done(self, name: str) -> bool:
        """Tell whether a message was worked through to its end."""
        return bool(self.redis.exists(f"done:{name}"))

    def release(self, name: str) -> None:
        """Let a message that holds its process go on."""
        self.redis.set(f"released:{name}", 1)

    def begun(self) -> list[str]:
        """Return the messages in the order in which they were begun."""
        return cast("list[str]", self.redis.lrange("begun", 0, -1))

    def waiting(self, lane: str = "live") -> int:
        """Return how many messages wait in the queue of a lane."""
        return int(self.redis.llen(f"render.{lane}"))

    def letter(self, name: str) -> dict[str, Any] | None:
        """Return a message's dead letter."""
        for key in self.content.list_keys("dead-letters/render/"):
            if name in key:
                return cast("dict[str, Any]", json.loads(self.content.get(key).body))
        return None


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 30) -> float:
    """Poll until something is so; return after how many seconds it was."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            pytest.fail(f"after {seconds:g} s still not: {what}")
        time.sleep(0.02)
    return time.monotonic() - began


def connected_anew(worker: Child) -> int:
    """Return how often a worker had to connect to its broker once more."""
    return sum("Connection to broker lost" in line for line in worker.last_lines(1000))


@pytest.fixture
def lab(tmp_path: Path, redis: Redis, redis_url: str, store_settings: ServiceSettings) -> Iterator[Laboratory]:
    built = Laboratory(tmp_path, redis_url, store_settings)
    yield built
    for worker in built.workers:
        worker.kill()
    built.redis.close()


def test_a_worker_empties_its_lanes_in_order(lab: Laboratory) -> None:
    messages = {lane: lab.send(lane=lane) for lane in ("bulk", "listings", "live", "urgent")}

    lab.start()

    wait_for(lambda: len(lab.begun()) == 4, "all are begun")
    assert lab.begun() == [messages[lane] for lane in ("urgent", "live", "listings", "bulk")]


def test_a_worker_takes_messages_of_the_lanes_that_it_serves_and_leaves_the_others(lab: Laboratory) -> None:
    news = [lab.send(lane=lane) for lane in ("urgent", "live", "listings")]
    bulk = [lab.send(lane="bulk") for _ in range(2)]

    first = lab.start(lanes="bulk")
    wait_for(lambda: all(lab.is_done(each) for each in bulk), "bulk is done")
    assert [lab.waiting(lane) for lane in ("urgent", "live", "listings", "bulk")] == [1, 1, 1, 0]

    first.kill()
    bulk = [lab.send(lane="bulk") for _ in range(2)]
    lab.start(lanes="urgent,live,listings")
    wait_for(lambda: all(lab.is_done(each) for each in news), "news is done")
    assert [lab.waiting(lane) for lane in ("urgent", "live", "listings", "bulk")] == [0, 0, 0, 2]


def test_a_killed_workers_message_is_done_by_another_within_5_seconds_of_its_visibility_timeout(
    lab: Laboratory,
) -> None:
    timers = WorkerTimers(visibility_timeout=5)
    first = lab.start(timers=timers)
    message = lab.send("hold")
    wait_for(lambda: len(lab.runs(message)) == 1, "it is begun")
    first.kill()
    lab.start(timers=timers)
    lab.release(message)

    assert wait_for(lambda: lab.is_done(message), "it is done") < timers.visibility_timeout + 5
    assert len(lab.runs(message)) == 2


def test_a_killed_childs_message_is_given_to_the_next_child_at_once(lab: Laboratory) -> None:
    worker = lab.start()
    message = lab.send("hold")
    wait_for(lambda: len(lab.runs(message)) == 1, "it is begun")

    os.kill(lab.runs(message)[0], signal.SIGKILL)
    lab.release(message)

    assert wait_for(lambda: lab.is_done(message), "it is done") < 20  # not by the visibility timeout
    assert len(set(lab.runs(message))) == 2
    assert not connected_anew(worker)


def test_a_worker_that_gets_sigterm_finishes_its_task_and_returns_the_others(lab: Laboratory) -> None:
    worker = lab.start()
    held, others = lab.send("hold"), [lab.send() for _ in range(3)]
    wait_for(lambda: len(lab.runs(held)) == 1, "it is begun")

    worker.terminate()
    lab.release(held)
    wait_for(lambda: worker.exit_code is not None, "it has ended")

    assert worker.exit_code == 0
    assert lab.is_done(held)
    assert (lab.waiting(), lab.redis.hlen("unacked")) == (3, 0)
    lab.start()
    wait_for(lambda: all(lab.is_done(other) for other in others), "the others are done", seconds=5)


def test_a_worker_that_must_end_soon_hands_back_what_it_cannot_finish(lab: Laboratory) -> None:
    worker = lab.start(timers=WorkerTimers(soft_shutdown=2))
    message = lab.send("hold")
    wait_for(lambda: len(lab.runs(message)) == 1, "it is begun")

    os.kill(worker.pid, signal.SIGQUIT)
    assert 1.5 < wait_for(lambda: worker.exit_code is not None, "it has ended") < 10

    assert (lab.waiting(), lab.redis.hlen("unacked")) == (1, 0)
    lab.release(message)
    lab.start()
    wait_for(lambda: lab.is_done(message), "it is done", seconds=5)


@pytest.mark.parametrize("is_busy", [False, True])
def test_a_worker_goes_on_when_redis_was_killed_and_comes_back(
    tmp_path: Path, store_settings: ServiceSettings, *, is_busy: bool
) -> None:
    (port,) = free_ports(1)
    server = start_valkey(tmp_path, port)
    lab = Laboratory(tmp_path, server.url, store_settings)
    try:
        worker = lab.start(concurrency=2)
        before = [lab.send() for _ in range(4)]
        wait_for(lambda: all(lab.is_done(each) for each in before), "those before are done")
        wait_for(lambda: lab.redis.hlen("unacked") == 0, "Redis has heard so")
        assert not connected_anew(worker)
        held = [lab.send("outlive redis") for _ in range(2 * is_busy)]  # they end while there is nobody to hear of it
        wait_for(lambda: all(len(lab.runs(each)) == 1 for each in held), "they are begun")
        server.child.kill()
        wait_for(lambda: connected_anew(worker) > 0, "it has noticed")
        server = start_valkey(tmp_path, port)
        after = lab.send()

        wait_for(lambda: lab.is_done(after), "it is done", seconds=20)
        assert worker.is_running
    finally:
        for each in lab.workers:
            each.kill()
        server.stop()


@pytest.mark.parametrize(("do", "options"), [("die", {}), ("hang", {"time_limit": 1})])
def test_a_message_that_kills_its_process_is_kept_at_its_fourth_delivery_while_others_flow(
    lab: Laboratory, do: str, options: dict[str, Any]
) -> None:
    lab.start()
    poison = lab.send(do, **options)
    others = [lab.send() for _ in range(20)]

    wait_for(lambda: all(lab.is_done(other) for other in others), "the others are done")
    wait_for(lambda: lab.letter(poison) is not None, "it is kept")

    letter = lab.letter(poison)
    assert letter is not None
    assert (letter["error"], letter["attempts"], letter["payload"]["path"]) == ("WorkerKilledError", 3, do)
    assert len(lab.runs(poison)) == 3
    wait_for(lambda: (lab.waiting(), lab.redis.hlen("unacked")) == (0, 0), "nothing of it is left")


def test_of_a_batch_that_kills_its_process_only_the_deadly_item_is_kept(lab: Laboratory) -> None:
    lab.start()
    listings = dict.fromkeys(["a", "b", "c", "deadly", "e"], 1)

    lab.send_batch(ListingsStale(message_id=uuid4(), site="epn", listings=listings))

    wait_for(lambda: lab.redis.smembers("done items") == {"a", "b", "c", "e"}, "the others are done")
    wait_for(lambda: lab.dead_letters() == [{"deadly": 1}], "the deadly one is kept")
    wait_for(lambda: (lab.waiting(), lab.redis.hlen("unacked")) == (0, 0), "nothing of it is left")


def test_copies_of_a_message_that_are_run_side_by_side_are_no_deaths(lab: Laboratory) -> None:
    lab.start(concurrency=5)
    message = lab.send("hold")
    for _ in range(4):
        lab.send("hold", name=message)

    wait_for(lambda: len(lab.runs(message)) == 5, "all are begun")
    lab.release(message)

    wait_for(lambda: lab.redis.hlen("unacked") == 0, "all are done")
    assert lab.letter(message) is None


def test_a_worker_whose_consumer_hangs_says_so_and_ends_itself_and_its_messages_are_done(lab: Laboratory) -> None:
    worker = lab.start(timers=WorkerTimers(unwell_after=4, end_after=10, stall_check_interval=0.2))
    lab.send("hang the consumer")
    wait_for(lambda: lab.waiting() == 0, "it is taken")
    message = lab.send()
    assert (lab.health(), lab.health("/readyz")) == (200, 200)

    wait_for(lambda: lab.health() == 503, "it says that it is unwell")
    assert lab.health("/readyz") == 503
    assert worker.is_running
    wait_for(lambda: worker.exit_code is not None, "it has ended", seconds=30)

    assert worker.exit_code == os.EX_SOFTWARE
    assert lab.waiting() == 1
    assert not lab.is_done(message)
