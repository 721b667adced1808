"""`live.json` in the content bucket, changed by compare and set."""

from __future__ import annotations

from collections.abc import Callable
from typing import overload

from shared.model.live_record import LiveRecord, read_record
from shared.runtime.errors import PreconditionFailedError, StorageConflictError
from shared.site import keys
from shared.storage import Etag, ObjectStorage

_TRIES = 8


class LiveRecords:
    """The public states of articles."""

    def __init__(self, content: ObjectStorage) -> None:
        self._content = content

    def find(self, site: str, article: str) -> tuple[LiveRecord, Etag | None]:
        """Return the record and its ETag; a new one, without an ETag, where there is none yet."""
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
        """Apply a step to the record as it is and store it; return the new record, or None where the step declines.

        `known` spares a reading where the caller has just read or written it. A step that changes nothing costs
        no PUT.

        Raises:
            StorageConflictError: others keep changing it; the same message may succeed later.
        """
        for _ in range(_TRIES):
            record, etag = known or self.find(site, article)
            known = None
            changed = step(record)
            if changed is None:
                return None
            if changed == record:
                return record, etag
            etag = self._put(keys.live_key(site, article), changed.model_dump_json(indent=1).encode(), etag)
            if etag is None:
                continue  # read again: another publisher was here, or our own answer was lost and the step is repeated
            return changed, etag
        raise StorageConflictError(keys.live_key(site, article))

    def _put(self, key: str, body: bytes, etag: Etag | None) -> Etag | None:
        """Put what is to stand in the place of what was read; None where that is not there any more."""
        try:
            return self._content.put(key, body, unless_exists=etag is None, if_etag=etag)
        except (PreconditionFailedError, StorageConflictError):
            return None
