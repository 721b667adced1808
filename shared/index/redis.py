"""The index in Redis. Each change is one script, so that two workers cannot interleave inside it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any, cast

from redis import Redis

from shared.card import Card
from shared.index import Snapshot
from shared.listings import Listing, readers_of
from shared.redis_client import translated
from shared.sites import Site

# A number outlives the Redis that gave it in a worker's hands, while Redis is emptied or goes back to an old file. Each
# is above all earlier ones, by the clock. Lua's doubles are exact up to 2^53, which is in the year 2255.
_RAISE = """
local function raise(changed, stale, listing)
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
  local old = tonumber(redis.call('HGET', changed, listing) or '0')
  redis.call('HSET', changed, listing, string.format('%.0f', math.max(old + 1, now)))
  redis.call('SADD', stale, listing)
end
"""

# KEYS: changed, stale.  ARGV: listing
_TOUCH = (
    _RAISE
    + """
raise(KEYS[1], KEYS[2], ARGV[1])
"""
)

# KEYS: entries, changed, stale.  ARGV: prefix of sets, article,
# entry {order, score, card, reads: {set: [[listing, limit]]}}
# A listing is touched when the card stood, or stands now, among the cards that it shows.
_PLACE = (
    _RAISE
    + """
local function touched_by(reads, seen)
  for set, listings in pairs(reads) do
    local rank = redis.call('ZREVRANK', ARGV[1] .. set, ARGV[2])
    if rank then
      for _, listing in ipairs(listings) do
        if rank < listing[2] then seen[listing[1]] = true end
      end
    end
  end
end
local new = cjson.decode(ARGV[3])
local old = redis.call('HGET', KEYS[1], ARGV[2])
local seen = {}
if old then
  old = cjson.decode(old)
  if old.order > new.order then return -1 end
  if old.card == new.card and old.score == new.score then
    if old.order < new.order then redis.call('HSET', KEYS[1], ARGV[2], ARGV[3]) end
    return 0
  end
  touched_by(old.reads, seen)
  for set, _ in pairs(old.reads) do redis.call('ZREM', ARGV[1] .. set, ARGV[2]) end
end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
for set, _ in pairs(new.reads) do redis.call('ZADD', ARGV[1] .. set, new.score, ARGV[2]) end
touched_by(new.reads, seen)
local count = 0
for listing, _ in pairs(seen) do
  raise(KEYS[2], KEYS[3], listing)
  count = count + 1
end
return count
"""
)

# KEYS: entries, changed, set, turn.  ARGV: listing, limit, interval (ms)
_READ = """
redis.call('SET', KEYS[4], '1', 'PX', ARGV[3])
local time = redis.call('TIME')
local entries = {}
if tonumber(ARGV[2]) > 0 then
  local articles = redis.call('ZREVRANGE', KEYS[3], 0, tonumber(ARGV[2]) - 1)
  if #articles > 0 then entries = redis.call('HMGET', KEYS[1], unpack(articles)) end
end
return {time[1], time[2], redis.call('HGET', KEYS[2], ARGV[1]) or '0', entries}
"""

# KEYS: changed, published, stale.  ARGV: listing, number
# A number that this index never gave says nothing of what the page shows: it has to be rendered anew.
_PUBLISHED = (
    _RAISE
    + """
local number = tonumber(ARGV[2])
local changed = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0')
local published = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '-1')
if number > changed then
  raise(KEYS[1], KEYS[3], ARGV[1])
  return 0
end
if number > published then redis.call('HSET', KEYS[2], ARGV[1], ARGV[2]) end
if number == changed then redis.call('SREM', KEYS[3], ARGV[1]) end
return published > number and 1 or 0
"""
)

# KEYS: whole, restoring.  ARGV: run_id, minute, token or empty
_WHOLE = """
local is_marked = redis.call('HGET', KEYS[1], 'run_id') == ARGV[1]
local is_restored = ARGV[3] ~= '' and redis.call('GET', KEYS[2]) == ARGV[3]
if not is_marked and not is_restored then return 0 end
redis.call('HSET', KEYS[1], 'run_id', ARGV[1], 'minute', ARGV[2])
return 1
"""
_LONGEST_TURN_SECONDS = 20  # a message for a listing that is not read by then counts as lost


class RedisIndex:
    """The index, one set of keys a site."""

    def __init__(self, client: Redis) -> None:
        self._redis = client
        self._touch = client.register_script(_TOUCH)
        self._place = client.register_script(_PLACE)
        self._read_cards = client.register_script(_READ)
        self._set_published = client.register_script(_PUBLISHED)
        self._set_whole = client.register_script(_WHOLE)

    @translated
    def enter(self, site: Site, card: Card, revision: str) -> bool:
        """Place an article's card, atomically; tell whether any listing changed."""
        entry = {
            "order": revision,
            "score": int(card.created_at.timestamp() * 1_000_000),
            "card": card.model_dump_json(exclude_defaults=True),
            "reads": readers_of(site, card),
        }
        return self._put(site, card.article, entry)

    @translated
    def leave(self, site: Site, article: str, revision: str) -> bool:
        """Take an article out and remember its revision; tell whether any listing changed."""
        return self._put(site, article, {"order": revision, "score": 0, "card": "", "reads": {}})

    def _put(self, site: Site, article: str, entry: dict[str, Any]) -> bool:
        keys = [_key(site, "entries"), _key(site, "changed"), _key(site, "stale")]
        arguments = [_key(site, "set:"), article, json.dumps(entry, separators=(",", ":"))]
        return cast("int", self._place(keys=keys, args=arguments)) > 0

    @translated
    def touch(self, site: Site, listing: str) -> None:
        """Raise a listing's `changed` number."""
        self._touch(keys=[_key(site, "changed"), _key(site, "stale")], args=[listing])

    @translated
    def read(self, site: Site, listing: Listing) -> Snapshot:
        """Return a listing's newest cards, its `changed` number and the order of this reading, atomically."""
        turn = _key(site, f"turn:{listing.name}")
        keys = [_key(site, "entries"), _key(site, "changed"), _key(site, f"set:{listing.reads}"), turn]
        seconds, microseconds, changed, entries = cast(
            "tuple[str, str, str, list[str | None]]",
            self._read_cards(keys=keys, args=[listing.name, listing.limit, _interval_ms(site)]),
        )
        cards = tuple(Card.model_validate_json(json.loads(entry)["card"]) for entry in entries if entry)
        return Snapshot(cards=cards, changed=int(changed), order=int(seconds) * 1_000_000 + int(microseconds))

    @translated
    def set_published(self, site: Site, listing: str, changed: int) -> bool:
        """Record that a listing's page shows the state numbered `changed`; tell whether a later one was published."""
        keys = [_key(site, "changed"), _key(site, "published"), _key(site, "stale")]
        return bool(self._set_published(keys=keys, args=[listing, changed]))

    @translated
    def stale(self, site: Site) -> list[str]:
        """Return the listings whose page is behind."""
        return sorted(cast("set[str]", self._redis.smembers(_key(site, "stale"))))

    @translated
    def behind(self, site: Site) -> dict[str, int]:
        """Return the listings whose page is behind, and the `changed` number that each has to reach."""
        stale = self.stale(site)
        numbers = cast("list[str | None]", self._redis.hmget(_key(site, "changed"), stale)) if stale else []
        return {listing: int(number or 0) for listing, number in zip(stale, numbers, strict=True)}

    @translated
    def published(self, site: Site) -> dict[str, int]:
        """Return the number that each listing's page shows."""
        found = cast("dict[str, str]", self._redis.hgetall(_key(site, "published")))
        return {listing: int(number) for listing, number in found.items()}

    @translated
    def take_turn(self, site: Site, listing: str) -> bool:
        """Tell whether the listing may be queued now."""
        longest_ms = max(_interval_ms(site), _LONGEST_TURN_SECONDS * 1000)
        return bool(self._redis.set(_key(site, f"turn:{listing}"), "1", nx=True, px=longest_ms))

    @translated
    def end_turn(self, site: Site, listing: str) -> None:
        """Let the listing be queued again."""
        self._redis.delete(_key(site, f"turn:{listing}"))

    @translated
    def revisions(self, site: Site, articles: list[str]) -> dict[str, str]:
        """Return the revision that the index has taken in, for those of the articles that it knows."""
        if not articles:
            return {}
        entries = cast("list[str | None]", self._redis.hmget(_key(site, "entries"), articles))
        return {article: json.loads(entry)["order"] for article, entry in zip(articles, entries, strict=True) if entry}

    @translated
    def whole_until(self, site: Site) -> datetime | None:
        """Return the journal minute up to which this very Redis is whole, or None where it is not."""
        mark = cast("dict[str, str]", self._redis.hgetall(_key(site, "whole")))
        return _minute(mark) if mark and mark.get("run_id") == self._run_id() else None

    @translated
    def last_whole_minute(self, site: Site) -> datetime | None:
        """Return the minute of the last mark, whichever Redis process set it."""
        mark = cast("dict[str, str]", self._redis.hgetall(_key(site, "whole")))
        return _minute(mark) if mark else None

    @translated
    def begin_restore(self, site: Site) -> str:
        """Note that the index is being made whole."""
        token = f"{self._run_id()} {token_hex(8)}"
        self._redis.set(_key(site, "restoring"), token)
        return token

    @translated
    def set_whole(self, site: Site, minute: datetime, restore: str | None = None) -> bool:
        """Mark the index as whole up to a journal minute, for this very Redis process."""
        run_id = restore.partition(" ")[0] if restore else self._run_id()
        keys = [_key(site, "whole"), _key(site, "restoring")]
        return bool(self._set_whole(keys=keys, args=[run_id, minute.astimezone(UTC).isoformat(), restore or ""]))

    def _run_id(self) -> str:
        return str(self._redis.info("server")["run_id"])


def _interval_ms(site: Site) -> int:
    return max(1, int(site.listing_interval_seconds * 1000))


def _key(site: Site, name: str) -> str:
    return f"index:{site.id}:{name}"


def _minute(mark: dict[str, str]) -> datetime:
    return datetime.fromisoformat(mark["minute"])
