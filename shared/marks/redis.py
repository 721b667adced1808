"""Marks in Redis, by its own clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import cast

from redis import Redis

from shared.messages import Lane
from shared.redis_client import translated

_DECISIONS_REMEMBERED_SECONDS = 3600
_TOLD_REMEMBERED_SECONDS = 86_400  # the longest that something is swept for
_LONGEST_WAIT_SECONDS = 600
_CLOCKS_APART = timedelta(seconds=5)  # what /readyz allows
_ANY = "*"

# KEYS: mark.  ARGV: token, first wait, longest wait, remembered (seconds), lane.
# The mark, which is the token too: "{attempt} {told at, ms} {wait until, ms} {lane}"
_TELL = """
local mark = redis.call('GET', KEYS[1]) or ''
if ARGV[1] ~= '*' and ARGV[1] ~= mark then return 0 end
local attempt = 0
if ARGV[1] ~= '*' and mark ~= '' then attempt = tonumber(string.match(mark, '^%d+')) + 1 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local wait = math.min(tonumber(ARGV[2]) * 2 ^ attempt, tonumber(ARGV[3])) * 1000
redis.call('SET', KEYS[1], string.format('%d %d %d %s', attempt, now, now + wait, ARGV[5]), 'EX', ARGV[4])
return 1
"""

# KEYS: decisions.  ARGV: remembered, and of each: order, sha256
_DECIDE = """
local is_highest = 1
for number, key in ipairs(KEYS) do
    local order, known = ARGV[2 * number], redis.call('GET', key)
    if known and string.sub(known, 1, string.find(known, ' ') - 1) > order then
        is_highest = 0
    else
        redis.call('SET', key, order .. ' ' .. ARGV[2 * number + 1], 'EX', ARGV[1])
    end
end
return is_highest
"""


class RedisMarks:
    """Marks with an end: each is forgotten after a while."""

    def __init__(self, client: Redis, *, first_wait_seconds: float = 10.0) -> None:
        self._redis = client
        self._first_wait_seconds = first_wait_seconds
        self._tell = client.register_script(_TELL)
        self._decide = client.register_script(_DECIDE)

    @translated
    def set_pending(self, site: str, subject: str, lane: Lane) -> None:
        """Note that an event of the subject is on its way in a lane."""
        self._note(site, subject, lane, _ANY)

    @translated
    def may_tell(self, site: str, subjects: Sequence[str], waits_since: Mapping[Lane, datetime]) -> dict[str, str]:
        """Return those subjects that may be told of (again) now, each with the token that `tell` asks for."""
        if not subjects:
            return {}
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.time()
            pipe.mget([_pending(site, subject) for subject in subjects])
            (seconds, microseconds), marks = cast("tuple[tuple[int, int], list[str | None]]", pipe.execute())
        now = seconds * 1000 + microseconds // 1000
        return {
            subject: mark or ""
            for subject, mark in zip(subjects, marks, strict=True)
            if mark is None or _is_over(mark, now, waits_since)
        }

    @translated
    def tell(self, site: str, subject: str, lane: Lane, token: str) -> bool:
        """Note that an event is sent again, and double the wait."""
        return self._note(site, subject, lane, token)

    def _note(self, site: str, subject: str, lane: Lane, token: str) -> bool:
        waits = [self._first_wait_seconds, _LONGEST_WAIT_SECONDS, _TOLD_REMEMBERED_SECONDS]
        return bool(self._tell(keys=[_pending(site, subject)], args=[token, *waits, lane.value]))

    @translated
    def decide(self, site: str, path: str, order: str, sha256: str) -> bool:
        """Note that a publisher decided to show these bytes at this path; tell whether nothing higher is noted."""
        return bool(self._decide(keys=[_decision(site, path)], args=[_DECISIONS_REMEMBERED_SECONDS, order, sha256]))

    @translated
    def decided(self, site: str, path: str) -> tuple[str, str] | None:
        """Return (order, SHA-256) of the highest decision for a path."""
        return self.decided_all(site, [path]).get(path)

    @translated
    def decide_all(self, site: str, decisions: Mapping[str, tuple[str, str]]) -> None:
        """Note for each path (order, SHA-256)."""
        if not decisions:
            return
        words = chain.from_iterable(decisions.values())
        self._decide(keys=[_decision(site, path) for path in decisions], args=[_DECISIONS_REMEMBERED_SECONDS, *words])

    @translated
    def decided_all(self, site: str, paths: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Return (order, SHA-256) of the highest decision for those of the paths that have one."""
        if not paths:
            return {}
        found = cast("list[str | None]", self._redis.mget([_decision(site, path) for path in paths]))
        split = {path: known.split(" ") for path, known in zip(paths, found, strict=True) if known is not None}
        return {path: (order, sha256) for path, (order, sha256) in split.items()}

    @translated
    def park(self, site: str, subject: str, moment: str | int, seconds: int) -> None:
        """Note that a message about a subject lies among the dead letters; a lower moment than the noted is ignored."""
        self._decide(keys=[_parked(site, subject)], args=[seconds, _as_text(moment), "parked"])

    @translated
    def is_parked(self, site: str, subject: str, moment: str | int) -> bool:
        """Tell whether what was said of a subject up to this moment lies among the dead letters."""
        return bool(self.parked(site, {subject: moment}))

    @translated
    def parked(self, site: str, subjects: Mapping[str, str | int]) -> set[str]:
        """Return those of the subjects of which `is_parked` is true."""
        if not subjects:
            return set()
        found = cast("list[str | None]", self._redis.mget([_parked(site, subject) for subject in subjects]))
        return {
            subject
            for (subject, moment), known in zip(subjects.items(), found, strict=True)
            if known is not None and known.partition(" ")[0] >= _as_text(moment)
        }

    @translated
    def unpark(self, site: str, subject: str) -> None:
        """Let a subject be said again."""
        self._redis.delete(_parked(site, subject))


def _is_over(mark: str, now: int, waits_since: Mapping[Lane, datetime]) -> bool:
    """Tell whether the wait that a mark notes is over and the event can no longer be in a queue."""
    _, told_at, wait_until, name = mark.split(" ")
    told, until, lane = int(told_at), int(wait_until), Lane(name)
    oldest = waits_since.get(lane)
    is_queued = oldest is not None and told >= (oldest - _CLOCKS_APART).timestamp() * 1000
    return until <= now and not is_queued


def _pending(site: str, subject: str) -> str:
    return f"told:{site}:{subject}"  # not `pending:`, whose marks had another form


def _decision(site: str, path: str) -> str:
    return f"decided:{site}:{path}"


def _parked(site: str, subject: str) -> str:
    return f"parked:{site}:{subject}"


def _as_text(moment: str | int) -> str:
    """Return a moment so that as text the later sorts after the earlier; revisions are named so already."""
    return f"{moment:020d}" if isinstance(moment, int) else moment
