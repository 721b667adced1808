"""Rates of tokens in Redis, by the generic cell rate algorithm (GCRA): one number for each token.

Why no library: the script below answers the decision, the rest of the quota and the waiting time in one command. The
library `limits` (MIT) has no GCRA. Its fixed window admits twice the quota around a border. Its moving window stores
every request of the window, and the figures for the headers need a second command.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import structlog
from redis import Redis
from redis.exceptions import RedisError

from services.ingest.ports import Allowance
from shared.runtime.redis_client import redis_condition

_WINDOW_SECONDS = 60
_WINDOW_US = _WINDOW_SECONDS * 1_000_000
_PAUSE_SECONDS = 5.0  # without calls, after Redis failed

# KEYS: the token.  ARGV: microseconds per request, microseconds of the window.
# The stored number is the time at which the whole quota is free again. Each request moves it by its share of the
# window. A request that would move it by more than a window from now is refused and moves nothing.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local share, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local free_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now) + share
local excess = free_at - now - window
if excess > 0 then return {0, 0, math.ceil(excess)} end
redis.call('SET', KEYS[1], string.format('%.0f', free_at), 'PX', math.ceil((free_at - now) / 1000))
return {1, math.floor(-excess / share), math.ceil(free_at - now)}
"""

log = structlog.get_logger()


class RedisRateLimits:
    """The rates of all tokens. All endpoints share them, by the clock of Redis."""

    def __init__(self, client: Redis, clock: Callable[[], float]) -> None:
        self._take = client.register_script(_TAKE)
        self._clock = clock
        self._paused_until = float("-inf")

    def take(self, token_sha256: str, requests_per_minute: int) -> Allowance | None:
        """Count one request and return its allowance; None if Redis is down, so that the request is not limited."""
        if self._clock() < self._paused_until:
            return None
        share_us = _WINDOW_US / requests_per_minute
        try:
            answer = self._take(keys=[f"rate:{token_sha256}"], args=[repr(share_us), _WINDOW_US])
        except RedisError as error:
            self._paused_until = self._clock() + _PAUSE_SECONDS
            log.warning("rate_limit.suspended", reason=redis_condition(error))
            return None
        is_allowed, left, wait_us = cast("list[int]", answer)
        return Allowance(
            is_allowed=bool(is_allowed),
            quota=requests_per_minute,
            window_seconds=_WINDOW_SECONDS,
            left=left,
            seconds=-(-wait_us // 1_000_000),
        )
