"""The queues as kombu keeps them in Redis: a list each, filled at its left end and emptied at its right."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from redis import Redis

from shared.messages import Lane
from shared.pipeline import WORKERS
from shared.redis_client import translated


class RedisBacklog:
    """What waits, by the length and the right end of each list."""

    def __init__(self, client: Redis) -> None:
        self._redis = client

    @translated
    def waiting(self, service: str) -> dict[Lane, int]:
        """Return how many messages wait in each of a service's queues."""
        with self._redis.pipeline(transaction=False) as pipe:
            for lane in Lane:
                pipe.llen(f"{service}.{lane}")
            return dict(zip(Lane, cast("list[int]", pipe.execute()), strict=True))

    def total(self) -> int:
        """Return how many messages wait in all queues of all services."""
        return sum(sum(self.waiting(service).values()) for service in WORKERS)

    @translated
    def next_up(self, service: str, lane: Lane) -> Mapping[str, Any] | None:
        """Return the payload of the message that will be taken next."""
        return _payload(cast("str | None", self._redis.lindex(f"{service}.{lane}", -1)))

    @translated
    def waits_since(self, lane: Lane) -> datetime | None:
        """Return when the oldest chain of messages in a lane's queues began."""
        with self._redis.pipeline(transaction=False) as pipe:
            for service in WORKERS:
                pipe.lindex(f"{service}.{lane}", -1)
            waiting = [payload for found in pipe.execute() if (payload := _payload(found))]
        begun = [at for payload in waiting if (at := _begun_at(payload))]
        return min(begun, default=None)


def _payload(envelope: str | None) -> Mapping[str, Any] | None:
    """Return what we put into a message; kombu's envelope holds the task's arguments in base64. None for a stranger."""
    try:
        arguments, _, _ = json.loads(b64decode(json.loads(envelope or "")["body"]))
    except (ValueError, KeyError, TypeError):
        return None
    is_ours = isinstance(arguments, list) and arguments and isinstance(arguments[0], dict)
    return cast("Mapping[str, Any]", arguments[0]) if is_ours else None


def _begun_at(payload: Mapping[str, Any]) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(payload.get("begun_at")))
    except ValueError:
        return None
    return at if at.tzinfo else None
