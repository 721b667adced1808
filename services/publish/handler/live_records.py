"""`live.json` in the content bucket, and the shelves, changed by compare and set."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import overload

from shared import keys
from shared.errors import PreconditionFailedError, StorageConflictError
from shared.live import LiveRecord, Rested, Shelf, read_record, read_shelf
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
        shelf: str = "",
        is_off: bool = False,
    ) -> tuple[LiveRecord, Etag | None]: ...

    @overload
    def change(
        self,
        site: str,
        article: str,
        step: Callable[[LiveRecord], LiveRecord | None],
        *,
        known: tuple[LiveRecord, Etag | None] | None = None,
        shelf: str = "",
        is_off: bool = False,
    ) -> tuple[LiveRecord, Etag | None] | None: ...

    def change(
        self,
        site: str,
        article: str,
        step: Callable[[LiveRecord], LiveRecord | None],
        *,
        known: tuple[LiveRecord, Etag | None] | None = None,
        shelf: str = "",
        is_off: bool = False,
    ) -> tuple[LiveRecord, Etag | None] | None:
        """Apply a step to the record as it is and store it; return the new record, or None where the step declines.

        `known` spares a reading where the caller has just read or written it. A step that changes nothing costs
        no PUT. A record that lay on a shelf is taken off it first, unless the caller has done so to the known one
        (`is_off`, by `take_off`); `shelf` names the one that it will be laid on.

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
            if record.shelf and etag is not None and not is_off and not self._take_off(record, etag):
                continue
            is_off = False
            changed = changed.model_copy(update={"shelf": shelf})
            key = keys.live_key(site, article)
            etag = self._put(key, changed.model_dump_json(indent=1).encode(), etag, content_type="application/json")
            if etag is None:
                continue  # read again: another publisher was here, or our own answer was lost and the step is repeated
            return changed, etag
        raise StorageConflictError(keys.live_key(site, article))

    def find_shelf(self, site: str, shelf: str) -> tuple[Shelf, Etag | None]:
        """Return a shelf and its ETag; an empty one, without an ETag, where there is none yet."""
        return read_shelf(self._content, site, shelf)

    def change_shelf(
        self, site: str, name: str, step: Callable[[Shelf], Shelf], *, known: tuple[Shelf, Etag | None]
    ) -> None:
        """Apply a step to a shelf as it is and store it; a step that changes nothing costs no PUT.

        That nobody has changed it since it was `known` says of all records that rest there that they are as they were.

        Raises:
            StorageConflictError: others keep changing it; the same message may succeed later.
        """
        shelf, etag = known
        for _ in range(_TRIES):
            changed = step(shelf)
            if changed == shelf or self._put_shelf(site, name, changed, etag):
                return
            shelf, etag = self.find_shelf(site, name)
        raise StorageConflictError(keys.shelf_key(site, name))

    def take_off(self, records: Iterable[tuple[LiveRecord, Etag]]) -> set[str]:
        """Mark records as left by their shelves, by one PUT for each shelf; return whose they are.

        Those that are missing from the answer are not as they were read.
        """
        shelves: dict[tuple[str, str], list[Rested]] = {}
        for record, etag in records:
            left = Rested(article=record.article, base=etag, record=record, is_left=True)
            shelves.setdefault((record.site, record.shelf), []).append(left)
        return {article for (site, name), left in shelves.items() for article in self._mark(site, name, left)}

    def _mark(self, site: str, name: str, left: list[Rested]) -> list[str]:
        marked: list[Rested] = []

        def step(shelf: Shelf) -> Shelf:
            lying = {each.article: shelf.find(each.article) for each in left}
            marked[:] = [each for each in left if _is_same(lying[each.article], each)]
            return shelf.holding(marked)

        self.change_shelf(site, name, step, known=self.find_shelf(site, name))
        return [each.article for each in marked]

    def _take_off(self, record: LiveRecord, etag: Etag) -> bool:
        """Mark a record as left by its shelf; False where it is not as it was read, or others wrote the shelf too."""
        shelf, version = self.find_shelf(record.site, record.shelf)
        lying = shelf.find(record.article)
        if lying is not None and lying.base == etag:
            if lying.record != record:
                return False  # a rebuild has put its page meanwhile
            if lying.is_left:
                return True  # by somebody who then came no further
        elif lying is not None and not lying.is_left and self._is_older(record, etag):
            return False  # it was laid there since
        left = Rested(article=record.article, base=etag, record=record, is_left=True)
        return self._put_shelf(record.site, record.shelf, shelf.holding([left]), version)

    def _is_older(self, record: LiveRecord, etag: Etag) -> bool:
        """Tell whether a record was changed since it was read."""
        there = self._content.find_head(keys.live_key(record.site, record.article))
        return there is None or there.etag != etag

    def _put_shelf(self, site: str, name: str, shelf: Shelf, etag: Etag | None) -> bool:
        key, kind = keys.shelf_key(site, name), "application/x-ndjson"
        return self._put(key, shelf.body, etag, content_type=kind) is not None

    def _put(self, key: str, body: bytes, etag: Etag | None, *, content_type: str) -> Etag | None:
        """Put what is to stand in the place of what was read; None where that is not there any more."""
        try:
            return self._content.put(key, body, content_type=content_type, unless_exists=etag is None, if_etag=etag)
        except (PreconditionFailedError, StorageConflictError):
            return None


def _is_same(lying: Rested | None, other: Rested) -> bool:
    return lying is not None and (lying.base, lying.record) == (other.base, other.record)
