"""The lengths of queues that the real emitter filled."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from redis import Redis

from shared.messaging.messages import ArticleRevision, ArticlesAccepted, ArticlesEnriched
from shared.model.lane import Lane
from shared.runtime.backlog.redis import RedisBacklog
from shared.runtime.celery_app import PresslineCelery, create_app
from shared.runtime.settings import ServiceSettings

Send = Callable[..., None]


def accepted(article: str, lane: Lane = Lane.BULK) -> ArticlesAccepted:
    revision = ArticleRevision(article=article, revision="r")
    return ArticlesAccepted(message_id=uuid4(), lane=lane, site="epn", articles=(revision,))


@pytest.fixture
def app(redis_url: str) -> PresslineCelery:
    return create_app("test", ServiceSettings(redis_url=redis_url))


@pytest.fixture
def send(app: PresslineCelery) -> Send:
    return lambda *messages: app.emit(messages)


def test_waiting_messages_are_counted_by_lane(redis: Redis, send: Send) -> None:
    send(accepted("a"), accepted("b"), accepted("c", Lane.URGENT))

    backlog = RedisBacklog(redis)

    assert backlog.waiting("enrich") == {Lane.URGENT: 1, Lane.LIVE: 0, Lane.LISTINGS: 0, Lane.BULK: 2}
    assert backlog.total() == 3


def test_unfinished_messages_of_a_lane_are_those_in_its_queues_and_all_unacknowledged_ones(
    redis: Redis, send: Send, app: PresslineCelery
) -> None:
    enriched = ArticlesEnriched(message_id=uuid4(), lane=Lane.BULK, site="epn", articles=accepted("b").articles)
    send(accepted("a"), accepted("b"), enriched, accepted("c", Lane.LIVE))
    backlog = RedisBacklog(redis)

    with app.connection_for_read() as connection:
        unacknowledged = connection.default_channel.basic_get("enrich.bulk")  # type: ignore[attr-defined]  # of any transport
        unfinished = {lane: backlog.unfinished(lane) for lane in Lane}
        unacknowledged.ack()

    assert unfinished == {Lane.URGENT: 1, Lane.LIVE: 2, Lane.LISTINGS: 1, Lane.BULK: 3}
    assert backlog.unfinished(Lane.BULK) == 2
