"""A second bucket that holds what the content bucket holds, and the way back."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain

import stamina

from shared.runtime.errors import (
    PreconditionFailedError,
    PresslineError,
    RetryableError,
    StorageUnavailableError,
)
from shared.site import keys
from shared.storage import ListedObject, ObjectStorage

_SOURCE_ETAG = "backup-of"  # metadata of a copy: its original's ETag, for stores where an ETag is no digest
_MAX_FAILURES = 50  # after which something is wrong with the whole and not with an object
_TRIES = 3
_TRANSPOSITIONS = 3
_MAX_UNFINISHED_COPIES = 4  # for each thread, so that none waits for the listing

NEVER_COPIED = (keys.PROBES_PREFIX, keys.CONFORMANCE_PREFIX)
"""Of one store and bucket, or of one moment, and good for nothing elsewhere."""
RESTORED_BY_NAME = (keys.TOKENS_PREFIX, keys.DEAD_LETTERS_PREFIX)
"""Missing may well be meant here: a token was revoked, a letter dropped. Restored where the prefix names them."""
_READ_ONCE = (keys.INBOX_PREFIX, keys.SCHEDULE_PREFIX)


@dataclass(slots=True)
class BackupCounts:
    """What became of the objects that were looked at."""

    looked_at: int = 0
    copied: int = 0
    copied_bytes: int = 0
    there: int = 0
    left_out: int = 0  # missing, of RESTORED_BY_NAME
    failures: list[str] = field(default_factory=list)


class TooManyFailuresError(PresslineError):
    """So many objects could not be copied that the rest was not tried; a second run goes on."""


@dataclass(frozen=True, slots=True)
class BackupDeps:
    """From where to where, how many side by side, and who is told after each object."""

    source: ObjectStorage
    target: ObjectStorage
    threads: int
    told: Callable[[BackupCounts], None] = lambda _: None


Pair = tuple[ListedObject, ListedObject | None]
"""An object of the source, and what the target has under its key."""
Copy = Callable[[BackupDeps, ListedObject, ListedObject | None], int | None]


def back_up(deps: BackupDeps, prefix: str = "") -> BackupCounts:
    """Copy what the backup lacks or has with another ETag; nothing is deleted there.

    Both listings are walked side by side, so that memory does not grow with the bucket. Each copy is verified.

    Raises:
        StorageUnavailableError: a bucket cannot be listed.
        TooManyFailuresError: it makes no sense to go on.
    """
    counts = BackupCounts()
    pairs = ((each, there) for each, there in _paired(deps, prefix) if _is_copied(each.key))
    _copy_all(deps, pairs, counts, _copy_over)
    return counts


def restore(deps: BackupDeps, prefix: str = "") -> BackupCounts:
    """Copy back what the content bucket lacks; what lies there stays as it is, whatever it says.

    For most keys that is no question, they never change. For `live.json`, checkpoints and receipts: what is there was
    written by the running line and is newer than any backup; an older one that comes back is brought up to date by the
    line itself (the sweep reads again from an older checkpoint, a publisher claims its paths anew).

    The order keeps the line from acting on half of an article: tombstones and `live.json` first, so that no killed
    text comes out for a moment and no old path is forgotten; then revisions and all else; last what is read once,
    inbox and schedule: a submission whose revision is there is found to be a duplicate, a release that was done
    changes nothing. A tombstone that a restore had removed does no harm: the restore is a revision, and newer.
    Tokens and dead letters come back only where the prefix names them: they may be missing on purpose.

    Raises:
        StorageUnavailableError: a bucket cannot be listed.
        TooManyFailuresError: it makes no sense to go on.
    """
    left_out = [each for each in RESTORED_BY_NAME if not prefix.startswith(each)]
    by_name = chain.from_iterable(_paired(deps, each) for each in left_out if each.startswith(prefix))
    counts = BackupCounts(left_out=sum(there is None for _, there in by_name))
    skipped = (*NEVER_COPIED, *left_out)
    for turn in range(_TRANSPOSITIONS):
        pairs = ((each, there) for each, there in _paired(deps, prefix) if _turn(each.key) == turn)
        due = ((each, there) for each, there in pairs if not each.key.startswith(skipped))
        _copy_all(deps, due, counts, _copy_where_free)
        if counts.failures:
            break
    return counts


def _is_copied(key: str) -> bool:
    return not key.startswith(NEVER_COPIED)


def _turn(key: str) -> int:
    if key.rsplit("/", 1)[-1].startswith((keys.TOMBSTONE, keys.LIVE)):
        return 0
    return 2 if key.startswith(_READ_ONCE) else 1


def _paired(deps: BackupDeps, prefix: str) -> Iterator[Pair]:
    """Yield each object of the source with what the target's listing has under its key.

    The merge takes both listings to be in a tree's order. Where a store lists by bytes, a step may pass over keys of
    the target; those seem to be missing, and are found when the put is refused.
    """
    there = iter(deps.target.list_heads(prefix))
    other = next(there, None)
    for each in deps.source.list_heads(prefix):
        while other and other.key.split("/") < each.key.split("/"):
            other = next(there, None)
        yield each, other if other and other.key == each.key else None


def _copy_all(deps: BackupDeps, pairs: Iterable[Pair], counts: BackupCounts, copy: Copy) -> None:
    """Copy side by side; never more under way than a few for each thread."""
    under_way: deque[tuple[str, Future[int | None]]] = deque()
    with ThreadPoolExecutor(deps.threads) as pool:
        try:
            for each, there in pairs:
                under_way.append((each.key, pool.submit(copy, deps, each, there)))
                if len(under_way) > _MAX_UNFINISHED_COPIES * deps.threads:
                    _settle(*under_way.popleft(), counts)
                    deps.told(counts)
            while under_way:
                _settle(*under_way.popleft(), counts)
                deps.told(counts)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _settle(key: str, future: Future[int | None], counts: BackupCounts) -> None:
    counts.looked_at += 1
    try:
        size_bytes = future.result()
    except PresslineError as error:
        counts.failures.append(f"{key}: {error}")
        if len(counts.failures) >= _MAX_FAILURES:
            raise TooManyFailuresError(
                f"{len(counts.failures)} objects could not be copied, the last of them {counts.failures[-1]}"
            ) from error
    else:
        counts.copied += size_bytes is not None
        counts.copied_bytes += size_bytes or 0
        counts.there += size_bytes is None


def _copy_over(deps: BackupDeps, listed: ListedObject, there: ListedObject | None) -> int | None:
    """Copy an object, over another one too; return its size, None where the same was there already."""
    if there is None:
        try:
            return _copy(deps, listed, is_backup=True, unless_exists=True)
        except PreconditionFailedError:  # the listings are in another order than we took them to be
            pass
    elif there.etag == listed.etag:
        return None
    head = deps.target.find_head(listed.key)
    if head and (head.etag == listed.etag or head.metadata.get(_SOURCE_ETAG) == listed.etag):
        return None
    return _copy(deps, listed, is_backup=True, unless_exists=False)


def _copy_where_free(deps: BackupDeps, listed: ListedObject, there: ListedObject | None) -> int | None:
    """Copy an object back; return its size, None where the key was taken."""
    if there:
        return None
    try:
        return _copy(deps, listed, is_backup=False, unless_exists=True)
    except PreconditionFailedError:
        return None


def _copy(deps: BackupDeps, listed: ListedObject, *, is_backup: bool, unless_exists: bool) -> int | None:
    """Copy and verify; return the size, None where the object was removed since it was listed."""
    found = deps.source.find(listed.key)
    if found is None:
        return None
    metadata = {name: value for name, value in found.head.metadata.items() if name != _SOURCE_ETAG}
    if is_backup:
        metadata[_SOURCE_ETAG] = found.etag
    for attempt in stamina.retry_context(on=_passes, attempts=_TRIES, wait_initial=0.1, wait_max=1.0):
        with attempt:
            etag = deps.target.put(
                listed.key,
                found.body,
                content_type=found.head.content_type,
                metadata=metadata,
                unless_exists=unless_exists,
            )
    if etag != _md5(found.body) and deps.target.get(listed.key).body != found.body:
        raise StorageUnavailableError("the copy holds other bytes than were sent")
    return len(found.body)


def _passes(error: Exception) -> bool:
    return isinstance(error, RetryableError) and not isinstance(error, PreconditionFailedError)


def _md5(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
