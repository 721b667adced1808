"""Whether the index in Redis is whole, and how far making it whole has come."""

from __future__ import annotations

from datetime import UTC, datetime
from secrets import token_hex
from typing import cast

from redis import Redis

from shared.index import Restore
from shared.runtime.redis_client import translated
from shared.site.sites import Site

_LEASE_MS = 5000  # one scheduler works at a restore; another goes on after this long without a word from it

# KEYS: restore, restorer, whole.  ARGV: owner, lease (ms), run_id, minute, new token
_BEGIN = """
local restorer = redis.call('GET', KEYS[2])
if restorer and restorer ~= ARGV[1] then return false end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
if redis.call('HGET', KEYS[1], 'run_id') ~= ARGV[3] or redis.call('HGET', KEYS[1], 'has_ended') then
  redis.call('DEL', KEYS[1])
  local since = redis.call('HGET', KEYS[3], 'minute') or ''
  redis.call('HSET', KEYS[1], 'run_id', ARGV[3], 'token', ARGV[5], 'minute', ARGV[4], 'since', since, 'done', 0)
end
return redis.call('HGETALL', KEYS[1])
"""

# KEYS: restore, restorer.  ARGV: token, cursor, done, lease (ms)
_MOVE = """
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'cursor', ARGV[2], 'done', ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return 1
"""

# KEYS: whole, restore.  ARGV: run_id, minute, token or empty
_WHOLE = """
local is_marked = redis.call('HGET', KEYS[1], 'run_id') == ARGV[1]
local is_restored = ARGV[3] ~= '' and redis.call('HGET', KEYS[2], 'token') == ARGV[3]
if not is_marked and not is_restored then return 0 end
redis.call('HSET', KEYS[1], 'run_id', ARGV[1], 'minute', ARGV[2])
if is_restored then redis.call('HSET', KEYS[2], 'has_ended', 1) end
return 1
"""


class RedisRestores:
    """The part of the index that knows how much of it is there."""

    def __init__(self, client: Redis) -> None:
        self._redis = client
        self._owner = token_hex(8)
        self._begin = client.register_script(_BEGIN)
        self._move = client.register_script(_MOVE)
        self._set_whole = client.register_script(_WHOLE)

    @translated
    def complete_until(self, site: Site) -> datetime | None:
        """Return the journal minute up to which this very Redis is whole, or None where it is not."""
        mark = cast("dict[str, str]", self._redis.hgetall(index_key(site, "whole")))
        return datetime.fromisoformat(mark["minute"]) if mark and mark.get("run_id") == self._run_id() else None

    @translated
    def begin_restore(self, site: Site, now: datetime) -> Restore | None:
        """Return the restore that is under way in this very Redis, or a new one."""
        run_id = self._run_id()
        keys = [index_key(site, name) for name in ("restore", "restorer", "whole")]
        minute = now.astimezone(UTC).isoformat()
        arguments: list[str | int] = [self._owner, _LEASE_MS, run_id, minute, f"{run_id} {token_hex(8)}"]
        flat = cast("list[str] | None", self._begin(keys=keys, args=arguments))
        return _restore(dict(zip(flat[::2], flat[1::2], strict=True))) if flat else None

    @translated
    def move_restore(self, site: Site, restore: Restore) -> bool:
        """Note how far a restore has come; tell whether it is still the one under way."""
        keys = [index_key(site, "restore"), index_key(site, "restorer")]
        return bool(self._move(keys=keys, args=[restore.token, restore.cursor, restore.done, _LEASE_MS]))

    @translated
    def find_restore(self, site: Site) -> Restore | None:
        """Return the restore that is under way, or the last one."""
        found = cast("dict[str, str]", self._redis.hgetall(index_key(site, "restore")))
        return _restore(found) if found else None

    @translated
    def mark_complete(self, site: Site, minute: datetime, restore: str | None = None) -> bool:
        """Mark the index as whole up to a journal minute, for this very Redis process."""
        run_id = restore.partition(" ")[0] if restore else self._run_id()
        keys = [index_key(site, "whole"), index_key(site, "restore")]
        return bool(self._set_whole(keys=keys, args=[run_id, minute.astimezone(UTC).isoformat(), restore or ""]))

    @translated
    def clear(self, site: Site) -> None:
        """Empty the index at one stroke: what came in while only half of it was gone would be missed for good."""
        names = list(self._redis.scan_iter(match=index_key(site, "*"), count=1000))
        with self._redis.pipeline() as pipe:
            pipe.unlink(index_key(site, "whole"), *names)
            pipe.execute()

    def _run_id(self) -> str:
        return str(self._redis.info("server")["run_id"])


def index_key(site: Site, name: str) -> str:
    """Return the key of a part of a site's index."""
    return f"index:{site.id}:{name}"


def _restore(found: dict[str, str]) -> Restore:
    since = found.get("since")
    return Restore(
        token=found["token"],
        minute=datetime.fromisoformat(found["minute"]),
        since=datetime.fromisoformat(since) if since else None,
        cursor=found.get("cursor", ""),
        done=int(found.get("done", 0)),
    )
