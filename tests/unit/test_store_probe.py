"""The probe finds and names stores that break a promise, each in the way of a known server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from threading import current_thread, main_thread
from typing import Any

import pytest

from shared.runtime.errors import (
    PreconditionFailedError,
    StorageConflictError,
    StorageUnavailableError,
    StoreNotConformantError,
)
from shared.site import keys
from shared.storage import Etag, ListedObject, ObjectHead, StoredObject
from shared.storage.conformance import check_conformance, find_conformance
from shared.storage.memory import MemoryObjectStorage
from shared.storage.probe import PROBE_VERSION, BrokenPromiseError, probe_store

HERE = "http://s3.test"


class IgnoresIfNoneMatch(MemoryObjectStorage):
    def put(self, key: str, body: bytes, *, unless_exists: bool = False, **rest: Any) -> Etag:
        return super().put(key, body, **rest)


class IgnoresIfMatch(MemoryObjectStorage):
    def put(self, key: str, body: bytes, *, if_etag: Etag | None = None, **rest: Any) -> Etag:
        return super().put(key, body, **rest)


class CreatesObjectsUnderIfMatch(MemoryObjectStorage):
    def put(self, key: str, body: bytes, *, if_etag: Etag | None = None, **rest: Any) -> Etag:
        return super().put(key, body, if_etag=if_etag if self.find(key) else None, **rest)


class LetsTwoWin(MemoryObjectStorage):
    """Reads first and writes a moment later, which is only wrong with writers at the same time."""

    precondition = "unless_exists"

    def __init__(self) -> None:
        super().__init__()
        self._let_through: set[str] = set()

    def put(self, key: str, body: bytes, **rest: Any) -> Etag:
        try:
            return super().put(key, body, **rest)
        except PreconditionFailedError:
            if current_thread() is main_thread() or not rest.get(self.precondition) or key in self._let_through:
                raise
            self._let_through.add(key)
            return super().put(key, body)


class LetsTwoReplace(LetsTwoWin):
    precondition = "if_etag"


class StoresTheBytesOfALoser(MemoryObjectStorage):
    def put(self, key: str, body: bytes, **rest: Any) -> Etag:
        try:
            return super().put(key, body, **rest)
        except PreconditionFailedError:
            if current_thread() is not main_thread():
                super().put(key, body)
            raise


class RefusesAllWritersOfARace(MemoryObjectStorage):
    def put(self, key: str, body: bytes, **rest: Any) -> Etag:
        if current_thread() is not main_thread():
            raise PreconditionFailedError(key)
        return super().put(key, body, **rest)


class RefusesDeletedKeys(MemoryObjectStorage):
    def __init__(self) -> None:
        super().__init__()
        self._gone: set[str] = set()

    def delete(self, key: str) -> None:
        self._gone.add(key)
        super().delete(key)

    def put(self, key: str, body: bytes, *, unless_exists: bool = False, **rest: Any) -> Etag:
        if unless_exists and key in self._gone:
            raise PreconditionFailedError(key)
        return super().put(key, body, unless_exists=unless_exists, **rest)


class ReadsStaleBytes(MemoryObjectStorage):
    def __init__(self) -> None:
        super().__init__()
        self._before: dict[str, StoredObject] = {}

    def put(self, key: str, body: bytes, **rest: Any) -> Etag:
        before = super().find(key)
        etag = super().put(key, body, **rest)
        if before and not rest.get("if_etag"):
            self._before[key] = before
        return etag

    def find(self, key: str) -> StoredObject | None:
        return self._before.pop(key, None) or super().find(key)


class ListsLate(MemoryObjectStorage):
    def list_heads(self, prefix: str, **rest: Any) -> Iterator[ListedObject]:
        newest = self.puts[-1] if self.puts else None
        yield from (each for each in super().list_heads(prefix, **rest) if each.key != newest)


class ListsWithoutOrder(MemoryObjectStorage):
    def list_heads(self, prefix: str, **rest: Any) -> Iterator[ListedObject]:
        yield from reversed(list(super().list_heads(prefix, **rest)))


class IgnoresStartAfter(MemoryObjectStorage):
    def list_heads(self, prefix: str, *, start_after: str = "", limit: int | None = None) -> Iterator[ListedObject]:
        yield from super().list_heads(prefix, limit=limit)


class LosesMetadata(MemoryObjectStorage):
    def put(self, key: str, body: bytes, *, metadata: Mapping[str, str] | None = None, **rest: Any) -> Etag:
        return super().put(key, body, **rest)


class HeadsLag(MemoryObjectStorage):
    def find_head(self, key: str) -> ObjectHead | None:
        head = super().find_head(key)
        return head and ObjectHead(key, Etag('"old"'), head.size_bytes, head.content_type, head.metadata)


def left_in(storage: MemoryObjectStorage) -> list[str]:
    return [key for key in set(storage.puts) if MemoryObjectStorage.find(storage, key)]


NOT_CONFORMANT = [
    (IgnoresIfNoneMatch, "If-None-Match: * let a second object take"),
    (IgnoresIfMatch, "If-Match took an old ETag"),
    (CreatesObjectsUnderIfMatch, "If-Match made an object where there was none"),
    (LetsTwoWin, "16 writers at once with If-None-Match: *, 2 were told that they won"),
    (LetsTwoReplace, "16 writers at once with If-Match, 2 were told that they won"),
    (StoresTheBytesOfALoser, "other bytes were there than the winner's"),
    (RefusesAllWritersOfARace, "all were refused"),
    (RefusesDeletedKeys, "refused a key whose object was deleted"),
    (ReadsStaleBytes, "after a write, a read did not show it"),
    (HeadsLag, "after a write, a HEAD did not show it"),
    (LosesMetadata, "metadata did not come back"),
    (ListsLate, "after a write, a listing did not show it"),
    (ListsWithoutOrder, "a listing was not in order"),
    (IgnoresStartAfter, "a listing that starts after a key did not"),
]


@pytest.mark.parametrize(("store", "promise"), NOT_CONFORMANT, ids=lambda each: getattr(each, "__name__", ""))
def test_a_store_that_breaks_a_promise_is_refused_and_left_clean(
    store: type[MemoryObjectStorage], promise: str
) -> None:
    storage = store()

    with pytest.raises(BrokenPromiseError) as caught:
        probe_store(storage, ".probe/x/")

    assert promise in str(caught.value)
    assert not left_in(storage)


def test_a_store_that_does_not_conform_gets_no_result_and_its_reason_names_bucket_promise_and_remedy() -> None:
    content = MemoryObjectStorage()

    with pytest.raises(StoreNotConformantError) as caught:
        check_conformance(IgnoresIfMatch(), content, HERE, "public")

    assert find_conformance(content, HERE, "public") is None
    for word in ("public", HERE, "If-Match took an old ETag", "SeaweedFS 4.47", "pressline stack prepare"):
        assert word in str(caught.value)


class AnswersLosersWith409Or503(MemoryObjectStorage):
    """Answers losers of a race with 409 or 503, which is as good as 412."""

    def put(self, key: str, body: bytes, **rest: Any) -> Etag:
        try:
            return super().put(key, body, **rest)
        except PreconditionFailedError as error:
            if current_thread() is main_thread():
                raise
            raise (StorageConflictError if len(body) % 2 else StorageUnavailableError)(key) from error


def test_losers_of_a_race_may_get_a_conflict_or_no_answer() -> None:
    findings = probe_store(AnswersLosersWith409Or503(), ".probe/x/")

    assert findings.unclear == findings.races * (findings.writers - 1)


class LosesTheAnswersOfWinners(MemoryObjectStorage):
    def put(self, key: str, body: bytes, **rest: Any) -> Etag:
        etag = super().put(key, body, **rest)
        if current_thread() is not main_thread():
            raise StorageUnavailableError(key)
        return etag


class GoesDownDuringTheProbe(MemoryObjectStorage):
    def list_heads(self, prefix: str, **rest: Any) -> Iterator[ListedObject]:
        raise StorageUnavailableError(prefix)


@pytest.mark.parametrize("store", [LosesTheAnswersOfWinners, GoesDownDuringTheProbe])
def test_a_store_that_is_down_is_neither_conformant_nor_refused(store: type[MemoryObjectStorage]) -> None:
    storage, content = store(), MemoryObjectStorage()

    with pytest.raises(StorageUnavailableError):
        check_conformance(storage, content, HERE, "public")

    assert find_conformance(content, HERE, "public") is None
    assert not left_in(storage)


def test_a_conformant_bucket_is_not_probed_again() -> None:
    storage, content = MemoryObjectStorage(), MemoryObjectStorage()
    first = check_conformance(storage, content, HERE, "public")
    tried = len(storage.puts)

    assert check_conformance(storage, content, HERE, "public") == first
    assert len(storage.puts) == tried


@pytest.mark.parametrize(
    ("endpoint", "bucket", "change"),
    [
        ("http://elsewhere.test", "public", {}),
        (HERE, "another", {}),
        (HERE, "public", {f'"probe_version": {PROBE_VERSION}': f'"probe_version": {PROBE_VERSION - 1}'}),
        (HERE, "public", {'"schema_version": 1': '"schema_version": 99'}),
    ],
    ids=["another store", "another bucket", "an older probe", "unreadable"],
)
def test_a_result_is_valid_for_its_store_bucket_and_probe_only(
    endpoint: str, bucket: str, change: dict[str, str]
) -> None:
    content = MemoryObjectStorage()
    check_conformance(MemoryObjectStorage(), content, HERE, "public")
    text = content.get(keys.conformance_key("public")).body.decode()
    for before, after in change.items():
        assert before in text
        text = text.replace(before, after)
    content.put(keys.conformance_key(bucket), text.encode())  # a copy of the bucket contains it

    assert find_conformance(content, endpoint, bucket) is None
    assert check_conformance(MemoryObjectStorage(), content, endpoint, bucket).endpoint == endpoint
