"""The index in Redis. Each change is one script, so that two workers cannot interleave inside it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, cast

from redis import Redis

from shared.card import Card
from shared.index import Snapshot
from shared.index.restores import RedisRestores, index_key
from shared.listings import Listing, readers_of
from shared.live import LiveRecord
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

# KEYS: changed, published, stale, turn.  ARGV: listing, number, interval (ms)
# A number that this index never gave says nothing of what the page shows: it has to be rendered anew.
_PUBLISHED = (
    _RAISE
    + """
redis.call('PEXPIRE', KEYS[4], ARGV[3])
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

_LONGEST_TURN_SECONDS = 20  # a message for a listing that is not read, or a page not put, by then counts as lost


class RedisIndex(RedisRestores):
    """The index, one set of keys a site."""

    def __init__(self, client: Redis) -> None:
        super().__init__(client)
        self._touch = client.register_script(_TOUCH)
        self._place = client.register_script(_PLACE)
        self._read_cards = client.register_script(_READ)
        self._set_published = client.register_script(_PUBLISHED)

    @translated
    def enter(self, site: Site, card: Card, revision: str) -> bool:
        """Place an article's card, atomically; tell whether any listing changed."""
        return self._put(site, card.article, _entry(site, card, revision))

    @translated
    def leave(self, site: Site, article: str, revision: str) -> bool:
        """Take an article out and remember its revision; tell whether any listing changed."""
        return self._put(site, article, _no_entry(revision))

    @translated
    def take_in(self, site: Site, records: Iterable[LiveRecord]) -> None:
        """Place what the records say, or take it out, in one exchange with Redis."""
        with self._redis.pipeline(transaction=False) as pipe:
            for record in records:
                if record.revision and record.card:
                    entry = _entry(site, record.card, record.revision)
                elif record.removed_by:
                    entry = _no_entry(record.removed_by)
                else:
                    continue
                self._put(site, record.article, entry, pipe)
            pipe.execute()

    def _put(self, site: Site, article: str, entry: dict[str, Any], pipe: Redis | None = None) -> bool:
        keys = [index_key(site, name) for name in ("entries", "changed", "stale")]
        arguments = [index_key(site, "set:"), article, json.dumps(entry, separators=(",", ":"))]
        touched = self._place(keys=keys, args=arguments, client=pipe)
        return pipe is None and cast("int", touched) > 0

    @translated
    def touch(self, site: Site, listing: str) -> None:
        """Raise a listing's `changed` number."""
        self._touch(keys=[index_key(site, "changed"), index_key(site, "stale")], args=[listing])

    @translated
    def read(self, site: Site, listing: Listing) -> Snapshot:
        """Return a listing's newest cards, its `changed` number and the order of this reading, atomically."""
        turn = index_key(site, f"turn:{listing.name}")
        keys = [index_key(site, "entries"), index_key(site, "changed"), index_key(site, f"set:{listing.reads}"), turn]
        seconds, microseconds, changed, entries = cast(
            "tuple[str, str, str, list[str | None]]",
            self._read_cards(keys=keys, args=[listing.name, listing.limit, _turn_ms(site)]),
        )
        cards = tuple(Card.model_validate_json(json.loads(entry)["card"]) for entry in entries if entry)
        return Snapshot(cards=cards, changed=int(changed), order=int(seconds) * 1_000_000 + int(microseconds))

    @translated
    def set_published(self, site: Site, listing: str, changed: int) -> bool:
        """Record that a listing's page shows the state numbered `changed`; tell whether a later one was published."""
        names = ("changed", "published", "stale", f"turn:{listing}")
        keys = [index_key(site, name) for name in names]
        return bool(self._set_published(keys=keys, args=[listing, changed, _interval_ms(site)]))

    @translated
    def stale(self, site: Site) -> list[str]:
        """Return the listings whose page is behind."""
        return sorted(cast("set[str]", self._redis.smembers(index_key(site, "stale"))))

    @translated
    def behind(self, site: Site) -> dict[str, int]:
        """Return the listings whose page is behind, and the `changed` number that each has to reach."""
        stale = self.stale(site)
        numbers = cast("list[str | None]", self._redis.hmget(index_key(site, "changed"), stale)) if stale else []
        return {listing: int(number or 0) for listing, number in zip(stale, numbers, strict=True)}

    @translated
    def published(self, site: Site) -> dict[str, int]:
        """Return the number that each listing's page shows."""
        found = cast("dict[str, str]", self._redis.hgetall(index_key(site, "published")))
        return {listing: int(number) for listing, number in found.items()}

    @translated
    def take_turn(self, site: Site, listing: str) -> bool:
        """Tell whether the listing may be queued now."""
        return bool(self._redis.set(index_key(site, f"turn:{listing}"), "1", nx=True, px=_turn_ms(site)))

    @translated
    def end_turn(self, site: Site, listing: str) -> None:
        """Let the listing be queued again."""
        self._redis.delete(index_key(site, f"turn:{listing}"))

    @translated
    def revisions(self, site: Site, articles: list[str]) -> dict[str, str]:
        """Return the revision that the index has taken in, for those of the articles that it knows."""
        if not articles:
            return {}
        entries = cast("list[str | None]", self._redis.hmget(index_key(site, "entries"), articles))
        return {article: json.loads(entry)["order"] for article, entry in zip(articles, entries, strict=True) if entry}


def _entry(site: Site, card: Card, revision: str) -> dict[str, Any]:
    return {
        "order": revision,
        "score": int(card.created_at.timestamp() * 1_000_000),
        # No listing shows when a text was last changed: a mended typo makes no front page stale.
        "card": card.model_dump_json(exclude_defaults=True, exclude={"updated_at"}),
        "reads": readers_of(site, card),
    }


def _no_entry(revision: str) -> dict[str, Any]:
    return {"order": revision, "score": 0, "card": "", "reads": {}}


def _turn_ms(site: Site) -> int:
    return max(_interval_ms(site), _LONGEST_TURN_SECONDS * 1000)


def _interval_ms(site: Site) -> int:
    return max(1, int(site.listing_interval_seconds * 1000))
