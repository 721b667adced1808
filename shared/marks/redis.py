"""Marks in Redis, by its own clock."""

from __future__ import annotations

from typing import cast

from redis import Redis

from shared.redis_client import translated

_REMEMBERED_SECONDS = 3600
_LONGEST_WAIT_SECONDS = 600

# KEYS: mark.  ARGV: first wait, longest wait, remembered (seconds).  The mark: "{attempt} {wait until, ms}"
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local attempt = 0
local mark = redis.call('GET', KEYS[1])
if mark then
  local space = string.find(mark, ' ')
  if tonumber(string.sub(mark, space + 1)) > now then return 0 end
  attempt = tonumber(string.sub(mark, 1, space - 1)) + 1
end
local wait = math.min(tonumber(ARGV[1]) * 2 ^ attempt, tonumber(ARGV[2])) * 1000
redis.call('SET', KEYS[1], string.format('%d %d', attempt, now + wait), 'EX', ARGV[3])
return 1
"""

# KEYS: decision.  ARGV: order, sha256, remembered
_DECIDE = """
local known = redis.call('GET', KEYS[1])
if known and string.sub(known, 1, string.find(known, ' ') - 1) > ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2], 'EX', ARGV[3])
return 1
"""


class RedisMarks:
    """Marks with an end: each is forgotten after an hour."""

    def __init__(self, client: Redis, *, first_wait_seconds: float = 10.0) -> None:
        self._redis = client
        self._first_wait_seconds = first_wait_seconds
        self._take = client.register_script(_TAKE)
        self._decide = client.register_script(_DECIDE)

    @translated
    def set_pending(self, site: str, article: str) -> None:
        """Note that an event of the article is on its way."""
        key = _pending(site, article)
        self._redis.delete(key)
        self._take(keys=[key], args=self._waits())

    @translated
    def take_pending(self, site: str, article: str) -> bool:
        """Tell whether the sweep may emit for the article again now."""
        return bool(self._take(keys=[_pending(site, article)], args=self._waits()))

    def _waits(self) -> list[float]:
        return [self._first_wait_seconds, _LONGEST_WAIT_SECONDS, _REMEMBERED_SECONDS]

    @translated
    def decide(self, site: str, path: str, order: str, sha256: str) -> None:
        """Note that a publisher decided to show these bytes at this path."""
        self._decide(keys=[_decision(site, path)], args=[order, sha256, _REMEMBERED_SECONDS])

    @translated
    def decided(self, site: str, path: str) -> tuple[str, str] | None:
        """Return (order, SHA-256) of the highest decision for a path."""
        known = cast("str | None", self._redis.get(_decision(site, path)))
        if known is None:
            return None
        order, sha256 = known.split(" ")
        return order, sha256


def _pending(site: str, article: str) -> str:
    return f"pending:{site}:{article}"


def _decision(site: str, path: str) -> str:
    return f"decided:{site}:{path}"
