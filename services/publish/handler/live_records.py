"""Reads `live.json` in the content bucket and changes it with conditional writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import overload

from shared.model.live_record import LiveRecord, read_record
from shared.runtime.errors import PreconditionFailedError, StorageConflictError
from shared.site import keys
from shared.storage import Etag, ObjectStorage

_MAX_ATTEMPTS = 8


class LiveRecords:
    """The records of articles."""

    def __init__(self, content: ObjectStorage) -> None:
        self._content = content

    def find(self, site: str, article: str) -> tuple[LiveRecord, Etag | None]:
        """Return the record and its ETag; a new record and None if the article has none."""
        return read_record(self._content, site, article)

    @overload
    def change(
        self,
        site: str,
        article: str,
        step: Callable[[LiveRecord], LiveRecord],
        *,
        known: tuple[LiveRecord, Etag | None] | None = None,
    ) -> tuple[LiveRecord, Etag | None]: ...

    @overload
    def change(
        self,
        site: str,
        article: str,
        step: Callable[[LiveRecord], LiveRecord | None],
        *,
        known: tuple[LiveRecord, Etag | None] | None = None,
    ) -> tuple[LiveRecord, Etag | None] | None: ...

    def change(
        self,
        site: str,
        article: str,
        step: Callable[[LiveRecord], LiveRecord | None],
        *,
        known: tuple[LiveRecord, Etag | None] | None = None,
    ) -> tuple[LiveRecord, Etag | None] | None:
        """Apply `step` to the current record and store the result; return it, or None if the step returns None.

        `known`: the record and ETag that the caller has just read or written, to save a read. A step that changes
        nothing costs no PUT.

        Raises:
            StorageConflictError: other writers won each of our attempts; the same message may succeed later.
        """
        for _ in range(_MAX_ATTEMPTS):
            record, etag = known or self.find(site, article)
            known = None
            changed = step(record)
            if changed is None:
                return None
            if changed == record:
                return record, etag
            etag = self._put(keys.live_key(site, article), changed.model_dump_json(indent=1).encode(), etag)
            if etag is None:
                continue  # another writer was first, or our own answer was lost: repeat the step
            return changed, etag
        raise StorageConflictError(keys.live_key(site, article))

    def _put(self, key: str, body: bytes, etag: Etag | None) -> Etag | None:
        """Replace the object that has `etag` (None: that does not exist); return None if the object differs."""
        try:
            return self._content.put(key, body, unless_exists=etag is None, if_etag=etag)
        except (PreconditionFailedError, StorageConflictError):
            return None
