"""The cache: bounded in bytes, purged by surrogate key, and free of bytes older than a purge."""

from __future__ import annotations

import itertools
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

_MAX_REMEMBERED_PURGES = 10_000
_ENTRY_OVERHEAD_BYTES = 1_000  # an estimate: headers, keys and table entries
_SECONDS = re.compile(r"(?:^|[,\s])(s-maxage|max-age|stale-while-revalidate)\s*=\s*\"?(\d{1,9})", re.IGNORECASE)
_UNCACHEABLE = re.compile(r"(?:^|[,\s])(?:no-store|no-cache|private)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Ages:
    """Seconds for which an answer is fresh, and seconds after that for which it may be served during a new fetch."""

    fresh: float = 0.0
    stale: float = 0.0


@dataclass(frozen=True, slots=True)
class Entry:
    """An answer of the origin. `keys` are its surrogate keys, including the key of its path."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    keys: frozenset[str] = frozenset()
    ages: Ages = field(default_factory=Ages)
    stored_at: float = 0.0  # on the cache's clock
    began: int = 0  # number of purges before its fetch began
    is_soft_purged: bool = False

    @property
    def size_bytes(self) -> int:
        """Return the space that the entry takes in the cache."""
        return len(self.body) + _ENTRY_OVERHEAD_BYTES


@dataclass(frozen=True, slots=True)
class Fetch:
    """A pending request to the origin; `began` is the number of purges before it."""

    began: int


def ages_of(cache_control: str) -> Ages:
    """Return the ages for a shared cache from a Cache-Control header (RFC 9111, 5861); s-maxage overrides max-age."""
    if _UNCACHEABLE.search(cache_control):
        return Ages()
    seconds = {name.lower(): float(value) for name, value in _SECONDS.findall(cache_control)}
    return Ages(seconds.get("s-maxage", seconds.get("max-age", 0.0)), seconds.get("stale-while-revalidate", 0.0))


class Cache:
    """Entries by object path, for one thread. No method waits, so each call is atomic in an event loop.

    A fetch that began before a purge may return bytes from before the purge. So the cache counts purges. While a fetch
    is pending, it remembers the count of each key's last purge. It does not store an entry if one of its keys was
    purged after its fetch began.
    """

    def __init__(self, limit_bytes: int, clock: Callable[[], float]) -> None:
        self._limit_bytes = limit_bytes
        self._clock = clock
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._paths: dict[str, set[str]] = {}  # by surrogate key
        self._purges = itertools.count(1)
        self._last_purge = 0
        self._purged: dict[str, int] = {}
        self._fetches: dict[int, Fetch] = {}
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, path: str) -> Entry | None:
        """Return the entry of a path, fresh or not, or None."""
        if entry := self._entries.get(path):
            self._entries.move_to_end(path)
            return entry
        return None

    def age(self, entry: Entry) -> float:
        """Return the seconds since the entry was stored."""
        return max(0.0, self._clock() - entry.stored_at)

    def is_fresh(self, entry: Entry) -> bool:
        """Return whether the entry may be served without a new fetch."""
        return not entry.is_soft_purged and self.age(entry) < entry.ages.fresh

    def may_show_while_fetching(self, entry: Entry) -> bool:
        """Return whether the entry may be served during a new fetch."""
        return not entry.is_soft_purged and self.age(entry) < entry.ages.fresh + entry.ages.stale

    @contextmanager
    def fetch(self) -> Iterator[Fetch]:
        """Register a pending request to the origin; call `store` inside the block."""
        fetch = Fetch(self._last_purge)
        self._fetches[id(fetch)] = fetch
        try:
            yield fetch
        finally:
            del self._fetches[id(fetch)]
            self._forget_purges()

    def store(self, path: str, entry: Entry, fetch: Fetch) -> bool:
        """Store an answer; return False if it is uncacheable, too large, or older than a purge of its keys."""
        if any(self._purged.get(key, 0) > fetch.began for key in entry.keys):
            return False
        if (kept := self._entries.get(path)) and kept.began > fetch.began:
            return False
        self._remove(path)
        if entry.ages.fresh <= 0 or entry.size_bytes > self._limit_bytes // 4:
            return False
        self._entries[path] = replace(entry, stored_at=self._clock(), began=fetch.began)
        self.size_bytes += entry.size_bytes
        for key in entry.keys:
            self._paths.setdefault(key, set()).add(path)
        while self.size_bytes > self._limit_bytes:
            self._remove(next(iter(self._entries)))
        return True

    def purge(self, keys: Iterable[str]) -> int:
        """Delete every entry that has one of the keys; return their number."""
        paths = self._named(keys)
        for path in paths:
            self._remove(path)
        return len(paths)

    def soft_purge(self, keys: Iterable[str]) -> int:
        """Mark every entry that has one of the keys; return their number. Serve it only if the origin is down."""
        paths = self._named(keys)
        for path in paths:
            self._entries[path] = replace(self._entries[path], is_soft_purged=True)
        return len(paths)

    def _named(self, keys: Iterable[str]) -> set[str]:
        named = list(keys)
        self._last_purge = next(self._purges)
        if self._fetches:
            self._purged.update(dict.fromkeys(named, self._last_purge))
        return {path for key in named for path in self._paths.get(key, ())}

    def _forget_purges(self) -> None:
        """Drop the counts of purges that are older than every pending fetch."""
        if not self._fetches:
            self._purged.clear()
        elif len(self._purged) > _MAX_REMEMBERED_PURGES:
            oldest = min(fetch.began for fetch in self._fetches.values())
            self._purged = {key: count for key, count in self._purged.items() if count > oldest}

    def _remove(self, path: str) -> None:
        entry = self._entries.pop(path, None)
        if entry is None:
            return
        self.size_bytes -= entry.size_bytes
        for key in entry.keys:
            paths = self._paths[key]
            paths.discard(path)
            if not paths:
                del self._paths[key]
