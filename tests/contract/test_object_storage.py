"""The port of the object store: one suite for all adapters, the fake included."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.runtime.errors import ObjectMissingError, PreconditionFailedError, StorageConflictError
from shared.runtime.observability import STORE_CALLS
from shared.runtime.settings import ServiceSettings
from shared.storage import Etag, ObjectStorage
from shared.storage.boto import BotoObjectStorage
from shared.storage.memory import MemoryObjectStorage
from shared.storage.s3 import S3ObjectStorage
from tests.conftest import CONTENT_BUCKET


@pytest.fixture(params=["memory", "boto", "s3"])
def storage(request: pytest.FixtureRequest) -> ObjectStorage:
    """Return each adapter of the port in turn; the fake must keep the same promises."""
    if request.param == "memory":
        return MemoryObjectStorage()
    settings: ServiceSettings = request.getfixturevalue("store_settings")
    if request.param == "boto":
        return BotoObjectStorage(settings, CONTENT_BUCKET)
    return S3ObjectStorage(settings, CONTENT_BUCKET)


def test_an_object_is_read_back_with_its_type_and_metadata(storage: ObjectStorage, prefix: str) -> None:
    etag = storage.put(f"{prefix}a", b"body", content_type="text/html; charset=utf-8", metadata={"order": "1"})

    found = storage.get(f"{prefix}a")

    assert (found.body, found.etag, found.head.size_bytes) == (b"body", etag, 4)
    assert found.head.content_type == "text/html; charset=utf-8"
    assert found.head.metadata["order"] == "1"
    assert storage.find_head(f"{prefix}a") == found.head


def test_keys_may_contain_any_character(storage: ObjectStorage, prefix: str) -> None:
    names = ["a b", "a%20b", "a+b", "a=b&c", "a#b?c", "a~b", "a*b", "a'(b)!", "größe", "日本/語"]
    for name in names:
        storage.put(f"{prefix}{name}", name.encode(), metadata={"status": "200"})

    assert [storage.get(f"{prefix}{name}").body for name in names] == [name.encode() for name in names]
    assert set(storage.list_keys(prefix)) == {f"{prefix}{name}" for name in names}
    assert list(storage.list_keys(prefix, start_after=f"{prefix}größe")) == [f"{prefix}日本/語"]


@pytest.mark.parametrize("name", ["a/", "a/b/"])
def test_a_key_with_a_slash_at_its_end_is_another_key(storage: ObjectStorage, prefix: str, name: str) -> None:
    storage.put(f"{prefix}{name[:-1]}", b"x")

    assert storage.find(f"{prefix}{name}") is None
    assert storage.find_head(f"{prefix}{name}") is None


@pytest.mark.parametrize("size_bytes", [0, 1, 3_000_000, 10_000_000])
def test_bodies_of_any_size_come_back_to_the_byte(storage: ObjectStorage, prefix: str, size_bytes: int) -> None:
    body = os.urandom(size_bytes)
    etag = storage.put(f"{prefix}a", body, content_type="image/jpeg", cache_control="max-age=60", unless_exists=True)

    found = storage.get(f"{prefix}a")

    assert found.body == body
    assert (found.etag, found.head.size_bytes, found.head.content_type) == (etag, size_bytes, "image/jpeg")
    with pytest.raises(PreconditionFailedError):
        storage.put(f"{prefix}a", body, unless_exists=True)
    storage.put(f"{prefix}a", body, if_etag=etag)


def test_a_key_without_an_object_is_none_or_missing(storage: ObjectStorage, prefix: str) -> None:
    assert storage.find(f"{prefix}none") is None
    assert storage.find_head(f"{prefix}none") is None
    with pytest.raises(ObjectMissingError):
        storage.get(f"{prefix}none")


def test_unless_exists_refuses_the_second_writer(storage: ObjectStorage, prefix: str) -> None:
    storage.put(f"{prefix}a", b"first", unless_exists=True)

    with pytest.raises(PreconditionFailedError):
        storage.put(f"{prefix}a", b"second", unless_exists=True)
    assert storage.get(f"{prefix}a").body == b"first"


def test_if_etag_refuses_an_outdated_etag(storage: ObjectStorage, prefix: str) -> None:
    seen = storage.put(f"{prefix}a", b"one")
    storage.put(f"{prefix}a", b"two", if_etag=seen)

    with pytest.raises(PreconditionFailedError):
        storage.put(f"{prefix}a", b"three", if_etag=seen)
    assert storage.get(f"{prefix}a").body == b"two"


def test_if_etag_refuses_a_missing_object(storage: ObjectStorage, prefix: str) -> None:
    with pytest.raises(PreconditionFailedError):
        storage.put(f"{prefix}never", b"x", if_etag=Etag('"0123456789abcdef0123456789abcdef"'))


def test_of_many_writers_at_once_exactly_one_wins(storage: ObjectStorage, prefix: str) -> None:
    def write(number: int) -> bool:
        try:
            storage.put(f"{prefix}raced", b"%d" % number, unless_exists=True)
        except (PreconditionFailedError, StorageConflictError):
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        won = [number for number, has_won in enumerate(pool.map(write, range(16))) if has_won]

    assert len(won) == 1
    assert storage.get(f"{prefix}raced").body == b"%d" % won[0]


def test_keys_are_listed_in_order_after_a_key_and_up_to_a_limit(storage: ObjectStorage, prefix: str) -> None:
    for name in ("b", "a", "c~x", "c-x", "d/e"):
        storage.put(f"{prefix}{name}", b"x")

    assert list(storage.list_keys(prefix)) == [f"{prefix}{name}" for name in ("a", "b", "c-x", "c~x", "d/e")]
    assert list(storage.list_keys(prefix, start_after=f"{prefix}b", limit=2)) == [f"{prefix}c-x", f"{prefix}c~x"]
    assert list(storage.list_keys(f"{prefix}zzz")) == []


def test_a_long_listing_is_read_page_by_page_up_to_its_limit(
    storage: ObjectStorage, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.storage.calls._KEYS_PER_PAGE", 3)
    names = [f"{prefix}{number}" for number in range(9)]
    for name in names:
        storage.put(name, b"x")

    assert list(storage.list_keys(prefix)) == names
    assert list(storage.list_keys(prefix, limit=7)) == names[:7]
    before = list_calls()
    assert next(iter(storage.list_keys(prefix))) == names[0]
    assert list_calls() - before <= 1


def list_calls() -> float:
    """Return the number of LIST calls, from the metrics."""
    return sum(
        sample.value
        for family in STORE_CALLS.collect()
        for sample in family.samples
        if sample.labels == {"operation": "LIST"} and sample.name.endswith("_total")
    )


def test_a_listing_has_the_same_etag_and_size_as_a_read(storage: ObjectStorage, prefix: str) -> None:
    for name in ("a", "b", "c"):
        storage.put(f"{prefix}{name}", name.encode() * 3)

    heads = [storage.get(f"{prefix}{name}").head for name in ("b", "c")]
    assert list(storage.list_heads(prefix, start_after=f"{prefix}a")) == [(h.key, h.etag, 3) for h in heads]
    assert [key for key, _, _ in storage.list_heads(prefix, limit=1)] == [f"{prefix}a"]


def test_a_deleted_object_is_gone_and_may_be_deleted_again(storage: ObjectStorage, prefix: str) -> None:
    storage.put(f"{prefix}a", b"x")
    storage.delete(f"{prefix}a")
    storage.delete(f"{prefix}a")

    assert storage.find(f"{prefix}a") is None


def test_folders_are_listed_once_each_in_order_however_many_pages_it_takes(storage: ObjectStorage, prefix: str) -> None:
    for name in ("b/1", "b/2", "a/1", "2/1", "c/x/1", "d/1", "e/1", "file"):
        storage.put(f"{prefix}{name}", b"x")

    assert list(storage.list_folders(prefix)) == ["2", "a", "b", "c", "d", "e"]
    assert list(storage.list_folders(prefix, start_after="b")) == ["c", "d", "e"]
    assert list(storage.list_folders(prefix, page_size=2)) == ["2", "a", "b", "c", "d", "e"]
    assert list(storage.list_folders(f"{prefix}zzz/")) == []
