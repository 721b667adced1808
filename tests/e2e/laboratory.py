"""A worker of the tests' own: the real worker loop and the real kind of task, which does as its message says."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import suppress
from threading import Event
from typing import Any

from celery import signals
from redis.exceptions import RedisError

from shared.messaging.handling import Result
from shared.messaging.messages import ListingsStale, RepairPath
from shared.messaging.pipeline import RENDER_LISTINGS, Step
from shared.runtime.celery_app import WorkerTimers, create_app, run_worker
from shared.runtime.dead_letters import DeadLetters
from shared.runtime.quarantine.redis import RedisQuarantine
from shared.runtime.receipts.redis import RedisReceipts
from shared.runtime.redis_client import redis_client
from shared.runtime.settings import ServiceSettings
from shared.storage.s3 import S3ObjectStorage

SERVICE = "render"

settings = ServiceSettings()


def dead_letters() -> DeadLetters:
    """Return where the dead letters go."""
    redis = redis_client(settings)
    storage = S3ObjectStorage(settings, settings.content_bucket)
    return DeadLetters(SERVICE, storage, RedisReceipts(redis), RedisQuarantine(redis))


app = create_app(
    SERVICE, settings, dead_letters, timers=WorkerTimers(**json.loads(os.environ.get("LABORATORY_TIMERS", "{}")))
)


def experiment(message: RepairPath, _: object) -> Result:
    """Tell who runs the message, do what its path says, tell that it is done."""
    redis, name = redis_client(settings), str(message.message_id)
    redis.rpush(f"runs:{name}", os.getpid())
    redis.rpush("begun", name)
    match message.path:
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "hang":
            Event().wait()
        case "hold":
            while not redis.exists(f"released:{name}"):
                time.sleep(0.02)
        case "outlive redis":
            with suppress(RedisError):
                while redis.ping():
                    time.sleep(0.02)
            return Result()
    redis.set(f"done:{name}", 1)
    return Result()


def experiment_on_items(message: ListingsStale, _: object) -> Result:
    """Tell which items are run; the one called `deadly` kills the process."""
    redis = redis_client(settings)
    redis.rpush("items", ",".join(sorted(message.items)))
    if "deadly" in message.items:
        os.kill(os.getpid(), signal.SIGKILL)
    redis.sadd("done items", *message.items)
    return Result()


app.register({Step(SERVICE, RepairPath, ()): experiment, RENDER_LISTINGS: experiment_on_items}, lambda site: site)


@signals.task_received.connect(weak=False)
def hang_the_consumer(request: Any, **_: object) -> None:
    """Stop the thread that takes messages, for good, as a lost answer of the broker does."""
    if request.args[0].get("path") == "hang the consumer":
        Event().wait()


if __name__ == "__main__":
    run_worker(app, SERVICE, settings)
