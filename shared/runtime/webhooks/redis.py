"""The states of deliveries in Redis: one value for each receiver."""

from __future__ import annotations

import structlog
from pydantic import ValidationError
from redis import Redis

from shared.runtime.redis_client import translated
from shared.runtime.webhooks import DeliveryState

log = structlog.get_logger()


class RedisDeliveryStates:
    """States as JSON. If Redis loses one, the bucket has a position that is at most a minute older."""

    def __init__(self, client: Redis) -> None:
        self._redis = client

    @translated
    def find(self, receiver: str) -> DeliveryState | None:
        """Return the state, or None if Redis has none that can be read."""
        found = self._redis.get(_key(receiver))
        try:
            return DeliveryState.model_validate_json(str(found)) if found else None
        except ValidationError as error:
            log.warning("delivery_state.ignored", receiver=receiver, reason=str(error))
            return None

    @translated
    def save(self, receiver: str, state: DeliveryState) -> None:
        """Store the state."""
        self._redis.set(_key(receiver), state.model_dump_json())

    @translated
    def delete(self, receiver: str) -> None:
        """Delete the state."""
        self._redis.delete(_key(receiver))


def _key(receiver: str) -> str:
    return f"relay:{receiver}"
