"""Copies the content bucket to a second bucket, and restores it from there."""

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

_SOURCE_ETAG = "backup-of"  # metadata of a copy: the ETag of the original, for stores whose ETags are no digests
_MAX_FAILURES = 50  # then the cause is a bucket or the network, not an object
_MAX_PUT_ATTEMPTS = 3
_RESTORE_PHASES = 3
_MAX_UNFINISHED_COPIES_PER_THREAD = 4  # so that no thread waits for the listing

NEVER_COPIED = (keys.PROBES_PREFIX, keys.CONFORMANCE_PREFIX)
"""Results of one store and bucket; a copy elsewhere would be wrong."""
RESTORED_BY_NAME = (
    keys.TOKENS_PREFIX,
    keys.DEAD_LETTERS_PREFIX,
    keys.WEBHOOKS_PREFIX,
    keys.WEBHOOK_DEAD_LETTERS_PREFIX,
)
"""These may be missing on purpose, such as a revoked token. They are restored only if the prefix names them."""
_CONSUMED_PREFIXES = (keys.INBOX_PREFIX, keys.SCHEDULE_PREFIX)


@dataclass(slots=True)
class BackupCounts:
    """Counts of the examined objects, by result."""

    examined: int = 0
    copied: int = 0
    copied_bytes: int = 0
    already_there: int = 0
    left_out: int = 0  # missing objects under RESTORED_BY_NAME
    failures: list[str] = field(default_factory=list)


class TooManyFailuresError(PresslineError):
    """Too many objects could not be copied, so the rest was not tried; a second run continues."""


@dataclass(frozen=True, slots=True)
class BackupDeps:
    """The two buckets, the number of threads, and a callback that receives the counts after each object."""

    source: ObjectStorage
    target: ObjectStorage
    threads: int
    on_progress: Callable[[BackupCounts], None] = lambda _: None


Pair = tuple[ListedObject, ListedObject | None]
"""An object of the source, and the target's object under the same key, if any."""
CopyObject = Callable[[BackupDeps, ListedObject, ListedObject | None], int | None]


def back_up(deps: BackupDeps, prefix: str = "") -> BackupCounts:
    """Copy the objects that the backup lacks or has with another ETag; delete nothing there. Verify each copy.

    Both listings are read in parallel, so that memory does not grow with the bucket.

    Raises:
        StorageUnavailableError: a bucket cannot be listed.
        TooManyFailuresError: too many copies failed.
    """
    counts = BackupCounts()
    pairs = ((each, there) for each, there in _paired(deps, prefix) if _is_copied(each.key))
    _copy_all(deps, pairs, counts, _copy_over)
    return counts


def restore(deps: BackupDeps, prefix: str = "") -> BackupCounts:
    """Copy missing objects back to the content bucket; overwrite nothing.

    Most keys never change. An existing `live.json`, checkpoint or receipt was written by the running pipeline and is
    newer than any backup. The pipeline updates an older one that comes back: the sweep reads again from an older
    checkpoint, and a publisher claims its paths again.

    Three phases keep the pipeline from acting on half an article:

    1. Tombstones and `live.json`, so that no killed text is published and no old path is forgotten.
    2. Revisions and everything else.
    3. Inbox and schedule, which are consumed. A submission whose revision exists is a duplicate; a release that was
       done changes nothing.

    A returned tombstone of a restored article does no harm: the restore is a revision, and newer.
    Tokens and dead letters may be missing on purpose. They come back only if the prefix names them.

    Raises:
        StorageUnavailableError: a bucket cannot be listed.
        TooManyFailuresError: too many copies failed.
    """
    left_out = [each for each in RESTORED_BY_NAME if not prefix.startswith(each)]
    by_name = chain.from_iterable(_paired(deps, each) for each in left_out if each.startswith(prefix))
    counts = BackupCounts(left_out=sum(there is None for _, there in by_name))
    skipped = (*NEVER_COPIED, *left_out)
    for phase in range(_RESTORE_PHASES):
        pairs = ((each, there) for each, there in _paired(deps, prefix) if _phase_of(each.key) == phase)
        due = ((each, there) for each, there in pairs if not each.key.startswith(skipped))
        _copy_all(deps, due, counts, _copy_if_missing)
        if counts.failures:
            break
    return counts


def _is_copied(key: str) -> bool:
    return not key.startswith(NEVER_COPIED)


def _phase_of(key: str) -> int:
    if key.rsplit("/", 1)[-1].startswith((keys.TOMBSTONE, keys.LIVE)):
        return 0
    return 2 if key.startswith(_CONSUMED_PREFIXES) else 1


def _paired(deps: BackupDeps, prefix: str) -> Iterator[Pair]:
    """Yield each object of the source with the target's object under the same key.

    The merge expects both listings in the order of a directory tree. In a store that lists by bytes, a step may skip
    keys of the target. Such objects seem to be missing; the conditional put then finds them.
    """
    there = iter(deps.target.list_heads(prefix))
    other = next(there, None)
    for each in deps.source.list_heads(prefix):
        while other and other.key.split("/") < each.key.split("/"):
            other = next(there, None)
        yield each, other if other and other.key == each.key else None


def _copy_all(deps: BackupDeps, pairs: Iterable[Pair], counts: BackupCounts, copy: CopyObject) -> None:
    """Copy in parallel, with a limited number of unfinished copies."""
    unfinished: deque[tuple[str, Future[int | None]]] = deque()
    with ThreadPoolExecutor(deps.threads) as pool:
        try:
            for each, there in pairs:
                unfinished.append((each.key, pool.submit(copy, deps, each, there)))
                if len(unfinished) > _MAX_UNFINISHED_COPIES_PER_THREAD * deps.threads:
                    _record_result(*unfinished.popleft(), counts)
                    deps.on_progress(counts)
            while unfinished:
                _record_result(*unfinished.popleft(), counts)
                deps.on_progress(counts)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _record_result(key: str, future: Future[int | None], counts: BackupCounts) -> None:
    counts.examined += 1
    try:
        size_bytes = future.result()
    except PresslineError as error:
        counts.failures.append(f"{key}: {error}")
        if len(counts.failures) >= _MAX_FAILURES:
            raise TooManyFailuresError(
                f"{len(counts.failures)} objects could not be copied; the last failure: {counts.failures[-1]}"
            ) from error
    else:
        counts.copied += size_bytes is not None
        counts.copied_bytes += size_bytes or 0
        counts.already_there += size_bytes is None


def _copy_over(deps: BackupDeps, listed: ListedObject, there: ListedObject | None) -> int | None:
    """Copy an object and overwrite an older copy; return its size in bytes, or None if the copy exists already."""
    if there is None:
        try:
            return _copy(deps, listed, is_backup=True, unless_exists=True)
        except PreconditionFailedError:  # the listings are not in the expected order
            pass
    elif there.etag == listed.etag:
        return None
    head = deps.target.find_head(listed.key)
    if head and (head.etag == listed.etag or head.metadata.get(_SOURCE_ETAG) == listed.etag):
        return None
    return _copy(deps, listed, is_backup=True, unless_exists=False)


def _copy_if_missing(deps: BackupDeps, listed: ListedObject, there: ListedObject | None) -> int | None:
    """Copy an object back; return its size in bytes, or None if the key exists."""
    if there:
        return None
    try:
        return _copy(deps, listed, is_backup=False, unless_exists=True)
    except PreconditionFailedError:
        return None


def _copy(deps: BackupDeps, listed: ListedObject, *, is_backup: bool, unless_exists: bool) -> int | None:
    """Copy and verify; return the size in bytes, or None if the object was deleted after it was listed."""
    found = deps.source.find(listed.key)
    if found is None:
        return None
    metadata = {name: value for name, value in found.head.metadata.items() if name != _SOURCE_ETAG}
    if is_backup:
        metadata[_SOURCE_ETAG] = found.etag
    for attempt in stamina.retry_context(on=_may_pass, attempts=_MAX_PUT_ATTEMPTS, wait_initial=0.1, wait_max=1.0):
        with attempt:
            etag = deps.target.put(
                listed.key,
                found.body,
                content_type=found.head.content_type,
                metadata=metadata,
                unless_exists=unless_exists,
            )
    if etag != _md5(found.body) and deps.target.get(listed.key).body != found.body:
        raise StorageUnavailableError("the copy differs from the bytes that were sent")
    return len(found.body)


def _may_pass(error: Exception) -> bool:
    return isinstance(error, RetryableError) and not isinstance(error, PreconditionFailedError)


def _md5(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
