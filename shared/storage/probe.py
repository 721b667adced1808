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
_BODY_BYTES = 16 * 1024  # long enough that the writes of a race overlap
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
    trial = _Trial(storage, prefix)
    try:
        for promise in _PROMISES:
            promise(trial)
        with ThreadPoolExecutor(len(_RACED_PROMISES)) as pool:
            list(pool.map(lambda promise: promise(trial), _RACED_PROMISES))  # raises the first error in this order
    finally:
        trial.clean_up()
    return trial.findings(duration_ms=round((perf_counter() - started) * 1000))


class _Trial:
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


def _create_once(trial: _Trial) -> None:
    key, put = trial.key("created"), partial(trial.storage.put, unless_exists=True)
    trial.must_win(partial(put, key, b"first"), "If-None-Match: * refused a key that was free")
    trial.must_be_refused(partial(put, key, b"second"), "If-None-Match: * let a second object take the first one's key")
    trial.must_hold(key, b"first", "after a write that was refused (If-None-Match: *), other bytes were there")
    trial.storage.delete(key)
    trial.must_hold(key, None, "after a delete, the object could still be read")
    trial.must_win(partial(put, key, b"again"), "If-None-Match: * refused a key whose object was deleted")
    trial.must_hold(key, b"again", "after a write, a read did not show it")


def _replace_only_the_expected_etag(trial: _Trial) -> None:
    key, put = trial.key("replaced"), trial.storage.put
    seen = put(key, b"one")
    trial.must_win(partial(put, key, b"two", if_etag=seen), "If-Match refused the right ETag")
    trial.must_be_refused(partial(put, key, b"three", if_etag=seen), "If-Match took an old ETag")
    trial.must_hold(key, b"two", "after a write that was refused (If-Match), other bytes were there")


def _replace_no_deleted_object(trial: _Trial) -> None:
    never, gone, put = trial.key("never"), trial.key("gone"), trial.storage.put
    seen = put(gone, b"x")
    trial.storage.delete(gone)
    for key in (never, gone):
        trial.must_be_refused(partial(put, key, b"y", if_etag=seen), "If-Match made an object where there was none")
        trial.must_hold(key, None, "after a write that was refused (If-Match), an object was there")


def _one_creator_wins(trial: _Trial) -> None:
    with ThreadPoolExecutor(WRITERS_PER_RACE) as pool:
        winners = [_decide(trial, pool, "If-None-Match: *", trial.key(f"race-{n}")) for n in _race_numbers()]
    for key, body in winners:  # a refused writer must not overwrite the winner later
        trial.must_hold(key, body, "some time after a race, the winner's bytes were gone")


def _one_replacer_wins(trial: _Trial) -> None:
    key = trial.key("replacers")
    body = b"start"
    trial.storage.put(key, body)
    with ThreadPoolExecutor(WRITERS_PER_RACE) as pool:
        for _ in _race_numbers():
            key, body = _decide(trial, pool, "If-Match", key)
    trial.must_hold(key, body, "some time after a race, the winner's bytes were gone")


def _race_numbers() -> Iterator[int]:
    """Yield one number for each race. A slow store gets fewer races, because the start waits for them."""
    started = perf_counter()
    for number in range(RACES_PER_PRECONDITION):
        if number >= _MIN_RACES_PER_PRECONDITION and perf_counter() - started > _SLOW_STORE_SECONDS:
            return
        yield number


def _decide(trial: _Trial, pool: ThreadPoolExecutor, precondition: str, key: str) -> tuple[str, bytes]:
    """Repeat a race until one writer wins; return the key and the winner's bytes."""
    race_key = key
    trial.count("races")
    while (body := _race(trial, pool, precondition, race_key)) is None:
        undecided = trial.count("undecided_rounds")
        if undecided > _MAX_UNDECIDED_RACES:
            raise StorageUnavailableError(
                f"{key}: of {WRITERS_PER_RACE} writers at once none is told that it won, again and again"
            )
        race_key = key if precondition == "If-Match" else trial.key(f"again-{undecided}")
    return race_key, body


def _race(trial: _Trial, pool: ThreadPoolExecutor, precondition: str, key: str) -> bytes | None:
    """Start all writers at once; return the one winner's bytes, or None if no answer was clear."""
    start = Barrier(WRITERS_PER_RACE)
    bodies = [random.randbytes(_BODY_BYTES) for _ in range(WRITERS_PER_RACE)]  # noqa: S311 -- different, not secret
    if precondition == "If-Match":
        write = partial(trial.storage.put, if_etag=trial.storage.get(key).etag)
    else:
        write = partial(trial.storage.put, unless_exists=True)

    def run(body: bytes) -> RaceOutcome:
        start.wait()
        return trial.outcome_of(partial(write, key, body))

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
    trial.must_hold(key, winners[0], f"after a race with {precondition}, other bytes were there than the winner's")
    return winners[0]


def _read_after_write(trial: _Trial) -> None:
    key = trial.key("read")
    for number in range(_READ_ROUNDS):
        body = b"%d" % number
        etag = trial.storage.put(key, body, content_type=_HTML, metadata=_METADATA | {"number": str(number)})
        trial.must_hold(key, body, "after a write, a read did not show it")
        head = trial.storage.find_head(key)
        if head is None or head.etag != etag or head.size_bytes != len(body):
            raise BrokenPromiseError("after a write, a HEAD did not show it")
        if head.content_type != _HTML or dict(head.metadata) != _METADATA | {"number": str(number)}:
            raise BrokenPromiseError("content type and metadata did not come back as they were put")


def _list_after_write(trial: _Trial) -> None:
    storage, prefix = trial.storage, f"{trial.prefix}listed/"
    names = random.sample(_LISTED_NAMES, len(_LISTED_NAMES))
    for number, name in enumerate(names, 1):
        key = trial.key(f"listed/{name}")
        etag = storage.put(key, name.encode())
        listed = {each.key: each for each in storage.list_heads(prefix)}
        if len(listed) != number or key not in listed:
            raise BrokenPromiseError("after a write, a listing did not show it")
        if listed[key] != (key, etag, len(name)):
            raise BrokenPromiseError("a listing told another ETag or size than the write")
    _list_in_order(trial, prefix)
    storage.delete(f"{prefix}{names[0]}")
    if f"{prefix}{names[0]}" in storage.list_keys(prefix):
        raise BrokenPromiseError("after a delete, a listing still showed the object")


def _list_in_order(trial: _Trial, prefix: str) -> None:
    """Require keys in order, and the same keys page by page; note the order of names with a slash."""
    storage = trial.storage
    if list(storage.list_keys(prefix)) != sorted(f"{prefix}{name}" for name in _LISTED_NAMES):
        raise BrokenPromiseError("a listing was not in order")
    if _paged(storage, prefix) != list(storage.list_keys(prefix)):
        raise BrokenPromiseError("a listing that starts after a key did not go on with the next one")
    prefix = f"{trial.prefix}mixed/"
    keys = [trial.key(f"mixed/{name}") for name in _MIXED_NAMES]
    for key in keys:
        storage.put(key, b"x")
    found = _paged(storage, prefix)
    if set(found) != set(keys):
        raise BrokenPromiseError("a listing by pages left keys out")
    orders = {"bytes": sorted(keys), "path": sorted(keys, key=lambda key: key.split("/"))}
    trial.listed_in_order_of = next((name for name, order in orders.items() if order == found), "neither")


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
