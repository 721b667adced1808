"""What Pressline asks of a store, tried out on it: an unfit one loses news without a word (ADR 4)."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from enum import Enum, auto
from functools import partial
from threading import Barrier
from time import perf_counter

import structlog
from pydantic import BaseModel

from shared.errors import (
    OutageError,
    PreconditionFailedError,
    PresslineError,
    StorageConflictError,
    StorageUnavailableError,
)
from shared.storage import Etag, ObjectStorage

PROBE_VERSION = 1
"""Raised with every promise that is added: a certificate of an older probe is not enough then."""
WRITERS = 16
ROUNDS = 5
_FEWEST_ROUNDS = 2  # where each takes seconds: SeaweedFS with versions on lets losers wait for theirs
_SLOW_AFTER_SECONDS = 8.0
_UNDECIDED_ROUNDS = 10  # in which no writer was told that it won, nor was each refused
_READS = 4
_BODY_BYTES = 16 * 1024  # long enough to be written while others look
_METADATA = {"order": "20261101T120000000000Z", "surrogate-keys": " ".join(f"key-{n}" for n in range(200))}
_HTML = "text/html; charset=utf-8"
_LISTED = ("0", "B", "a/1", "a/2", "c-x", "c~x", "d")
_MIXED = ("b-1", "b.1", "b/1", "b0")
"""A store that is a tree has `b/1` before `b-1` (SeaweedFS), one with versions in it mixes them by the page: none of
our prefixes holds such names side by side but where several sites do, so all that we ask is that each is found."""

log = structlog.get_logger()


class BrokenPromiseError(PresslineError):
    """The store did what it must not do, or not what it must; the text says it in a line."""


class Findings(BaseModel):
    """What was tried, in figures."""

    writers: int = WRITERS
    races: int = 0  # with `If-None-Match: *` and with `If-Match`
    undecided_rounds: int = 0
    refused: int = 0  # 412
    unclear: int = 0  # 409, 503, or no answer
    reads: int = 0  # each right after a write
    listed_in_order_of: str = ""  # bytes, path (a tree: `b/1` before `b-1`) or neither
    duration_ms: int = 0


class Outcome(Enum):
    """What a writer was told."""

    WON = auto()
    REFUSED = auto()
    UNCLEAR = auto()


def probe_store(storage: ObjectStorage, prefix: str) -> Findings:
    """Return what was tried, once the bucket has kept every promise; its keys begin with `prefix` and are removed.

    Raises:
        BrokenPromiseError: it broke one.
        StorageUnavailableError: it did not answer, or not clearly enough; that says nothing against it.
    """
    started = perf_counter()
    trial = _Trial(storage, prefix)
    try:
        for promise in _PROMISES:
            promise(trial)
    finally:
        trial.clean_up()
    trial.findings.duration_ms = round((perf_counter() - started) * 1000)
    return trial.findings


class _Trial:
    """One bucket on trial."""

    def __init__(self, storage: ObjectStorage, prefix: str) -> None:
        self.storage = storage
        self.prefix = prefix
        self.findings = Findings()
        self._keys: list[str] = []

    def key(self, name: str) -> str:
        """Return a key of ours, which is removed in the end."""
        self._keys.append(f"{self.prefix}{name}")
        return self._keys[-1]

    def told(self, write: Callable[[], object]) -> Outcome:
        """Return what the store answers to a conditional write."""
        try:
            write()
        except PreconditionFailedError:
            self.findings.refused += 1
            return Outcome.REFUSED
        except (StorageConflictError, StorageUnavailableError):
            self.findings.unclear += 1
            return Outcome.UNCLEAR
        return Outcome.WON

    def must_win(self, write: Callable[[], Etag], otherwise: str) -> Etag:
        """Return the ETag of a write that nothing stands against."""
        try:
            return write()
        except PreconditionFailedError as error:
            raise BrokenPromiseError(otherwise) from error
        except StorageConflictError as error:  # with whom, does not matter: nobody else knows the key
            raise StorageUnavailableError(str(error)) from error

    def must_be_refused(self, write: Callable[[], object], otherwise: str) -> None:
        """Make a write that the store must not take."""
        if self.told(write) is Outcome.WON:
            raise BrokenPromiseError(otherwise)

    def must_hold(self, key: str, body: bytes | None, otherwise: str) -> None:
        """Read what lies under the key: `body`, or nothing."""
        self.findings.reads += 1
        found = self.storage.find(key)
        if (found.body if found else None) != body:
            raise BrokenPromiseError(otherwise)

    def clean_up(self) -> None:
        """Remove what was put; what a failing store keeps of it is said."""
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


def _replace_only_what_was_seen(trial: _Trial) -> None:
    key, put = trial.key("replaced"), trial.storage.put
    seen = put(key, b"one")
    trial.must_win(partial(put, key, b"two", if_etag=seen), "If-Match refused the right ETag")
    trial.must_be_refused(partial(put, key, b"three", if_etag=seen), "If-Match took an old ETag")
    trial.must_hold(key, b"two", "after a write that was refused (If-Match), other bytes were there")


def _replace_nothing_that_is_gone(trial: _Trial) -> None:
    never, gone, put = trial.key("never"), trial.key("gone"), trial.storage.put
    seen = put(gone, b"x")
    trial.storage.delete(gone)
    for key in (never, gone):
        trial.must_be_refused(partial(put, key, b"y", if_etag=seen), "If-Match made an object where there was none")
        trial.must_hold(key, None, "after a write that was refused (If-Match), an object was there")


def _one_creator_wins(trial: _Trial) -> None:
    with ThreadPoolExecutor(WRITERS) as pool:
        raced = [_decided(trial, pool, "If-None-Match: *", trial.key(f"race-{n}")) for n in _rounds()]
    for key, body in raced:  # nobody who was refused comes later
        trial.must_hold(key, body, "some time after a race, the winner's bytes were gone")


def _one_replacer_wins(trial: _Trial) -> None:
    key = trial.key("replacers")
    body = b"start"
    trial.storage.put(key, body)
    with ThreadPoolExecutor(WRITERS) as pool:
        for _ in _rounds():
            key, body = _decided(trial, pool, "If-Match", key)
    trial.must_hold(key, body, "some time after a race, the winner's bytes were gone")


def _rounds() -> Iterator[int]:
    """Yield a number a round: fewer where the store is slow, for a start waits for us."""
    started = perf_counter()
    for number in range(ROUNDS):
        if number >= _FEWEST_ROUNDS and perf_counter() - started > _SLOW_AFTER_SECONDS:
            return
        yield number


def _decided(trial: _Trial, pool: ThreadPoolExecutor, how: str, key: str) -> tuple[str, bytes]:
    """Race until somebody is told that he won; return the key and his bytes."""
    race_key = key
    trial.findings.races += 1
    while (body := _race(trial, pool, how, race_key)) is None:
        trial.findings.undecided_rounds += 1
        if trial.findings.undecided_rounds > _UNDECIDED_ROUNDS:
            raise StorageUnavailableError(
                f"{key}: of {WRITERS} writers at once none is told that it won, again and again"
            )
        race_key = key if how == "If-Match" else trial.key(f"again-{trial.findings.undecided_rounds}")
    return race_key, body


def _race(trial: _Trial, pool: ThreadPoolExecutor, how: str, key: str) -> bytes | None:
    """Let all write at once; return the one winner's bytes, None where no answer was clear."""
    start = Barrier(WRITERS)
    bodies = [random.randbytes(_BODY_BYTES) for _ in range(WRITERS)]  # noqa: S311 -- to differ, not to be secret
    if how == "If-Match":
        write = partial(trial.storage.put, if_etag=trial.storage.get(key).etag)
    else:
        write = partial(trial.storage.put, unless_exists=True)

    def run(body: bytes) -> Outcome:
        start.wait()
        return trial.told(partial(write, key, body))

    outcomes = list(pool.map(run, bodies))
    winners = [body for body, outcome in zip(bodies, outcomes, strict=True) if outcome is Outcome.WON]
    if len(winners) > 1:
        raise BrokenPromiseError(f"of {WRITERS} writers at once with {how}, {len(winners)} were told that they won")
    if not winners and Outcome.UNCLEAR not in outcomes:
        raise BrokenPromiseError(f"of {WRITERS} writers at once with {how}, all were refused")
    if not winners:
        return None
    trial.must_hold(key, winners[0], f"after a race with {how}, other bytes were there than the winner's")
    return winners[0]


def _read_what_was_written(trial: _Trial) -> None:
    key = trial.key("read")
    for number in range(_READS):
        body = b"%d" % number
        etag = trial.storage.put(key, body, content_type=_HTML, metadata=_METADATA | {"number": str(number)})
        trial.must_hold(key, body, "after a write, a read did not show it")
        head = trial.storage.find_head(key)
        if head is None or head.etag != etag or head.size_bytes != len(body):
            raise BrokenPromiseError("after a write, a HEAD did not show it")
        if head.content_type != _HTML or dict(head.metadata) != _METADATA | {"number": str(number)}:
            raise BrokenPromiseError("content type and metadata did not come back as they were put")


def _list_what_was_written(trial: _Trial) -> None:
    storage, prefix = trial.storage, f"{trial.prefix}listed/"
    names = random.sample(_LISTED, len(_LISTED))
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
    """See that keys come in order, and the same by small pages as all together; note the order of a tree's names."""
    storage = trial.storage
    if list(storage.list_keys(prefix)) != sorted(f"{prefix}{name}" for name in _LISTED):
        raise BrokenPromiseError("a listing was not in order")
    if _paged(storage, prefix) != list(storage.list_keys(prefix)):
        raise BrokenPromiseError("a listing that starts after a key did not go on with the next one")
    prefix = f"{trial.prefix}mixed/"
    keys = [trial.key(f"mixed/{name}") for name in _MIXED]
    for key in keys:
        storage.put(key, b"x")
    found = _paged(storage, prefix)
    if set(found) != set(keys):
        raise BrokenPromiseError("a listing by pages left keys out")
    orders = {"bytes": sorted(keys), "path": sorted(keys, key=lambda key: key.split("/"))}
    trial.findings.listed_in_order_of = next((name for name, order in orders.items() if order == found), "neither")


def _paged(storage: ObjectStorage, prefix: str) -> list[str]:
    """Return the keys as pages of two show them, each after the last key of the one before."""
    found: list[str] = []
    while page := list(storage.list_keys(prefix, start_after=found[-1] if found else "", limit=2)):
        found += page
        if len(found) > 2 * (len(_LISTED) + len(_MIXED)):
            raise BrokenPromiseError("a listing that starts after a key did not come to an end")
    return found


_PROMISES = (
    _create_once,
    _replace_only_what_was_seen,
    _replace_nothing_that_is_gone,
    _read_what_was_written,
    _list_what_was_written,
    _one_creator_wins,
    _one_replacer_wins,
)
