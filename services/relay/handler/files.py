"""Takes files from a watched prefix of a bucket: each is submitted once, and a refused one is kept aside."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from threading import Event

import structlog

from services.relay.handler.submissions import SubmissionDeps, submit
from services.relay.metrics import FILES
from shared.runtime.receipts import Receipt, ReceiptStatus
from shared.runtime.receipts.stored import find_stored_receipt
from shared.runtime.watched_files import TakenFile, WatchState, WatchStates
from shared.site.sites import REFUSED_SUFFIX, Feed, Site
from shared.storage import ListedObject, ObjectStorage

log = structlog.get_logger()

_ROUND_WAIT_SECONDS = 5.0
_MAX_FILES_PER_ROUND = 20
_MAX_LISTED_FILES = 1_000
_MAX_OVERSIZED = 500  # remembered, so that each has one log line; the oldest are forgotten
_MAX_TAKEN = 500  # without an outcome; more files wait
_MAX_OUTCOME_AGE = timedelta(days=1)  # later refusals are only on the receipt
_REASON_SUFFIX = ".reason.json"
_UNKNOWN_TYPES = frozenset({"application/octet-stream", "binary/octet-stream"})  # S3's default: the content decides


class FileWatcher:
    """The job that takes the files of one feed's watched prefix.

    A round submits files, stores their names, then deletes them. After a crash before the second step they are
    submitted again, and their articles are duplicates. After a crash before the third they are only deleted.
    """

    def __init__(self, site: Site, feed: Feed, files: ObjectStorage, deps: SubmissionDeps, *, max_bytes: int) -> None:
        self.name = f"watch-{site.id}-{feed.id}"
        self._site, self._feed, self._files, self._deps = site, feed, files, deps
        self._prefix = feed.watch_prefix or ""
        self._max_bytes = max_bytes
        self._states = WatchStates(deps.content)

    def run_round(self, stop: Event) -> None:
        """Take up to 20 files, keep refused ones aside, then wait for five seconds, or not if more files wait.

        Raises:
            StorageUnavailableError: the store does not answer.
        """
        stored = self._states.find(self._site.id, self._feed.id)
        state = self._settle(stored)
        found = self._new_files(state) if len(state.taken) < _MAX_TAKEN and not self._deps.is_full() else []
        small = [each for each in found if each.size_bytes <= self._max_bytes]
        state = self._report_oversized(state, [each for each in found if each.size_bytes > self._max_bytes])
        for each in small[:_MAX_FILES_PER_ROUND]:
            state = self._take(state, each)
        if state != stored:
            self._states.save(self._site.id, self._feed.id, state)
        for taken in state.taken:
            self._delete(taken)
        if len(small) <= _MAX_FILES_PER_ROUND:
            stop.wait(_ROUND_WAIT_SECONDS)

    def close(self) -> None:
        """Do nothing: the job has no thread of its own."""

    def _new_files(self, state: WatchState) -> list[ListedObject]:
        """Return the files that were not submitted: at most 1,000 are listed."""
        known = {(each.key, each.etag) for each in state.taken}.union(state.oversized)
        listed = self._files.list_heads(self._prefix, limit=_MAX_LISTED_FILES)
        return [each for each in listed if not each.key.endswith("/") and (each.key, each.etag) not in known]

    def _take(self, state: WatchState, listed: ListedObject) -> WatchState:
        """Submit a file, if it is still there and not larger than listed."""
        found = self._files.find(listed.key)
        if found is None or len(found.body) > self._max_bytes:
            return state
        content_type = "" if found.head.content_type in _UNKNOWN_TYPES else found.head.content_type
        submitted = submit(found.body, content_type, self._site, self._feed, self._deps)
        FILES.labels("taken").inc()
        log.info("file.submitted", **self._names, key=listed.key, receipt=submitted.receipt)
        taken = TakenFile(
            key=listed.key,
            etag=found.etag,
            content_type=found.head.content_type,
            raw_key=submitted.raw_key,
            receipt=submitted.receipt,
            taken_at=submitted.received_at,
        )
        return state.model_copy(update={"taken": (*state.taken, taken), "taken_at": taken.taken_at})

    def _delete(self, taken: TakenFile) -> None:
        """Delete a submitted file, unless the sender has replaced it meanwhile."""
        head = self._files.find_head(taken.key)
        if head is not None and head.etag == taken.etag:
            self._files.delete(taken.key)

    def _settle(self, state: WatchState) -> WatchState:
        """Forget the deleted files with an outcome; keep a refused one aside with its reason."""
        now, left = self._deps.clock(), list[TakenFile]()
        for taken in state.taken:
            receipt = find_stored_receipt(self._deps.content, self._site.id, taken.receipt)
            if receipt is None and now - taken.taken_at < _MAX_OUTCOME_AGE:
                left.append(taken)
                continue
            self._delete(taken)
            result = "no outcome within a day"
            if receipt is not None:
                reasons = _refusals_of(receipt)
                result = f"refused: {reasons[0]}" if reasons else receipt.status.value
                if reasons:
                    self._keep_aside(taken, receipt, reasons)
                    state = state.model_copy(update={"refused_at": now})
            state = state.model_copy(update={"result": f"{taken.key}: {result}"})
        return state.model_copy(update={"taken": tuple(left)})

    def _keep_aside(self, taken: TakenFile, receipt: Receipt, reasons: Sequence[str]) -> None:
        raw = self._deps.content.find(taken.raw_key)
        name = self._aside_key(taken.key)
        if raw is not None:
            self._files.put(name, raw.body, content_type=taken.content_type)
        self._put_reason(name, {"receipt": receipt.receipt, "reasons": list(reasons)})
        FILES.labels("refused").inc()
        log.warning("file.refused", **self._names, key=taken.key, receipt=receipt.receipt, reason=reasons[0])

    def _report_oversized(self, state: WatchState, found: Sequence[ListedObject]) -> WatchState:
        """Write the reason of each file that is too large; the file stays, because a copy would need its bytes."""
        for each in found:
            reason = f"the file has {each.size_bytes} bytes; a submission has at most {self._max_bytes}"
            self._put_reason(self._aside_key(each.key), {"reasons": [reason]})
            FILES.labels("refused").inc()
            log.warning("file.refused", **self._names, key=each.key, reason=reason)
        if not found:
            return state
        oversized = (*state.oversized, *((each.key, str(each.etag)) for each in found))[-_MAX_OVERSIZED:]
        return state.model_copy(update={"oversized": oversized, "refused_at": self._deps.clock()})

    def _put_reason(self, name: str, fields: dict[str, object]) -> None:
        self._files.put(f"{name}{_REASON_SUFFIX}", json.dumps(fields, indent=1, ensure_ascii=False).encode())

    def _aside_key(self, key: str) -> str:
        return f"{self._prefix.removesuffix('/')}{REFUSED_SUFFIX}{key.removeprefix(self._prefix)}"

    @property
    def _names(self) -> dict[str, str]:
        return {"site": self._site.id, "feed": self._feed.id}


def _refusals_of(receipt: Receipt) -> list[str]:
    """Return the reasons of a document's refusal, or of its refused entries; empty if all were accepted."""
    bad = (ReceiptStatus.REFUSED, ReceiptStatus.FAILED)
    if receipt.entries:
        return [f"{each.name}: {each.reason or each.status.value}" for each in receipt.entries if each.status in bad]
    if receipt.status not in bad:
        return []
    faults = [f"{each.pointer}: {each.detail}" for each in receipt.faults]
    return faults or [receipt.reason or receipt.status.value]
