"""The event log: status events in the order in which they happened, for receivers outside of the pipeline.

Redis holds the last 20,000 entries. Redis may lose the log, and it drops older entries. So a position in the log also
names a stretch of the journal: from there a receiver resumes with the content bucket.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from math import ceil
from typing import NamedTuple, Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict

from shared.runtime.receipts import ReceiptStatus, revision_of_receipt

ANNOUNCED_STATUSES = frozenset(
    {
        ReceiptStatus.ACCEPTED,
        ReceiptStatus.SCHEDULED,
        ReceiptStatus.LIVE,
        ReceiptStatus.SUPERSEDED,
        ReceiptStatus.HELD,
        ReceiptStatus.WITHDRAWN,
        ReceiptStatus.KILLED,
        ReceiptStatus.FAILED,
    }
)
"""The statuses of a receipt that become status events."""

EPOCH = datetime.fromtimestamp(0, UTC)
MAX_LAG_MINUTES = 99_999
_JOURNAL_OVERLAP = timedelta(minutes=2)  # markers precede their events, and clocks differ
_POSITION = re.compile(r"(\d{1,15})-(\d{1,10})-([0-9a-f]{8})-(\d{1,5})(?:-(\d{1,18}))?", re.ASCII)


class StatusEvent(BaseModel):
    """A submission reached a status."""

    model_config = ConfigDict(frozen=True)

    receipt: str
    site: str
    article: str | None = None
    revision: str | None = None
    status: ReceiptStatus
    url: str | None = None
    reason: str | None = None
    at: AwareDatetime


class EntryId(NamedTuple):
    """The place of an entry in the log: Redis's clock in milliseconds, and a number within the millisecond."""

    at_ms: int
    number: int


@dataclass(frozen=True, slots=True)
class Position:
    """The place that a receiver has reached.

    `log`: names one log; another Redis, a restarted one and an emptied one have other names.
    `lag_minutes`: each article whose marker is older than this, measured from `entry`, was settled before.
    `journal_us`: set while the receiver reads the journal: the time of the last marker, in microseconds. It continues
    after `entry` once it has read the journal.
    """

    entry: EntryId
    log: str
    lag_minutes: int
    journal_us: int | None = None

    def __str__(self) -> str:
        journal = "" if self.journal_us is None else f"-{self.journal_us}"
        return f"{self.entry.at_ms}-{self.entry.number}-{self.log}-{self.lag_minutes}{journal}"

    @classmethod
    def at(cls, entry: EntryId, log: str, unsettled_since: datetime) -> Position:
        """Return the position after an entry; each article with an older marker than a time was settled before it."""
        lag = ceil((_time(entry.at_ms) - unsettled_since) / timedelta(minutes=1))
        return cls(entry, log, min(max(0, lag), MAX_LAG_MINUTES))

    @property
    def unsettled_since(self) -> datetime:
        """Return the time of the oldest marker whose article may have been unsettled at this position."""
        if self.lag_minutes >= MAX_LAG_MINUTES:
            return EPOCH
        return max(_time(self.entry.at_ms) - timedelta(minutes=self.lag_minutes), EPOCH)

    @property
    def journal_start(self) -> datetime:
        """Return the time from which the journal has every article that was settled after this position."""
        return max(self.unsettled_since - _JOURNAL_OVERLAP, EPOCH)

    def reading_journal(self, since: datetime) -> Position:
        """Return the position that continues here once the journal since a time was read."""
        return replace(self, journal_us=max(0, int(since.timestamp() * 1_000_000)))


def _time(at_ms: int) -> datetime:
    return EPOCH + timedelta(milliseconds=at_ms)


def position_of(text: str) -> Position | None:
    """Return the position of a text from `str(position)`, or None for any other text."""
    found = _POSITION.fullmatch(text)
    if found is None or int(found[1]) > _MAX_MS or (found[5] and int(found[5]) > _MAX_MS * 1000):
        return None
    journal_us = int(found[5]) if found[5] else None
    return Position(EntryId(int(found[1]), int(found[2])), found[3], int(found[4]), journal_us)


_MAX_MS = 32_503_680_000_000  # the year 3000, which datetime can still hold


class EntryKind(StrEnum):
    """The kinds of entries."""

    STATUS = "status"  # a status event
    GAP = "gap"  # a process could not append since a time: receivers read the journal since then
    FEED = "feed"  # an output feed was published with other bytes than before
    TEST = "test"  # an event for one subscriber, which an operator asked for
    REPLAY = "replay"  # dead letters of one subscriber are to be delivered again


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry to append.

    `site` and `url`: of a feed. `subscriber`: the receiver of a test or a replay. `subject`: the dead letter to replay.
    """

    kind: EntryKind
    site: str = ""
    url: str = ""
    subscriber: str = ""
    subject: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An entry of the log, or a status read from the journal."""

    id: EntryId
    kind: EntryKind
    event: StatusEvent | None = None
    site: str = ""
    url: str = ""
    subscriber: str = ""
    subject: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class LogState:
    """The log's name, its first entry, its end, and whether older entries were dropped.

    `end`: each later entry has a greater id, and no earlier one has.
    """

    log: str
    first: EntryId | None
    end: EntryId
    is_trimmed: bool

    def covers(self, position: Position) -> bool:
        """Tell whether the log has every entry after a position."""
        if position.log != self.log:
            return False
        return not self.is_trimmed or (self.first is not None and self.first <= position.entry)


class EventLog(Protocol):
    """The entries in Redis. `RedisReceipts` appends the status events, together with the receipts."""

    def append(self, entry: NewEntry) -> EntryId:
        """Append an entry; return its id.

        Raises:
            RedisUnavailableError: Redis does not accept it now.
        """
        ...

    def state(self) -> LogState:
        """Return the log's name and extent.

        Raises:
            RedisUnavailableError: Redis does not answer.
        """
        ...

    def read(self, after: EntryId, limit: int, wait_seconds: float = 0.0) -> Sequence[LogEntry]:
        """Return at most `limit` entries after one, oldest first; without any, wait so long for the first.

        Raises:
            RedisUnavailableError: Redis does not answer.
        """
        ...


def is_announced(receipt: str, status: ReceiptStatus) -> bool:
    """Tell whether a receipt's status becomes a status event.

    A submission that was answered before it was read has a receipt of its own. Its status becomes an event only if it
    failed: otherwise the receipt of its revision announces it.
    """
    if status not in ANNOUNCED_STATUSES:
        return False
    return status is ReceiptStatus.FAILED or revision_of_receipt(receipt) is not None
