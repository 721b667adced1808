"""The port of the object store: bytes by key, with the two preconditions that protect newer objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, NewType, Protocol

Etag = NewType("Etag", str)


@dataclass(frozen=True, slots=True)
class ObjectHead:
    """An object's key, ETag, size, content type and metadata, without its bytes."""

    key: str
    etag: Etag
    size_bytes: int
    content_type: str
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object with its bytes."""

    head: ObjectHead
    body: bytes

    @property
    def etag(self) -> Etag:
        """Return the ETag of the bytes."""
        return self.head.etag


class ListedObject(NamedTuple):
    """An object in a LIST response: enough to compare the bytes of two buckets."""

    key: str
    etag: Etag
    size_bytes: int


class ObjectStorage(Protocol):
    """One bucket: bytes by key."""

    def find(self, key: str) -> StoredObject | None:
        """Return the object, or None if there is none.

        Raises:
            StorageUnavailableError: the store does not answer.
        """
        ...

    def get(self, key: str) -> StoredObject:
        """Return the object.

        Raises:
            ObjectMissingError: the key has no object.
            StorageUnavailableError: the store does not answer.
        """
        ...

    def find_head(self, key: str) -> ObjectHead | None:
        """Return the head of the object without its bytes, or None if there is none."""
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
        """Store `body`, under at most one precondition.

        The adapter never retries a PUT, so that a 412 never comes from its own lost success.

        Raises:
            PreconditionFailedError: the key exists (`unless_exists`), is missing or has another ETag (`if_etag`).
            StorageConflictError: the store saw two writers at once and does not name the winner.
            StorageUnavailableError: the store cannot accept it now, or its answer was lost.
        """
        ...

    def delete(self, key: str) -> None:
        """Delete the object; a missing object is no error."""
        ...

    def list_keys(self, prefix: str, *, start_after: str = "", limit: int | None = None) -> Iterator[str]:
        """Yield the keys that begin with `prefix` and sort after `start_after`, in order, at most `limit`.

        The store defines the order: by bytes (AWS), or by path (SeaweedFS: `b/1` comes before `b-1`). Both agree if no
        name beside a folder begins with the folder's name and a character below `/`.
        """
        ...

    def list_heads(self, prefix: str, *, start_after: str = "", limit: int | None = None) -> Iterator[ListedObject]:
        """Yield (key, ETag, size) of the same objects, in the same order and at the same cost."""
        ...

    def list_folders(self, prefix: str, *, start_after: str = "", page_size: int = 1000) -> Iterator[str]:
        """Yield the folder names below `prefix` (up to the next slash), each once, after `start_after`.

        One call of the store returns `page_size` folders, with any number of keys. The order is certain only for names
        of equal length; stores disagree on `a` and `a-b`.
        """
        ...
