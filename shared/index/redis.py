"""The index in Redis. Each change is one script, so that two workers cannot interleave inside it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, cast

from redis import Redis

from shared.card import Card
from shared.index import Snapshot
from shared.listings import Listing, readers_of
from shared.redis_client import translated
from shared.sites import Site

# KEYS: entries, changed, stale.  ARGV: prefix of sets, article,
# entry {order, score, card, reads: {set: [[listing, limit]]}}
# A listing is touched when the card stood, or stands now, among the cards that it shows.
_PLACE = """
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
  redis.call('HINCRBY', KEYS[2], listing, 1)
  redis.call('SADD', KEYS[3], listing)
  count = count + 1
end
return count
"""

# KEYS: entries, changed, set.  ARGV: listing, limit
_READ = """
local time = redis.call('TIME')
local entries = {}
if tonumber(ARGV[2]) > 0 then
  local articles = redis.call('ZREVRANGE', KEYS[3], 0, tonumber(ARGV[2]) - 1)
  if #articles > 0 then entries = redis.call('HMGET', KEYS[1], unpack(articles)) end
end
return {time[1], time[2], redis.call('HGET', KEYS[2], ARGV[1]) or '0', entries}
"""

# KEYS: changed, published, stale.  ARGV: listing, number
_PUBLISHED = """
local number = tonumber(ARGV[2])
if number > tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '-1') then redis.call('HSET', KEYS[2], ARGV[1], number) end
if number >= tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0') then redis.call('SREM', KEYS[3], ARGV[1]) end
return 1
"""


class RedisIndex:
    """The index, one set of keys a site."""

    def __init__(self, client: Redis) -> None:
        self._redis = client
        self._place = client.register_script(_PLACE)
        self._read_cards = client.register_script(_READ)
        self._set_published = client.register_script(_PUBLISHED)

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
        with self._redis.pipeline() as pipe:
            pipe.hincrby(_key(site, "changed"), listing, 1)
            pipe.sadd(_key(site, "stale"), listing)
            pipe.execute()

    @translated
    def read(self, site: Site, listing: Listing) -> Snapshot:
        """Return a listing's newest cards, its `changed` number and the order of this reading, atomically."""
        keys = [_key(site, "entries"), _key(site, "changed"), _key(site, f"set:{listing.reads}")]
        seconds, microseconds, changed, entries = cast(
            "tuple[str, str, str, list[str | None]]",
            self._read_cards(keys=keys, args=[listing.name, listing.limit]),
        )
        cards = tuple(Card.model_validate_json(json.loads(entry)["card"]) for entry in entries if entry)
        return Snapshot(cards=cards, changed=int(changed), order=int(seconds) * 1_000_000 + int(microseconds))

    @translated
    def set_published(self, site: Site, listing: str, changed: int) -> None:
        """Record that a listing's page shows the state numbered `changed`."""
        self._set_published(
            keys=[_key(site, "changed"), _key(site, "published"), _key(site, "stale")], args=[listing, changed]
        )

    @translated
    def stale(self, site: Site) -> list[str]:
        """Return the listings whose page is behind."""
        return sorted(cast("set[str]", self._redis.smembers(_key(site, "stale"))))

    @translated
    def published(self, site: Site) -> dict[str, int]:
        """Return the number that each listing's page shows."""
        found = cast("dict[str, str]", self._redis.hgetall(_key(site, "published")))
        return {listing: int(number) for listing, number in found.items()}

    @translated
    def take_turn(self, site: Site, listing: str) -> bool:
        """Tell whether the listing may be queued now."""
        interval_ms = int(site.listing_interval_seconds * 1000)
        return bool(self._redis.set(_key(site, f"turn:{listing}"), "1", nx=True, px=interval_ms))

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
    def set_whole(self, site: Site, minute: datetime) -> None:
        """Mark the index as whole up to a journal minute, for this very Redis process."""
        self._redis.hset(
            _key(site, "whole"),
            mapping={"run_id": self._run_id(), "minute": minute.astimezone(UTC).isoformat()},
        )

    def _run_id(self) -> str:
        return str(self._redis.info("server")["run_id"])


def _key(site: Site, name: str) -> str:
    return f"index:{site.id}:{name}"


def _minute(mark: dict[str, str]) -> datetime:
    return datetime.fromisoformat(mark["minute"])
