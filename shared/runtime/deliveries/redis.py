"""Deliveries in Redis: one count each, and one growing count for each service and set of lanes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from redis import Redis

from shared.model.lane import Lane
from shared.runtime.redis_client import translated

_EXPIRY_SECONDS = 3600


class RedisDeliveries:
    """Counts that expire an hour after the last begin; two calls for each message.

    `lanes` are the lanes of this process. Each set of lanes is a field of the service's hash.
    """

    def __init__(self, client: Redis, lanes: Iterable[Lane] = Lane) -> None:
        self._redis = client
        self._lanes = ",".join(lanes)

    @translated
    def begin(self, service: str, delivery: str) -> int:
        """Count the begin of a delivery; return how often it was begun and not ended, this time included."""
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.incr(_delivery(delivery))
            pipe.expire(_delivery(delivery), _EXPIRY_SECONDS)
            pipe.hincrby(_begun(service), self._lanes, 1)
            return int(pipe.execute()[0])

    @translated
    def end(self, delivery: str) -> None:
        """Delete the count of a delivery."""
        self._redis.delete(_delivery(delivery))

    @translated
    def begun(self, service: str) -> Mapping[Lane, int]:
        """Return the number of deliveries that the workers of each lane have begun since Redis was last empty."""
        counts = cast("dict[str, str]", self._redis.hgetall(_begun(service)))
        return {lane: sum(int(count) for lanes, count in counts.items() if lane in lanes.split(",")) for lane in Lane}


def _delivery(delivery: str) -> str:
    return f"deliveries:{delivery}"


def _begun(service: str) -> str:
    return f"begun:{service}"
