"""Deliveries in Redis: a count each, and one number a service that grows while it works."""

from __future__ import annotations

from typing import cast

from redis import Redis

from shared.redis_client import translated

_REMEMBERED_SECONDS = 3600


class RedisDeliveries:
    """Counts that are forgotten an hour after the last begin; two calls a message."""

    def __init__(self, client: Redis) -> None:
        self._redis = client

    @translated
    def begin(self, service: str, delivery: str) -> int:
        """Note that a service begins a delivery; return how often it was begun and not ended, this time included."""
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.incr(_delivery(delivery))
            pipe.expire(_delivery(delivery), _REMEMBERED_SECONDS)
            pipe.incr(_begun(service))
            return int(pipe.execute()[0])

    @translated
    def end(self, delivery: str) -> None:
        """Forget a delivery."""
        self._redis.delete(_delivery(delivery))

    @translated
    def begun(self, service: str) -> int:
        """Return how many deliveries a service has begun since Redis knows."""
        return int(cast("str | None", self._redis.get(_begun(service))) or 0)


def _delivery(delivery: str) -> str:
    return f"deliveries:{delivery}"


def _begun(service: str) -> str:
    return f"begun:{service}"
