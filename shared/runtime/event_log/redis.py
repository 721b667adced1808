"""The event log as a Redis stream."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any, cast

import structlog
from redis import Redis
from redis.client import Pipeline
from redis.exceptions import RedisError, ResponseError

from shared.runtime.event_log import EntryId, EntryKind, LogEntry, LogState, NewEntry, StatusEvent
from shared.runtime.receipts import ReceiptStatus, revision_of_receipt
from shared.runtime.redis_client import translated

MAX_ENTRIES = 20_000
_STREAM = "events"
_NAME = "events:name"  # lost together with the stream
_MAX_REASON_CHARS = 500
_MAX_URL_CHARS = 2_000

log = structlog.get_logger()


class RedisEventLog:
    """The entries of the stream `events`."""

    def __init__(self, client: Redis) -> None:
        self._redis = client

    @translated
    def append(self, entry: NewEntry) -> EntryId:
        """Append an entry; return its id."""
        fields = _compact(
            {
                "k": entry.kind.value,
                "s": entry.site,
                "u": entry.url[:_MAX_URL_CHARS],
                "c": entry.subscriber,
                "r": entry.subject,
                "f": entry.since.isoformat() if entry.since else "",
            }
        )
        return _id_of(str(self._redis.xadd(_STREAM, fields, maxlen=MAX_ENTRIES, approximate=True)))

    @translated
    def state(self) -> LogState:
        """Return the log's name and extent."""
        name = token_hex(8)
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.info("server")
            pipe.set(_NAME, name, nx=True, get=True)
            pipe.time()
            pipe.xinfo_stream(_STREAM)
            server, stored_name, now, stream = pipe.execute(raise_on_error=False)
        for answer in (server, stored_name, now):
            if isinstance(answer, Exception):
                raise answer
        digest = hashlib.sha256(f"{server['run_id']} {stored_name or name}".encode()).hexdigest()[:8]
        if isinstance(stream, ResponseError) and "no such key" in str(stream):
            just_before = EntryId(int(now[0]) * 1000 + int(now[1]) // 1000 - 1, 0)
            return LogState(digest, first=None, end=just_before, is_trimmed=False)
        if isinstance(stream, Exception):
            raise stream
        first = stream["first-entry"]
        return LogState(
            digest,
            first=_id_of(first[0]) if first else None,
            end=_id_of(stream["last-generated-id"]),
            is_trimmed=int(stream["entries-added"]) > int(stream["length"]),
        )

    @translated
    def read(self, after: EntryId, limit: int, wait_seconds: float = 0.0) -> Sequence[LogEntry]:
        """Return at most `limit` entries after one, oldest first."""
        block_ms = max(1, int(wait_seconds * 1000)) if wait_seconds > 0 else None
        found = self._redis.xread({_STREAM: f"{after.at_ms}-{after.number}"}, count=limit, block=block_ms)
        streams = cast("list[tuple[str, list[tuple[str, dict[str, str]]]]]", found or [])
        return [entry for _, entries in streams for each in entries if (entry := _entry_of(*each))]


class EventWriter:
    """Appends status events in the exchange that changes their receipts.

    If Redis takes no events for a time, the next exchange appends a gap: receivers read the journal since then.
    """

    def __init__(self) -> None:
        self._missing_since: datetime | None = None

    def execute(self, pipe: Pipeline, events: Sequence[StatusEvent]) -> None:
        """Execute a pipeline that appends these events too.

        Raises:
            RedisError: Redis did not confirm the pipeline.
        """
        since = self._missing_since
        if since is not None:
            fields = _compact({"k": EntryKind.GAP.value, "f": since.isoformat()})
            pipe.xadd(_STREAM, fields, maxlen=MAX_ENTRIES, approximate=True)
        for event in events:
            pipe.xadd(_STREAM, _status_fields(event), maxlen=MAX_ENTRIES, approximate=True)
        try:
            pipe.execute()
        except RedisError:
            for event in events:
                self.miss(event.at)
            raise
        if since is not None:
            self._missing_since = None

    def miss(self, at: datetime) -> None:
        """Remember that Redis did not take an event of this time."""
        self._missing_since = min(at, self._missing_since or at)


def _status_fields(event: StatusEvent) -> dict[Any, Any]:
    """Return the fields of an entry. All have the same names in the same order, which Redis then stores once."""
    return {
        "k": EntryKind.STATUS.value,
        "r": event.receipt,
        "s": event.site,
        "t": event.status.value,
        "u": (event.url or "")[:_MAX_URL_CHARS],
        "w": (event.reason or "")[:_MAX_REASON_CHARS],
        "f": event.at.isoformat(),
    }


def _compact(fields: Mapping[str, str]) -> dict[Any, Any]:
    return {name: value for name, value in fields.items() if value}


def _entry_of(entry_id: str, fields: dict[str, str]) -> LogEntry | None:
    """Return an entry; None for one that a later program version wrote, or another program."""
    found = _id_of(entry_id)
    try:
        kind = EntryKind(fields["k"])
        at = datetime.fromisoformat(fields["f"]).astimezone(UTC) if fields.get("f") else None
        event = _event_of(fields) if kind is EntryKind.STATUS else None
    except (KeyError, ValueError) as error:
        log.warning("log_entry.ignored", entry=entry_id, reason=str(error)[:_MAX_REASON_CHARS])
        return None
    return LogEntry(
        found,
        kind,
        event,
        site=fields.get("s", ""),
        url=fields.get("u", ""),
        subscriber=fields.get("c", ""),
        subject="" if event else fields.get("r", ""),
        since=at,
    )


def _event_of(fields: dict[str, str]) -> StatusEvent:
    named = revision_of_receipt(fields["r"])
    return StatusEvent(
        receipt=fields["r"],
        site=fields["s"],
        article=named[1] if named else None,
        revision=named[2] if named else None,
        status=ReceiptStatus(fields["t"]),
        url=fields.get("u") or None,
        reason=fields.get("w") or None,
        at=datetime.fromisoformat(fields["f"]),
    )


def _id_of(text: str) -> EntryId:
    at_ms, _, number = text.partition("-")
    return EntryId(int(at_ms), int(number))
