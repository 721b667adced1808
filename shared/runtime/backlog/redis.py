"""The queues as kombu stores them in Redis: one list each, and one hash of all unacknowledged messages."""

from __future__ import annotations

from typing import cast

from redis import Redis

from shared.messaging.pipeline import WORKERS
from shared.model.lane import Lane
from shared.runtime.redis_client import translated

_UNACKNOWLEDGED = "unacked"  # kombu's default `unacked_key`


class RedisBacklog:
    """Messages, counted as the lengths of the lists."""

    def __init__(self, client: Redis) -> None:
        self._redis = client

    @translated
    def waiting(self, service: str) -> dict[Lane, int]:
        """Return the number of messages in each of a service's queues."""
        with self._redis.pipeline(transaction=False) as pipe:
            for lane in Lane:
                pipe.llen(f"{service}.{lane}")
            return dict(zip(Lane, cast("list[int]", pipe.execute()), strict=True))

    def total(self) -> int:
        """Return the number of messages in all queues of all services."""
        return sum(sum(self.waiting(service).values()) for service in WORKERS)

    @translated
    def unfinished(self, lane: Lane) -> int:
        """Return the number of queued messages of a lane, plus all unacknowledged messages (of any lane)."""
        with self._redis.pipeline(transaction=False) as pipe:
            for service in WORKERS:
                pipe.llen(f"{service}.{lane}")
            pipe.hlen(_UNACKNOWLEDGED)
            return sum(cast("list[int]", pipe.execute()))
