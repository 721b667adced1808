"""What waits, read from queues that the real emitter filled."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from redis import Redis

from shared.backlog.redis import RedisBacklog
from shared.celery_app import create_app, emit
from shared.messages import ArticleAccepted, ArticleEnriched, Lane
from shared.settings import ServiceSettings

Send = Callable[..., None]
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def an_article(article: str, begun_at: datetime | None, lane: Lane = Lane.BULK) -> ArticleAccepted:
    return ArticleAccepted(message_id=uuid4(), lane=lane, begun_at=begun_at, site="epn", article=article, revision="r")


@pytest.fixture
def send(redis_url: str) -> Send:
    app = create_app("test", ServiceSettings(redis_url=redis_url))
    return lambda *messages: emit(app, messages)


def test_what_waits_is_counted_by_lane(redis: Redis, send: Send) -> None:
    send(an_article("a", NOON), an_article("b", NOON), an_article("c", NOON, Lane.URGENT))

    backlog = RedisBacklog(redis)

    assert backlog.waiting("enrich") == {Lane.URGENT: 1, Lane.LIVE: 0, Lane.BULK: 2}
    assert backlog.total() == 3


def test_the_next_message_is_the_one_that_was_sent_first(redis: Redis, send: Send) -> None:
    send(an_article("first", NOON), an_article("second", NOON))

    next_up = RedisBacklog(redis).next_up("enrich", Lane.BULK)

    assert next_up is not None
    assert next_up["article"] == "first"
    assert RedisBacklog(redis).next_up("enrich", Lane.LIVE) is None


def test_a_lane_waits_since_its_oldest_chain_began_wherever_that_has_got_to(redis: Redis, send: Send) -> None:
    further = ArticleEnriched(
        message_id=uuid4(),
        lane=Lane.BULK,
        begun_at=NOON - timedelta(minutes=3),
        site="epn",
        article="b",
        revision="r",
        enricher="e1",
    )
    send(an_article("a", NOON), further, an_article("c", None, Lane.LIVE))

    backlog = RedisBacklog(redis)

    assert backlog.waits_since(Lane.BULK) == NOON - timedelta(minutes=3)
    assert backlog.waits_since(Lane.LIVE) is None
    assert backlog.waits_since(Lane.URGENT) is None
