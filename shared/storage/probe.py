"""Tests of the store's promises. A store that breaks one loses news without an error (ADR 4)."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from enum import Enum, auto
from functools import partial
from threading import Barrier, Lock
from time import perf_counter

import structlog
from pydantic import BaseModel

from shared.runtime.errors import (
    OutageError,
    PreconditionFailedError,
    PresslineError,
    StorageConflictError,
    StorageUnavailableError,
)
from shared.storage import Etag, ObjectStorage

PROBE_VERSION = 1
"""Raise it with each new promise: a result of an older probe is then no longer valid."""
WRITERS_PER_RACE = 16
RACES_PER_PRECONDITION = 5
_MIN_RACES_PER_PRECONDITION = 2  # for a slow store: SeaweedFS with versions on answers the losers seconds later
_SLOW_STORE_SECONDS = 8.0
_MAX_UNDECIDED_RACES = 10  # no writer won, and at least one answer was unclear
_READ_ROUNDS = 4
_BODY_BYTES = 16 * 1024  # large enough that the writes of a race overlap
_METADATA = {"order": "20261101T120000000000Z", "surrogate-keys": " ".join(f"key-{n}" for n in range(200))}
_HTML = "text/html; charset=utf-8"
_LISTED_NAMES = ("0", "B", "a/1", "a/2", "c-x", "c~x", "d")
_MIXED_NAMES = ("b-1", "b.1", "b/1", "b0")
"""Names whose order differs between stores, so the probe requires only that a listing finds each of them.

SeaweedFS sorts by path and lists `b/1` before `b-1`. With versions on, the order also depends on the page. Such names
share a prefix only where several sites share a bucket.
"""

log = structlog.get_logger()


class BrokenPromiseError(PresslineError):
    """The store broke a promise; the text names the promise in one line."""


class Findings(BaseModel):
    """Counts of one probe."""

    writers: int = WRITERS_PER_RACE
    races: int = 0  # with `If-None-Match: *` and with `If-Match`
    undecided_rounds: int = 0
    refused: int = 0  # 412
    unclear: int = 0  # 409, 503, or no answer
    reads: int = 0  # each right after a write
    listed_in_order_of: str = ""  # bytes, path (`b/1` before `b-1`) or neither
    duration_ms: int = 0


class RaceOutcome(Enum):
    """The store's answer to one conditional write."""

    WON = auto()
    REFUSED = auto()
    UNCLEAR = auto()


def probe_store(storage: ObjectStorage, prefix: str) -> Findings:
    """Return the counts of the probe, once the bucket has kept every promise.

    All keys begin with `prefix`. The probe deletes them at its end.

    Raises:
        BrokenPromiseError: the store broke a promise.
        StorageUnavailableError: the store did not answer, or not clearly enough. This proves nothing about it.
    """
    started = perf_counter()
    probe = _Probe(storage, prefix)
    try:
        for promise in _PROMISES:
            promise(probe)
        with ThreadPoolExecutor(len(_RACED_PROMISES)) as pool:
            list(pool.map(lambda promise: promise(probe), _RACED_PROMISES))  # raises the first error in this order
    finally:
        probe.clean_up()
    return probe.findings(duration_ms=round((perf_counter() - started) * 1000))


class _Probe:
    """One probe of one bucket; its methods may run in several threads."""

    def __init__(self, storage: ObjectStorage, prefix: str) -> None:
        self.storage = storage
        self.prefix = prefix
        self.listed_in_order_of = ""
        self._keys: list[str] = []
        self._counts: Counter[str] = Counter()
        self._lock = Lock()

    def count(self, name: str) -> int:
        """Add one to a count of the findings; return its new value."""
        with self._lock:
            self._counts[name] += 1
            return self._counts[name]

    def findings(self, duration_ms: int) -> Findings:
        """Return all counts so far."""
        return Findings(listed_in_order_of=self.listed_in_order_of, duration_ms=duration_ms, **self._counts)

    def key(self, name: str) -> str:
        """Return a key of this probe; `clean_up` deletes it."""
        key = f"{self.prefix}{name}"
        self._keys.append(key)
        return key

    def outcome_of(self, write: Callable[[], object]) -> RaceOutcome:
        """Return the store's answer to a conditional write."""
        try:
            write()
        except PreconditionFailedError:
            self.count("refused")
            return RaceOutcome.REFUSED
        except (StorageConflictError, StorageUnavailableError):
            self.count("unclear")
            return RaceOutcome.UNCLEAR
        return RaceOutcome.WON

    def must_win(self, write: Callable[[], Etag], otherwise: str) -> Etag:
        """Return the ETag of a write whose precondition holds."""
        try:
            return write()
        except PreconditionFailedError as error:
            raise BrokenPromiseError(otherwise) from error
        except StorageConflictError as error:  # no other writer knows the key, so the conflict proves nothing
            raise StorageUnavailableError(str(error)) from error

    def must_be_refused(self, write: Callable[[], object], otherwise: str) -> None:
        """Make a write that the store must refuse."""
        if self.outcome_of(write) is RaceOutcome.WON:
            raise BrokenPromiseError(otherwise)

    def must_hold(self, key: str, body: bytes | None, otherwise: str) -> None:
        """Read the key; its object must have this body, or must not exist if `body` is None."""
        self.count("reads")
        found = self.storage.find(key)
        if (found.body if found else None) != body:
            raise BrokenPromiseError(otherwise)

    def clean_up(self) -> None:
        """Delete all keys of this probe; log a warning if the store fails."""
        for key in self._keys:
            try:
                self.storage.delete(key)
            except OutageError as error:
                log.warning("probe.left_behind", key=key, reason=str(error))
                return


def _create_once(probe: _Probe) -> None:
    key, put = probe.key("created"), partial(probe.storage.put, unless_exists=True)
    probe.must_win(partial(put, key, b"first"), "If-None-Match: * refused a key that was free")
    probe.must_be_refused(partial(put, key, b"second"), "If-None-Match: * let a second object take the first one's key")
    probe.must_hold(key, b"first", "after a write that was refused (If-None-Match: *), other bytes were there")
    probe.storage.delete(key)
    probe.must_hold(key, None, "after a delete, the object could still be read")
    probe.must_win(partial(put, key, b"again"), "If-None-Match: * refused a key whose object was deleted")
    probe.must_hold(key, b"again", "after a write, a read did not show it")


def _replace_only_the_expected_etag(probe: _Probe) -> None:
    key, put = probe.key("replaced"), probe.storage.put
    seen = put(key, b"one")
    probe.must_win(partial(put, key, b"two", if_etag=seen), "If-Match refused the right ETag")
    probe.must_be_refused(partial(put, key, b"three", if_etag=seen), "If-Match took an old ETag")
    probe.must_hold(key, b"two", "after a write that was refused (If-Match), other bytes were there")


def _replace_no_deleted_object(probe: _Probe) -> None:
    never, gone, put = probe.key("never"), probe.key("gone"), probe.storage.put
    seen = put(gone, b"x")
    probe.storage.delete(gone)
    for key in (never, gone):
        probe.must_be_refused(partial(put, key, b"y", if_etag=seen), "If-Match made an object where there was none")
        probe.must_hold(key, None, "after a write that was refused (If-Match), an object was there")


def _one_creator_wins(probe: _Probe) -> None:
    with ThreadPoolExecutor(WRITERS_PER_RACE) as pool:
        winners = [_decide(probe, pool, "If-None-Match: *", probe.key(f"race-{n}")) for n in _race_numbers()]
    for key, body in winners:  # a refused writer must not overwrite the winner later
        probe.must_hold(key, body, "some time after a race, the winner's bytes were gone")


def _one_replacer_wins(probe: _Probe) -> None:
    key = probe.key("replacers")
    body = b"start"
    probe.storage.put(key, body)
    with ThreadPoolExecutor(WRITERS_PER_RACE) as pool:
        for _ in _race_numbers():
            key, body = _decide(probe, pool, "If-Match", key)
    probe.must_hold(key, body, "some time after a race, the winner's bytes were gone")


def _race_numbers() -> Iterator[int]:
    """Yield one number for each race. A slow store gets fewer races, because the start waits for them."""
    started = perf_counter()
    for number in range(RACES_PER_PRECONDITION):
        if number >= _MIN_RACES_PER_PRECONDITION and perf_counter() - started > _SLOW_STORE_SECONDS:
            return
        yield number


def _decide(probe: _Probe, pool: ThreadPoolExecutor, precondition: str, key: str) -> tuple[str, bytes]:
    """Repeat a race until one writer wins; return the key and the winner's bytes."""
    race_key = key
    probe.count("races")
    while (body := _race(probe, pool, precondition, race_key)) is None:
        undecided = probe.count("undecided_rounds")
        if undecided > _MAX_UNDECIDED_RACES:
            raise StorageUnavailableError(
                f"{key}: of {WRITERS_PER_RACE} writers at once none is told that it won, again and again"
            )
        race_key = key if precondition == "If-Match" else probe.key(f"again-{undecided}")
    return race_key, body


def _race(probe: _Probe, pool: ThreadPoolExecutor, precondition: str, key: str) -> bytes | None:
    """Start all writers at once; return the one winner's bytes, or None if no answer was clear."""
    start = Barrier(WRITERS_PER_RACE)
    bodies = [random.randbytes(_BODY_BYTES) for _ in range(WRITERS_PER_RACE)]  # noqa: S311 -- different, not secret
    if precondition == "If-Match":
        write = partial(probe.storage.put, if_etag=probe.storage.get(key).etag)
    else:
        write = partial(probe.storage.put, unless_exists=True)

    def run(body: bytes) -> RaceOutcome:
        start.wait()
        return probe.outcome_of(partial(write, key, body))

    outcomes = list(pool.map(run, bodies))
    winners = [body for body, outcome in zip(bodies, outcomes, strict=True) if outcome is RaceOutcome.WON]
    if len(winners) > 1:
        raise BrokenPromiseError(
            f"of {WRITERS_PER_RACE} writers at once with {precondition}, {len(winners)} were told that they won"
        )
    if not winners and RaceOutcome.UNCLEAR not in outcomes:
        raise BrokenPromiseError(f"of {WRITERS_PER_RACE} writers at once with {precondition}, all were refused")
    if not winners:
        return None
    probe.must_hold(key, winners[0], f"after a race with {precondition}, other bytes were there than the winner's")
    return winners[0]


def _read_after_write(probe: _Probe) -> None:
    key = probe.key("read")
    for number in range(_READ_ROUNDS):
        body = b"%d" % number
        etag = probe.storage.put(key, body, content_type=_HTML, metadata=_METADATA | {"number": str(number)})
        probe.must_hold(key, body, "after a write, a read did not show it")
        head = probe.storage.find_head(key)
        if head is None or head.etag != etag or head.size_bytes != len(body):
            raise BrokenPromiseError("after a write, a HEAD did not show it")
        if head.content_type != _HTML or dict(head.metadata) != _METADATA | {"number": str(number)}:
            raise BrokenPromiseError("content type and metadata did not come back as they were put")


def _list_after_write(probe: _Probe) -> None:
    storage, prefix = probe.storage, f"{probe.prefix}listed/"
    names = random.sample(_LISTED_NAMES, len(_LISTED_NAMES))
    for number, name in enumerate(names, 1):
        key = probe.key(f"listed/{name}")
        etag = storage.put(key, name.encode())
        listed = {each.key: each for each in storage.list_heads(prefix)}
        if len(listed) != number or key not in listed:
            raise BrokenPromiseError("after a write, a listing did not show it")
        if listed[key] != (key, etag, len(name)):
            raise BrokenPromiseError("a listing had another ETag or size than the write")
    _list_in_order(probe, prefix)
    storage.delete(f"{prefix}{names[0]}")
    if f"{prefix}{names[0]}" in storage.list_keys(prefix):
        raise BrokenPromiseError("after a delete, a listing still showed the object")


def _list_in_order(probe: _Probe, prefix: str) -> None:
    """Require keys in order, and the same keys page by page; note the order of names with a slash."""
    storage = probe.storage
    if list(storage.list_keys(prefix)) != sorted(f"{prefix}{name}" for name in _LISTED_NAMES):
        raise BrokenPromiseError("a listing was not in order")
    if _paged(storage, prefix) != list(storage.list_keys(prefix)):
        raise BrokenPromiseError("a listing that starts after a key did not go on with the next one")
    prefix = f"{probe.prefix}mixed/"
    keys = [probe.key(f"mixed/{name}") for name in _MIXED_NAMES]
    for key in keys:
        storage.put(key, b"x")
    found = _paged(storage, prefix)
    if set(found) != set(keys):
        raise BrokenPromiseError("a listing by pages left keys out")
    orders = {"bytes": sorted(keys), "path": sorted(keys, key=lambda key: key.split("/"))}
    probe.listed_in_order_of = next((name for name, order in orders.items() if order == found), "neither")


def _paged(storage: ObjectStorage, prefix: str) -> list[str]:
    """Return the keys in pages of two; each page starts after the last key of the page before."""
    found: list[str] = []
    while page := list(storage.list_keys(prefix, start_after=found[-1] if found else "", limit=2)):
        found += page
        if len(found) > 2 * (len(_LISTED_NAMES) + len(_MIXED_NAMES)):
            raise BrokenPromiseError("a listing that starts after a key did not come to an end")
    return found


_PROMISES = (
    _create_once,
    _replace_only_the_expected_etag,
    _replace_no_deleted_object,
    _read_after_write,
    _list_after_write,
)
_RACED_PROMISES = (_one_creator_wins, _one_replacer_wins)
"""These run at the same time: their races use different keys."""
