"""Adapters for a dry run: reads go to the real store and Redis, and each write is only reported.

Objects that a handler puts into a bucket are held in memory, so that it can read them. Writes to Redis have no effect.
A dry run of the next step reads them too, if its event carries them (`shared/runtime/step_events.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from shared.runtime.errors import ObjectMissingError, PreconditionFailedError
from shared.runtime.event_log import EntryId, EventLog, LogEntry, LogState, NewEntry
from shared.runtime.quarantine import Quarantine
from shared.runtime.rebuild_runs import RunOutcome, Runs
from shared.runtime.receipts import PublicPage, Receipt, Receipts, ReceiptStatus
from shared.storage import Etag, ListedObject, ObjectHead, ObjectStorage, StoredObject
from shared.storage.memory import MemoryObjectStorage

Report = Callable[[str], None]
"""Takes one line about a write that was not made."""


CONTENT = "content"
"""The name of the content bucket in reports and events."""


class DryRun:
    """One dry run: its report, and the objects of the content bucket that it and earlier dry runs wrote."""

    def __init__(self, report: Report, objects: Mapping[str, bytes] | None = None) -> None:
        """Take the objects of earlier dry runs, by key."""
        self.report = report
        self._content = MemoryObjectStorage()
        for key, body in (objects or {}).items():
            self._content.put(key, body)

    def content(self, real: ObjectStorage) -> DryRunStorage:
        """Return the content bucket: the objects of the dry runs lie over the real ones."""
        return DryRunStorage(real, CONTENT, self.report, self._content)

    def objects(self) -> dict[str, bytes]:
        """Return the written objects of the content bucket, by key; deletions are not among them."""
        return {key: self._content.get(key).body for key in self._content.list_keys("")}


class DryRunStorage:
    """A bucket that is only read; puts and deletes are visible only in this dry run."""

    def __init__(
        self, real: ObjectStorage, name: str, report: Report, written: MemoryObjectStorage | None = None
    ) -> None:
        """Take the name for reports, and the objects that earlier dry runs wrote."""
        self._real, self._name, self._report = real, name, report
        self._written = written or MemoryObjectStorage()
        self._deleted: set[str] = set()

    def find(self, key: str) -> StoredObject | None:
        """Return the object, or None where there is none."""
        return None if key in self._deleted else self._written.find(key) or self._real.find(key)

    def get(self, key: str) -> StoredObject:
        """Return the object."""
        found = self.find(key)
        if found is None:
            raise ObjectMissingError(key)
        return found

    def find_head(self, key: str) -> ObjectHead | None:
        """Return the head of the object, or None if there is none."""
        return None if key in self._deleted else self._written.find_head(key) or self._real.find_head(key)

    def put(
        self,
        key: str,
        body: bytes,
        *,
        content_type: str = "application/json",
        cache_control: str | None = None,  # noqa: ARG002 -- the port's; nobody is served from a dry run
        metadata: Mapping[str, str] | None = None,
        unless_exists: bool = False,
        if_etag: Etag | None = None,
    ) -> Etag:
        """Report the PUT under the same two preconditions."""
        if unless_exists or if_etag:
            present = self.find_head(key)
            if (unless_exists and present) or (if_etag and (present is None or present.etag != if_etag)):
                raise PreconditionFailedError(key)
        etag = self._written.put(key, body, content_type=content_type, metadata=metadata)
        self._deleted.discard(key)
        self._report(f"would put {self._name}/{key} ({content_type}, {len(body)} bytes)")
        return etag

    def delete(self, key: str) -> None:
        """Report the deletion."""
        self._deleted.add(key)
        self._report(f"would delete {self._name}/{key}")

    def list_keys(self, prefix: str, *, start_after: str = "", limit: int | None = None) -> Iterator[str]:
        """Yield the keys that begin with `prefix` and sort after `start_after`, in order, at most `limit`."""
        yield from (found.key for found in self.list_heads(prefix, start_after=start_after, limit=limit))

    def list_heads(self, prefix: str, *, start_after: str = "", limit: int | None = None) -> Iterator[ListedObject]:
        """Yield (key, ETag, size) of the same objects, in the same order."""
        real_limit = None if limit is None else limit + len(self._deleted)
        real = self._real.list_heads(prefix, start_after=start_after, limit=real_limit)
        heads = {head.key: head for head in real}
        heads |= {head.key: head for head in self._written.list_heads(prefix, start_after=start_after)}
        found = [heads[key] for key in sorted(heads) if key not in self._deleted]
        yield from found[:limit]

    def list_folders(self, prefix: str, *, start_after: str = "", page_size: int = 1000) -> Iterator[str]:
        """Yield the folder names below `prefix`, also of keys that were deleted here."""
        real = self._real.list_folders(prefix, start_after=start_after, page_size=page_size)
        yield from sorted({*real, *self._written.list_folders(prefix, start_after=start_after)})


class DryRunReceipts:
    """Receipts that are only read."""

    def __init__(self, real: Receipts, report: Report) -> None:
        self._real, self._report = real, report

    def open(self, *receipts: Receipt) -> bool:
        """Report new receipts."""
        for each in receipts:
            self._report(f"would open receipt {each.receipt} as {each.status}")
        return True

    def note(self, receipt: str, stage: ReceiptStatus, at: datetime) -> None:  # noqa: ARG002 -- the port's
        """Report a stage."""
        self._report(f"would record stage {stage} on receipt {receipt}")

    def note_waiting(self, receipt: str, addresses: Sequence[str]) -> None:
        """Report the addresses that a removal waits for."""
        self._report(f"would record on receipt {receipt} that it waits for {len(addresses)} address(es)")

    def finalise(
        self,
        receipt: str,
        outcome: ReceiptStatus,
        at: datetime,  # noqa: ARG002 -- the port's
        *,
        url: str | None = None,
        reason: str | None = None,
        pages: tuple[PublicPage, ...] = (),  # noqa: ARG002 -- the port's
    ) -> None:
        """Report the final status of a submission."""
        details = "".join(f", {each}" for each in (url, reason) if each)
        self._report(f"would finalise receipt {receipt} as {outcome}{details}")

    def find(self, receipt: str) -> Receipt | None:
        """Return the receipt, or None where it is not known here."""
        return self._real.find(receipt)


class DryRunEventLog:
    """An event log that is only read."""

    def __init__(self, real: EventLog, report: Report) -> None:
        self._real, self._report = real, report

    def append(self, entry: NewEntry) -> EntryId:
        """Report an entry."""
        self._report(f"would append {entry.kind} {entry.url or entry.subject} to the event log")
        return self._real.state().end

    def state(self) -> LogState:
        """Return the log's name and extent."""
        return self._real.state()

    def read(self, after: EntryId, limit: int, wait_seconds: float = 0.0) -> Sequence[LogEntry]:
        """Return at most `limit` entries after one."""
        return self._real.read(after, limit, wait_seconds)


class DryRunQuarantine:
    """A quarantine that is only read."""

    def __init__(self, real: Quarantine, report: Report) -> None:
        self._real, self._report = real, report

    def add(self, site: str, subject: str, version: str | int, seconds: int) -> None:
        """Report a subject that would be quarantined."""
        self._report(f"would quarantine {subject} of {site} up to {version} for {seconds} s")

    def is_quarantined(self, site: str, subject: str, version: str | int) -> bool:
        """Tell whether this version of a subject is in quarantine."""
        return self._real.is_quarantined(site, subject, version)

    def find_quarantined(self, site: str, subjects: Mapping[str, str | int]) -> set[str]:
        """Return the subjects that are in quarantine."""
        return self._real.find_quarantined(site, subjects)

    def release(self, site: str, subject: str) -> None:
        """Report a subject that would be released."""
        self._report(f"would release {subject} of {site} from quarantine")


class DryRunRuns:
    """Runs that are only read."""

    def __init__(self, real: Runs, report: Report) -> None:
        self._real, self._report = real, report

    def begin(self, site: str, run: str) -> None:
        """Report a run that would begin."""
        self._report(f"would begin run {run} of {site}")

    def ensure_latest(self, site: str, run: str) -> bool:
        """Tell whether a run is its site's latest."""
        return self._real.is_latest(site, run)

    def is_latest(self, site: str, run: str) -> bool:
        """Tell whether a run is its site's latest."""
        return self._real.is_latest(site, run)

    def report(self, site: str, run: str, outcomes: Mapping[str, RunOutcome]) -> None:
        """Report the outcomes that would be recorded for a run's articles."""
        for article, outcome in outcomes.items() if run else ():
            self._report(f"would record {outcome} for {article} in run {run} of {site}")

    def reported(self, site: str, run: str, articles: Iterable[str]) -> dict[str, RunOutcome]:
        """Return the reported outcomes of these articles."""
        return self._real.reported(site, run, articles)
