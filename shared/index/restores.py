"""The completeness mark of the index, and the progress of its restore."""

from __future__ import annotations

from datetime import UTC, datetime
from secrets import token_hex
from typing import cast

from redis import Redis

from shared.index import Restore
from shared.runtime.redis_client import translated
from shared.site.sites import Site

_RESTORE_LEASE_MS = 5000  # one scheduler restores; another continues if it reports no progress for this time

# KEYS: restore, restorer, complete.  ARGV: owner, lease (ms), run_id, minute, new token
_BEGIN_RESTORE = """
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
_ADVANCE_RESTORE = """
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'cursor', ARGV[2], 'done', ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return 1
"""

# KEYS: complete, restore.  ARGV: run_id, minute, token or empty
_MARK_COMPLETE = """
local is_marked = redis.call('HGET', KEYS[1], 'run_id') == ARGV[1]
local is_restored = ARGV[3] ~= '' and redis.call('HGET', KEYS[2], 'token') == ARGV[3]
if not is_marked and not is_restored then return 0 end
redis.call('HSET', KEYS[1], 'run_id', ARGV[1], 'minute', ARGV[2])
if is_restored then redis.call('HSET', KEYS[2], 'has_ended', 1) end
return 1
"""


class RedisRestores:
    """The part of the index that holds its completeness mark and its restore."""

    def __init__(self, client: Redis) -> None:
        self._redis = client
        self._owner = token_hex(8)
        self._begin_restore = client.register_script(_BEGIN_RESTORE)
        self._advance_restore = client.register_script(_ADVANCE_RESTORE)
        self._mark_complete = client.register_script(_MARK_COMPLETE)

    @translated
    def complete_until(self, site: Site) -> datetime | None:
        """Return the journal minute up to which the index in this Redis process is complete, or None."""
        mark = cast("dict[str, str]", self._redis.hgetall(index_key(site, "complete")))
        return datetime.fromisoformat(mark["minute"]) if mark and mark.get("run_id") == self._run_id() else None

    @translated
    def begin_restore(self, site: Site, now: datetime) -> Restore | None:
        """Return the running restore of this Redis process, or a new one; None while another scheduler runs it."""
        run_id = self._run_id()
        keys = [index_key(site, name) for name in ("restore", "restorer", "complete")]
        minute = now.astimezone(UTC).isoformat()
        arguments: list[str | int] = [self._owner, _RESTORE_LEASE_MS, run_id, minute, f"{run_id} {token_hex(8)}"]
        flat = cast("list[str] | None", self._begin_restore(keys=keys, args=arguments))
        return _restore_from(dict(zip(flat[::2], flat[1::2], strict=True))) if flat else None

    @translated
    def advance_restore(self, site: Site, restore: Restore) -> bool:
        """Store the progress of a restore; return whether it is still the current one."""
        keys = [index_key(site, "restore"), index_key(site, "restorer")]
        return bool(
            self._advance_restore(keys=keys, args=[restore.token, restore.cursor, restore.done, _RESTORE_LEASE_MS])
        )

    @translated
    def find_restore(self, site: Site) -> Restore | None:
        """Return the running restore, or the last one."""
        found = cast("dict[str, str]", self._redis.hgetall(index_key(site, "restore")))
        return _restore_from(found) if found else None

    @translated
    def mark_complete(self, site: Site, minute: datetime, restore: str | None = None) -> bool:
        """Mark the index as complete up to a journal minute, for this Redis process."""
        run_id = restore.partition(" ")[0] if restore else self._run_id()
        keys = [index_key(site, "complete"), index_key(site, "restore")]
        return bool(self._mark_complete(keys=keys, args=[run_id, minute.astimezone(UTC).isoformat(), restore or ""]))

    @translated
    def clear(self, site: Site) -> None:
        """Empty the index in one transaction: an article indexed between two deletions would be missing for ever."""
        names = list(self._redis.scan_iter(match=index_key(site, "*"), count=1000))
        with self._redis.pipeline() as pipe:
            pipe.unlink(index_key(site, "complete"), *names)
            pipe.execute()

    def _run_id(self) -> str:
        return str(self._redis.info("server")["run_id"])


def index_key(site: Site, name: str) -> str:
    """Return the key of a part of a site's index."""
    return f"index:{site.id}:{name}"


def _restore_from(found: dict[str, str]) -> Restore:
    since = found.get("since")
    return Restore(
        token=found["token"],
        minute=datetime.fromisoformat(found["minute"]),
        since=datetime.fromisoformat(since) if since else None,
        cursor=found.get("cursor", ""),
        done=int(found.get("done", 0)),
    )
