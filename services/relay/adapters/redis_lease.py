"""Leases in Redis: a key with the owner's name, which expires."""

from __future__ import annotations

from secrets import token_hex

from redis import Redis

from shared.runtime.redis_client import translated

LEASE_MS = 60_000
_KEY = "relay:lease:"

# KEYS: lease.  ARGV: owner, lease (ms)
_ACQUIRE = """
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class RedisLease:
    """The leases of this process."""

    def __init__(self, client: Redis) -> None:
        self._owner = token_hex(8)
        self._acquire = client.register_script(_ACQUIRE)
        self._release = client.register_script(_RELEASE)

    @translated
    def acquire(self, job: str) -> bool:
        """Acquire or prolong the lease of a job; return False while another process has it."""
        return bool(self._acquire(keys=[_KEY + job], args=[self._owner, LEASE_MS]))

    @translated
    def release(self, job: str) -> None:
        """Release the lease if this process has it."""
        self._release(keys=[_KEY + job], args=[self._owner])
