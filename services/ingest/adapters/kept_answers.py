"""Answers to requests with an `Idempotency-Key`, in Redis for 24 hours."""

from __future__ import annotations

from typing import cast

import structlog
from pydantic import ValidationError
from redis import Redis
from redis.exceptions import RedisError

from services.ingest.ports import KeptAnswer
from shared.runtime.redis_client import redis_condition

_KEPT_SECONDS = 86_400

log = structlog.get_logger()


class RedisKeptAnswers:
    """Kept answers by token and key. Without Redis a request is handled as one without a key."""

    def __init__(self, client: Redis) -> None:
        self._redis = client

    def claim(self, key: str, fingerprint: str, seconds: int) -> KeptAnswer | None:
        """Claim a key for a request, for so long; return the present entry if the key is taken, otherwise None."""
        entry = KeptAnswer(fingerprint=fingerprint).model_dump_json()
        try:
            found = cast("str | None", self._redis.set(_key(key), entry, ex=seconds, nx=True, get=True))
            return KeptAnswer.model_validate_json(found) if found else None
        except RedisError as error:
            log.warning("idempotency_key.unclaimed", reason=redis_condition(error))
        except ValidationError:
            log.warning("idempotency_key.unreadable")
        return None

    def keep(self, key: str, answer: KeptAnswer) -> None:
        """Keep the answer to the request that has the key."""
        try:
            self._redis.set(_key(key), answer.model_dump_json(), ex=_KEPT_SECONDS)
        except RedisError as error:
            log.warning("idempotency_key.answer_lost", reason=redis_condition(error))

    def release(self, key: str) -> None:
        """Free the key: its request was refused or failed, so the same key may come again with another body."""
        try:
            self._redis.delete(_key(key))
        except RedisError as error:
            log.warning("idempotency_key.kept", reason=redis_condition(error))


def _key(key: str) -> str:
    return f"idempotency:{key}"
