"""Waits in Redis: a key for each item, which expires with its wait."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from redis import Redis

from shared.runtime.redis_client import translated

_MIN_WAIT = timedelta(milliseconds=1)  # of Redis's clock


class RedisBackoff:
    """Waits by `SET NX` with an expiry: only one of several schedulers begins a wait."""

    def __init__(self, client: Redis) -> None:
        self._redis = client

    @translated
    def waiting(self, site: str, items: Iterable[str]) -> set[str]:
        """Return the items whose wait has not ended."""
        named = list(items)
        found = self._redis.mget([_key(site, item) for item in named]) if named else []
        return {item for item, value in zip(named, found, strict=True) if value is not None}

    @translated
    def begin(self, site: str, waits: Mapping[str, timedelta]) -> set[str]:
        """Begin the wait of each item that has none; return those items."""
        with self._redis.pipeline(transaction=False) as pipe:
            for item, wait in waits.items():
                pipe.set(_key(site, item), "", nx=True, px=max(wait, _MIN_WAIT))
            return {item for item, has_begun in zip(waits, pipe.execute(), strict=True) if has_begun}


def _key(site: str, item: str) -> str:
    return f"backoff:{site}:{item}"
