"""Reads status events: from the event log, and from the journal where the log has lost or dropped entries.

The journal says which articles changed; the bucket says their present status. So after a loss of Redis an event may
come twice, or several statuses of one article may come as the last one. None is missing.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice

import structlog
from pydantic import AwareDatetime, BaseModel, ValidationError

from shared.model.history import Revisions, read_history
from shared.model.live_record import read_record
from shared.reconcile.outcomes import reason_of, status_of
from shared.runtime.errors import ObjectMissingError
from shared.runtime.event_log import (
    ANNOUNCED_STATUSES,
    EPOCH,
    EntryKind,
    EventLog,
    LogEntry,
    Position,
    StatusEvent,
)
from shared.runtime.receipts import ReceiptStatus, receipt_id
from shared.runtime.receipts.stored import find_stored_receipt
from shared.site import keys
from shared.site.sites import Site
from shared.storage import ObjectStorage

log = structlog.get_logger()

MAX_MARKERS_PER_PAGE = 200
_CHECKPOINT_TTL = timedelta(minutes=1)
_MICROSECOND = timedelta(microseconds=1)


class _Checkpoint(BaseModel):
    """The sweep's checkpoint: every article with an older marker is settled."""

    minute: AwareDatetime


@dataclass(frozen=True, slots=True)
class Page:
    """Entries with the position after each, and the position from which to read on.

    `is_end`: no further entry was there. `is_from_journal`: entries that are no status events may be missing.
    """

    entries: tuple[tuple[Position, LogEntry], ...]
    following: Position
    is_end: bool
    is_from_journal: bool = False


@dataclass(slots=True)
class StatusEvents:
    """The status events of all sites, in pages."""

    log: EventLog
    content: ObjectStorage
    revisions: Revisions
    sites: Mapping[str, Site]
    clock: Callable[[], datetime]
    _last_settled: tuple[datetime, datetime] | None = field(init=False, default=None)

    def end(self) -> Position:
        """Return the position after the last entry.

        Raises:
            RedisUnavailableError: Redis does not answer.
            StorageUnavailableError: the store does not answer.
        """
        settled_until, _ = self._settled()  # before the log: an article that was settled by then is in the log
        state = self.log.state()
        return Position.at(state.end, state.log, settled_until)

    def since(self, at: datetime) -> Position:
        """Return the position from which a receiver reads the journal since a time, then the log."""
        return self.end().reading_journal(at)

    def read(self, after: Position, limit: int, wait_seconds: float = 0.0) -> Page:
        """Return the next page after a position, with at most `limit` entries.

        A page of the log waits for its first entry for `wait_seconds`. A page of the journal has 200 markers at most.

        Raises:
            RedisUnavailableError: Redis does not answer.
            StorageUnavailableError: the store does not answer.
        """
        if after.journal_us is not None:
            return self._read_journal(after)
        settled_until, checked_at = self._settled()
        state = self.log.state()
        if not state.covers(after):
            log.info("event_log.uncovered", position=str(after))
            end = Position.at(state.end, state.log, settled_until)
            return Page((), end.reading_journal(after.journal_start), is_end=False, is_from_journal=True)
        found = self.log.read(after.entry, limit, wait_seconds)
        if not found:
            return Page((), Position.at(after.entry, after.log, settled_until), is_end=True)
        position = after
        entries: list[tuple[Position, LogEntry]] = []
        for entry in found:
            is_recent = entry.id.at_ms >= checked_at.timestamp() * 1000
            position = Position.at(entry.id, after.log, settled_until if is_recent else after.unsettled_since)
            if entry.kind is EntryKind.GAP:
                start = min(entry.since or EPOCH, position.journal_start)
                return Page(tuple(entries), position.reading_journal(start), is_end=False)
            entries.append((position, entry))
        return Page(tuple(entries), position, is_end=len(found) < limit)

    def _read_journal(self, after: Position) -> Page:
        begin = EPOCH + _MICROSECOND * (after.journal_us or 0)
        markers = list(islice(self._markers(begin), MAX_MARKERS_PER_PAGE))
        entries = []
        for at, event in self._present(markers):
            position = after.reading_journal(at)
            entries.append((position, LogEntry(after.entry, EntryKind.STATUS, event)))
        if len(markers) < MAX_MARKERS_PER_PAGE:
            return Page(tuple(entries), replace(after, journal_us=None), is_end=False, is_from_journal=True)
        following = max(markers[-1].at, begin + _MICROSECOND)  # markers of one microsecond never repeat a page for ever
        return Page(tuple(entries), after.reading_journal(following), is_end=False, is_from_journal=True)

    def _markers(self, begin: datetime) -> Iterator[_Marker]:
        """Yield the markers of all sites since a time, oldest first."""
        return heapq.merge(*(self._markers_of(site, begin) for site in self.sites), key=lambda marker: marker.at)

    def _markers_of(self, site: str, begin: datetime) -> Iterator[_Marker]:
        start = keys.journal_minute(site, begin) if begin > EPOCH else ""
        for key in self.content.list_keys(keys.journal_prefix(site), start_after=start):
            try:
                at, article, revision, _ = keys.journal_entry(key)
            except ValueError:
                log.warning("journal_key.ignored", key=key)  # another program put it
                continue
            if at >= begin:
                yield _Marker(at, site, article, revision)

    def _present(self, markers: list[_Marker]) -> Iterator[tuple[datetime, StatusEvent]]:
        """Yield the time of each marker and the present status of its revision; each revision once."""
        last_of = {(marker.site, marker.article, marker.revision): marker for marker in markers}
        for marker in last_of.values():
            try:
                event = self._present_status(marker)
            except ObjectMissingError:  # its acceptance was interrupted: the marker is written before the revision
                continue
            except ValidationError as error:
                log.error("article.unreadable", site=marker.site, article=marker.article, reason=str(error))  # noqa: TRY400
                continue
            if event is not None:
                yield marker.at, event

    def _present_status(self, marker: _Marker) -> StatusEvent | None:
        site, article, now = marker.site, marker.article, self.clock()
        revision = self.revisions.get(site, article, marker.revision)
        history = read_history(self.revisions, site, article)
        record, _ = read_record(self.content, site, article)
        status, receipt, url = (
            status_of(revision, history, record, now),
            receipt_id(site, article, marker.revision),
            None,
        )
        reason = reason_of(status, revision, history)
        if not status.is_final and (failure := find_stored_receipt(self.content, site, receipt)):
            status, reason = failure.status, failure.reason
        if status is ReceiptStatus.LIVE and record.path:
            url = f"{self.sites[site].base_url}{keys.url_path(record.path)}"
        if status not in ANNOUNCED_STATUSES:
            return None
        return StatusEvent(
            receipt=receipt,
            site=site,
            article=article,
            revision=marker.revision,
            status=status,
            url=url,
            reason=reason,
            at=now,
        )

    def _settled(self) -> tuple[datetime, datetime]:
        """Return a time before which each marker's article is settled, and the time at which this was read."""
        now = self.clock()
        if self._last_settled is None or now - self._last_settled[1] >= _CHECKPOINT_TTL:
            found = [self.content.find(keys.checkpoint_key(site)) for site in self.sites]
            minutes = [_Checkpoint.model_validate_json(each.body).minute if each else EPOCH for each in found]
            self._last_settled = min(minutes, default=now), now
        return self._last_settled


@dataclass(frozen=True, slots=True)
class _Marker:
    """A journal marker."""

    at: datetime
    site: str
    article: str
    revision: str
