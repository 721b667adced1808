"""The object store, as the services see it: bytes by key, with the two preconditions that keep order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, NewType, Protocol

Etag = NewType("Etag", str)


@dataclass(frozen=True, slots=True)
class ObjectHead:
    """What is known of an object without its bytes."""

    key: str
    etag: Etag
    size_bytes: int
    content_type: str
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as read."""

    head: ObjectHead
    body: bytes

    @property
    def etag(self) -> Etag:
        """Return the ETag of the bytes that were read."""
        return self.head.etag


class ListedObject(NamedTuple):
    """What a listing tells of an object: enough to see whether two buckets hold the same bytes."""

    key: str
    etag: Etag
    size_bytes: int


class ObjectStorage(Protocol):
    """One bucket: bytes by key."""

    def find(self, key: str) -> StoredObject | None:
        """Return the object, or None where there is none.

        Raises:
            StorageUnavailableError: the store does not answer.
        """
        ...

    def get(self, key: str) -> StoredObject:
        """Return the object.

        Raises:
            ObjectMissingError: there is none.
            StorageUnavailableError: the store does not answer.
        """
        ...

    def find_head(self, key: str) -> ObjectHead | None:
        """Return what is known of the object without reading it, or None where there is none."""
        ...

    def put(
        self,
        key: str,
        body: bytes,
        *,
        content_type: str = "application/json",
        cache_control: str | None = None,
        metadata: Mapping[str, str] | None = None,
        unless_exists: bool = False,
        if_etag: Etag | None = None,
    ) -> Etag:
        """Store `body` once, under one precondition at most.

        Never tried again in here, so that a 412 is never our own lost success.

        Raises:
            PreconditionFailedError: the key exists (`unless_exists`), or is gone or has another ETag (`if_etag`).
            StorageConflictError: the store met two writers at once and says nothing of who won.
            StorageUnavailableError: the store cannot take it now, or its answer was lost.
        """
        ...

    def delete(self, key: str) -> None:
        """Remove the object; one that is not there is no error."""
        ...

    def list_keys(self, prefix: str, *, start_after: str = "", limit: int | None = None) -> Iterator[str]:
        """Yield the keys that begin with `prefix` and sort after `start_after`, in order, at most `limit`.

        The order is the store's: by bytes (AWS), or that of a tree (SeaweedFS), where `b/1` comes before `b-1`. The two
        agree wherever no name beside a folder begins with the folder's name and one of the characters below `/`.
        """
        ...

    def list_heads(self, prefix: str, *, start_after: str = "", limit: int | None = None) -> Iterator[ListedObject]:
        """Yield (key, ETag, size) of the same objects, in the same order and at the same cost."""
        ...

    def list_folders(self, prefix: str, *, start_after: str = "", at_once: int = 1000) -> Iterator[str]:
        """Yield what stands between `prefix` and the next slash in any key, once each, after `start_after`.

        One call of the store for `at_once` of them, however many keys each holds. In order where all are of one
        length; stores disagree on `a` and `a-b`.
        """
        ...
