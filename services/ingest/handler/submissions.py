"""Reads batches of submissions in the worker; each item is accepted, refused or fails separately.

A repeated batch does no harm: accepted items are duplicates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import structlog

from services.ingest.domain.refusal import RefusedError
from services.ingest.handler.accept import Item, commit_item, note_source, read_item, with_pictures
from services.ingest.handler.commit import Committed, RawBytes
from services.ingest.handler.deps import IngestDeps
from services.ingest.handler.events import events
from services.ingest.ports import SubmissionMetadata
from shared.messaging.handling import BatchRunner, Result, slices
from shared.messaging.messages import Submission, SubmitArticles
from shared.messaging.pipeline import SUBMIT_ARTICLES
from shared.runtime import inbox
from shared.runtime.errors import HostileMarkupError, PermanentError, RetryableError
from shared.runtime.receipts import Receipt, ReceiptFault, ReceiptStatus
from shared.runtime.receipts.stored import store_receipts
from shared.site.sites import Site, get_site

ITEMS_PER_SLICE = 16
MAX_SLICE_SECONDS = 0.035  # no slice begins later, so that a message takes about 50 ms and does not delay news

log = structlog.get_logger()

_Chain = list[tuple[Submission, Item]]
"""Items of one article, in the order of arrival."""


def read_submissions(message: SubmitArticles, deps: IngestDeps) -> Result:
    """Read and accept a batch; items that the time does not suffice for are returned as not begun.

    A refused item is stored as a dead letter, with its reason on the receipt.
    """
    batch = _BatchReading(message, get_site(deps.sites, message.site), deps)
    not_begun = list(message.submissions)
    for part in slices(message.submissions, size=ITEMS_PER_SLICE, seconds=MAX_SLICE_SECONDS):
        batch.accept(part)
        del not_begun[: len(part)]
    batch.store_receipts()
    follow_ups = events((committed for _, committed in batch.committed), message)
    batch.open_receipts()
    if not not_begun and not batch.failed:
        batch.delete_inbox_entries()
    return Result(follow_ups, batch.failed, tuple(each.receipt for each in not_begun))


@dataclass(frozen=True)
class _BatchReading:
    """A batch in progress: the items committed so far, and the failed ones."""

    message: SubmitArticles
    site: Site
    deps: IngestDeps
    committed: list[tuple[Submission, Committed]] = field(default_factory=list)
    failed: dict[str, Exception] = field(default_factory=dict)
    raw: dict[str, bytes | RetryableError] = field(default_factory=dict)  # key -> body or error
    blocked: dict[str, Exception] = field(default_factory=dict)  # articles with a failed item: later items wait

    def accept(self, submissions: Sequence[Submission]) -> None:
        """Read and commit items: those of one article in order, different articles in parallel."""
        chains: dict[str, _Chain] = {}
        for submission in submissions:
            item = self._read(submission)
            if item is None:
                continue
            if error := self.blocked.get(item.article_id):
                self.failed[submission.receipt] = error
            else:
                chains.setdefault(item.article_id, []).append((submission, item))
        executor = self.deps.executor
        for chain, outcomes in BatchRunner(executor).each(
            self._commit, chains.values(), name=lambda each: each[0][0].receipt
        ):
            for (submission, item), outcome in zip(chain, outcomes, strict=True):
                if isinstance(outcome, Committed):
                    self.committed.append((submission, outcome))
                elif not self._record_failure(submission, outcome):
                    self.blocked[item.article_id] = outcome

    def _read(self, submission: Submission) -> Item | None:
        """Return the item of a submission, or None if it failed."""
        try:
            body = self._body(submission)
            item = read_item(
                body,
                RawBytes(hashlib.sha256(body).hexdigest(), submission.raw_key, submission.raw_range),
                self._metadata_of(submission),
                self.deps,
            )
            if (source_put := note_source(item, self.deps)) is not None:
                source_put.result()
        except Exception as error:  # noqa: BLE001 -- the task retries the item or dead-letters it, with this error
            self._record_failure(submission, error)
            return None
        return item

    def _metadata_of(self, submission: Submission) -> SubmissionMetadata:
        return SubmissionMetadata(
            site=self.site,
            feed=self.site.get_feed(submission.feed),
            received_at=submission.received_at,
            canonical_site=submission.canonical_site,
            content_type=submission.content_type,
            may_take_down=submission.can_take_down,
            lane=self.message.lane,
        )

    def _body(self, submission: Submission) -> bytes:
        """Return a submission's bytes. An unreadable object fails all its items, so that their order is kept."""
        key = submission.raw_key
        if key not in self.raw:
            try:
                self.raw[key] = self.deps.content.get(key).body
            except RetryableError as error:
                self.raw[key] = error
        found = self.raw[key]
        if isinstance(found, RetryableError):
            raise found
        first, length = submission.raw_range or (0, len(found))
        return found[first : first + length]

    def _commit(self, chain: _Chain) -> list[Committed | Exception]:
        """Commit an article's items in order; after a retryable error the later items fail too."""
        deps = self.deps if len(self.message.items) == 1 else replace(self.deps, executor=_SameThread())
        outcomes: list[Committed | Exception] = []
        for _, item in chain:
            try:
                outcomes.append(commit_item(with_pictures(item, deps), deps))
            except PermanentError as error:
                outcomes.append(error)
            except Exception as error:  # noqa: BLE001 -- as above
                return [*outcomes, *[error] * (len(chain) - len(outcomes))]
        return outcomes

    def _record_failure(self, submission: Submission, error: Exception) -> bool:
        """Store an item with a permanent error as a dead letter and return True; otherwise record it as failed."""
        if isinstance(error, PermanentError):
            is_refused = isinstance(error, RefusedError | HostileMarkupError)
            try:
                self.deps.dead_letters.bury(
                    SUBMIT_ARTICLES.task_name,
                    self._single_message(submission).model_dump(mode="json"),
                    error,
                    attempts=1,
                    at=self.deps.clock(),
                    outcome=ReceiptStatus.REFUSED if is_refused else ReceiptStatus.FAILED,
                    faults=_faults(error),
                )
            except RetryableError as outage:
                error = outage
            else:
                return True
        self.failed[submission.receipt] = error
        return False

    def _single_message(self, submission: Submission) -> SubmitArticles:
        """Return the message of one submission; its id follows from the receipt, so that it has one dead letter."""
        alone = self.message.only([submission.receipt])
        return alone.model_copy(update={"message_id": uuid5(NAMESPACE_URL, submission.receipt)})

    def store_receipts(self) -> None:
        """Store the receipts of the committed items in the bucket; if that fails, the items have failed too."""
        receipts = [self._receipt(submission, committed) for submission, committed in self.committed]
        try:
            store_receipts(self.deps.content, receipts)
        except RetryableError as error:
            self.failed.update({receipt.receipt: error for receipt in receipts})

    def open_receipts(self) -> None:
        """Write the receipts of the submissions and of their revisions to Redis, before any event."""
        opened = [committed.receipt for _, committed in self.committed if committed.receipt]
        read = [self._receipt(submission, committed) for submission, committed in self.committed]
        self.deps.receipts.open(*opened, *read)

    def delete_inbox_entries(self) -> None:
        """Delete the batch's inbox entries; the sweep handles a remaining one."""
        try:
            inbox.delete_finished_entries(self.deps.content, self.message)
        except RetryableError as error:
            log.warning("inbox_entry.kept", reason=str(error))

    def _receipt(self, submission: Submission, committed: Committed) -> Receipt:
        accepted = committed.accepted
        return Receipt(
            receipt=submission.receipt,
            site=self.site.id,
            article=accepted.article,
            revision=accepted.revision,
            status=ReceiptStatus(accepted.status),
            report=accepted.report.model_dump(mode="json"),
        )


class _SameThread(Executor):
    """Runs a call in the calling thread, because an item of a batch has its own thread already."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401 -- as Executor
        """Return the outcome of the call."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 -- the future carries it
            future.set_exception(error)
        return future


def _faults(error: PermanentError) -> tuple[ReceiptFault, ...]:
    faults = error.faults if isinstance(error, RefusedError) else ()
    return tuple(ReceiptFault(pointer=fault.pointer, detail=fault.detail) for fault in faults)
