"""A bucket in memory, for tests and dry runs, with the same contract (`tests/contract/test_object_storage.py`)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from operator import attrgetter
from threading import Lock

from shared.runtime.errors import ObjectMissingError, PreconditionFailedError
from shared.storage import Etag, ListedObject, ObjectHead, StoredObject


class MemoryObjectStorage:
    """Objects in a dictionary. `puts` has the key of each PUT, for tests of bounded work."""

    def __init__(self) -> None:
        self._objects: dict[str, StoredObject] = {}
        self._lock = Lock()
        self.puts: list[str] = []

    def find(self, key: str) -> StoredObject | None:
        """Return the object, or None if there is none."""
        return self._objects.get(key)

    def get(self, key: str) -> StoredObject:
        """Return the object."""
        found = self.find(key)
        if found is None:
            raise ObjectMissingError(key)
        return found

    def find_head(self, key: str) -> ObjectHead | None:
        """Return the head of the object, or None if there is none."""
        found = self.find(key)
        return found.head if found else None

    def put(
        self,
        key: str,
        body: bytes,
        *,
        content_type: str = "application/json",
        cache_control: str | None = None,  # noqa: ARG002 -- the port's; nobody is served from memory
        metadata: Mapping[str, str] | None = None,
        unless_exists: bool = False,
        if_etag: Etag | None = None,
    ) -> Etag:
        """Store the bytes under at most one precondition."""
        with self._lock:
            present = self._objects.get(key)
            if (unless_exists and present) or (if_etag and (present is None or present.etag != if_etag)):
                raise PreconditionFailedError(key)
            etag = Etag(f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"')
            head = ObjectHead(key, etag, len(body), content_type, dict(metadata or {}))
            self._objects[key] = StoredObject(head, body)
            self.puts.append(key)
            return etag

    def delete(self, key: str) -> None:
        """Delete the object; a missing object is no error."""
        with self._lock:
            self._objects.pop(key, None)

    def list_keys(self, prefix: str, *, start_after: str = "", limit: int | None = None) -> Iterator[str]:
        """Yield the keys that begin with `prefix` and sort after `start_after`, in order, at most `limit`."""
        yield from (found.key for found in self.list_heads(prefix, start_after=start_after, limit=limit))

    def list_heads(self, prefix: str, *, start_after: str = "", limit: int | None = None) -> Iterator[ListedObject]:
        """Yield (key, ETag, size) of the same objects, in the same order."""
        with self._lock:  # other threads may put objects
            heads = [each.head for each in self._objects.values()]
        found = sorted(
            (head for head in heads if head.key.startswith(prefix) and head.key > start_after), key=attrgetter("key")
        )
        yield from (ListedObject(head.key, head.etag, head.size_bytes) for head in found[:limit])

    def list_folders(self, prefix: str, *, start_after: str = "", page_size: int = 1000) -> Iterator[str]:  # noqa: ARG002
        """Yield the folder names below `prefix` (up to the next slash), each once, in order."""
        names = (head.key.removeprefix(prefix) for head in self.list_heads(prefix))
        yield from sorted(
            {folder for folder, slash, _ in (name.partition("/") for name in names) if slash and folder > start_after}
        )
