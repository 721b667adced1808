"""An event with several consumers: each has its own task, its own queues and its own copy of the message."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any
from uuid import UUID

import pytest
from redis import Redis

from shared.messaging.handling import Handler, Result
from shared.messaging.messages import ArticleRevision, ArticlesEnriched, ArticlesPublished
from shared.messaging.pipeline import INDEX_ARTICLES, PIPELINE, Step, steps_for
from shared.model.lane import Lane
from shared.runtime.celery_app import create_app
from shared.runtime.celery_task import TaskApp
from shared.runtime.dead_letters import DeadLetters
from shared.runtime.errors import StorageUnavailableError
from shared.runtime.quarantine.redis import RedisQuarantine
from shared.runtime.receipts.redis import RedisReceipts
from shared.runtime.settings import ServiceSettings
from shared.storage.memory import MemoryObjectStorage

NOTIFY = Step("webhooks", ArticlesPublished, ())
WITH_WEBHOOKS = (*PIPELINE, NOTIFY)
MESSAGE = ArticlesPublished(
    message_id=UUID("6f1c1b5e-8c0e-4f0e-9a55-0d3a1b2c3d4e"),
    site="epn",
    lane=Lane.BULK,
    articles=(ArticleRevision(article="a", revision="1"), ArticleRevision(article="b", revision="1")),
)
PAYLOAD: dict[str, Any] = MESSAGE.model_dump(mode="json")


class Consumer:
    """A second service that consumes the event beside publish."""

    def __init__(self, redis: Redis, redis_url: str) -> None:
        self.redis, self.content = redis, MemoryObjectStorage()
        self.dead_letters = DeadLetters("webhooks", self.content, RedisReceipts(redis), RedisQuarantine(redis))
        settings = ServiceSettings(redis_url=redis_url)
        self.app = create_app("webhooks", settings, lambda: self.dead_letters, pipeline=WITH_WEBHOOKS)

    def run(self, handler: Handler) -> None:
        """Let the second consumer handle the event."""
        self.app.register({NOTIFY: handler}, lambda site: site)
        self.app.tasks[NOTIFY.task_name].apply(args=(PAYLOAD,), task_id=PAYLOAD["message_id"])

    def waiting(self, queue: str) -> list[tuple[str, dict[str, Any]]]:
        """Return (task, payload) of the messages in a queue, oldest first."""
        envelopes = [json.loads(each) for each in self.redis.lrange(queue, 0, -1)]
        return [(each["headers"]["task"], json.loads(b64decode(each["body"]))[0][0]) for each in reversed(envelopes)]


@pytest.fixture
def consumer(redis: Redis, redis_url: str) -> Consumer:
    return Consumer(redis, redis_url)


def test_an_event_has_the_steps_of_all_its_consumers() -> None:
    assert steps_for(ArticlesPublished) == (INDEX_ARTICLES,)
    assert steps_for(ArticlesPublished, WITH_WEBHOOKS) == (INDEX_ARTICLES, NOTIFY)


def test_each_consumer_gets_its_own_copy_in_its_own_queue_for_its_own_task(consumer: Consumer) -> None:
    consumer.app.emit([MESSAGE])

    assert consumer.waiting("publish.bulk") == [("publish.ArticlesPublished", PAYLOAD)]
    assert consumer.waiting("webhooks.bulk") == [("webhooks.ArticlesPublished", PAYLOAD)]


def test_an_item_that_one_consumer_retries_is_not_sent_to_the_other_again(consumer: Consumer) -> None:
    consumer.run(lambda *_: Result(failed={"b": StorageUnavailableError("down")}))

    ((task, again),) = consumer.waiting("webhooks.bulk")
    assert (task, [each["article"] for each in again["articles"]]) == ("webhooks.ArticlesPublished", ["b"])
    assert consumer.waiting("publish.bulk") == []


def test_the_items_that_one_consumer_did_not_begin_are_not_sent_to_the_other_again(consumer: Consumer) -> None:
    consumer.run(lambda *_: Result(rest=("b",)))

    ((task, again),) = consumer.waiting("webhooks.bulk")
    assert (task, [each["article"] for each in again["articles"]]) == ("webhooks.ArticlesPublished", ["b"])
    assert consumer.waiting("publish.bulk") == []


def test_a_batch_that_killed_one_consumer_is_split_only_there(consumer: Consumer) -> None:
    consumer.app.deliveries.begin("webhooks", f"{PAYLOAD['message_id']}.")

    consumer.run(lambda *_: Result())

    halves = [[each["article"] for each in payload["articles"]] for _, payload in consumer.waiting("webhooks.bulk")]
    assert halves == [["a"], ["b"]]
    assert consumer.waiting("publish.bulk") == []


def test_an_event_of_one_consumer_has_one_copy(consumer: Consumer) -> None:
    app: TaskApp = consumer.app
    app.emit([ArticlesEnriched(message_id=MESSAGE.message_id, site="epn", articles=MESSAGE.articles)])

    assert [*consumer.redis.scan_iter("*", _type="list")] == ["render.live"]
