"""Reads batches of submissions in the worker; each item is accepted, refused or fails separately.

A repeated batch does no harm: accepted items are duplicates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import NAMESPACE_URL, uuid5

import structlog

from services.ingest.domain.author import Author
from services.ingest.domain.refusal import RefusedError
from services.ingest.handler.accept import commit_item, note_source, with_pictures
from services.ingest.handler.commit import Committed, RawBytes
from services.ingest.handler.deps import IngestDeps
from services.ingest.handler.entries import Item, Part, read_acceptable, receipt_of_document, superseded_receipts
from services.ingest.handler.events import events
from services.ingest.handler.parallel import SameThread
from services.ingest.handler.takedowns import takedown_entry
from services.ingest.ports import SetAside, SubmissionMetadata
from shared.messaging.handling import BatchRunner, Result, slices
from shared.messaging.messages import Submission, SubmitArticles
from shared.messaging.pipeline import SUBMIT_ARTICLES
from shared.runtime import audit, inbox
from shared.runtime.errors import HostileMarkupError, PermanentError, RetryableError
from shared.runtime.receipts import Receipt, ReceiptFault, ReceiptStatus
from shared.runtime.receipts.stored import store_receipts
from shared.site.sites import Site, get_site

ITEMS_PER_SLICE = 16
MAX_SLICE_SECONDS = 0.035  # no slice begins later, so that a message takes about 50 ms and does not delay news

log = structlog.get_logger()


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
    follow_ups = events(batch.committed, message)
    batch.open_receipts()
    if not not_begun and not batch.failed:
        batch.delete_inbox_entries()
    return Result(follow_ups, batch.failed, tuple(each.receipt for each in not_begun))


@dataclass(frozen=True)
class _Document:
    """A submission in progress: its entries, and the outcome of each that is finished, by number."""

    submission: Submission
    metadata: SubmissionMetadata
    parts: Sequence[Part]
    outcomes: dict[int, Committed | SetAside] = field(default_factory=dict)

    @property
    def is_finished(self) -> bool:
        return len(self.outcomes) == len(self.parts)

    @property
    def receipt(self) -> Receipt:
        return receipt_of_document(
            self.submission.receipt, self.metadata, [self.outcomes[number] for number in range(len(self.parts))]
        )


@dataclass(frozen=True, slots=True)
class _Link:
    """An item of a document, in the chain of its article."""

    document: _Document
    number: int
    item: Item

    @property
    def receipt(self) -> str:
        return self.document.submission.receipt


@dataclass(frozen=True)
class _BatchReading:
    """A batch in progress: the documents that were read, and the failed submissions."""

    message: SubmitArticles
    site: Site
    deps: IngestDeps
    documents: list[_Document] = field(default_factory=list)
    failed: dict[str, Exception] = field(default_factory=dict)
    raw: dict[str, bytes | RetryableError] = field(default_factory=dict)  # key -> body or error
    blocked: dict[str, Exception] = field(default_factory=dict)  # articles with a failed item: later items wait

    @property
    def committed(self) -> list[Committed]:
        """Return the committed items, also of documents that have another failed item."""
        outcomes = [each for document in self.documents for each in document.outcomes.values()]
        return [each for each in outcomes if isinstance(each, Committed)]

    def accept(self, submissions: Sequence[Submission]) -> None:
        """Read and commit items: those of one article in order, different articles in parallel."""
        chains: dict[str, list[_Link]] = {}
        for submission in submissions:
            for link in self._read(submission):
                if error := self.blocked.get(link.item.article_id):
                    self.failed[submission.receipt] = error
                else:
                    chains.setdefault(link.item.article_id, []).append(link)
        executor = self.deps.executor
        for chain, outcomes in BatchRunner(executor).each(
            self._commit, chains.values(), name=lambda each: f"{each[0].receipt}~{each[0].number}"
        ):
            for link, outcome in zip(chain, outcomes, strict=True):
                if isinstance(outcome, Committed):
                    link.document.outcomes[link.number] = outcome
                elif not self._record_outcome(link, outcome):
                    self.blocked[link.item.article_id] = outcome

    def _read(self, submission: Submission) -> list[_Link]:
        """Return the items of a submission; none if it failed."""
        try:
            body = self._body(submission)
            metadata = self._metadata_of(submission)
            place = RawBytes(hashlib.sha256(body).hexdigest(), submission.raw_key, submission.raw_range)
            document = _Document(submission, metadata, read_acceptable(body, place, metadata, self.deps))
            for number, part in enumerate(document.parts):
                if isinstance(part, SetAside):
                    document.outcomes[number] = part
                elif (source_put := note_source(part, self.deps)) is not None:
                    source_put.result()
        except Exception as error:  # noqa: BLE001 -- the task retries the item or dead-letters it, with this error
            self._record_failure(submission, error)
            return []
        self.documents.append(document)
        return [_Link(document, number, part) for number, part in enumerate(document.parts) if isinstance(part, Item)]

    def _record_outcome(self, link: _Link, error: Exception) -> bool:
        """Record the error of an item; return whether it is final. A refused item among several has no dead letter."""
        if isinstance(error, PermanentError) and len(link.document.parts) > 1:
            faults = error.faults if isinstance(error, RefusedError) else ()
            item = link.item
            link.document.outcomes[link.number] = SetAside(
                "refused", str(error), item.report, item.article.source_id, faults
            )
            return True
        return self._record_failure(link.document.submission, error)

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

    def _commit(self, chain: Sequence[_Link]) -> list[Committed | Exception]:
        """Commit an article's items in order; after a retryable error the later items fail too."""
        is_alone = len(self.message.items) == 1 and len(chain[0].document.parts) == 1
        deps = self.deps if is_alone else replace(self.deps, executor=SameThread())
        outcomes: list[Committed | Exception] = []
        for link in chain:
            try:
                committed = commit_item(with_pictures(link.item, deps), deps)
                self._note_takedown(link.document.submission, committed)
                outcomes.append(committed)
            except PermanentError as error:
                outcomes.append(error)
            except Exception as error:  # noqa: BLE001 -- as above
                return [*outcomes, *[error] * (len(chain) - len(outcomes))]
        return outcomes

    def _note_takedown(self, submission: Submission, committed: Committed) -> None:
        """Write the audit entry of a removal. If that fails, the item has failed, and its retry writes the entry."""
        if entry := takedown_entry(committed, Author(submission.token_name, submission.request_id)):
            audit.note(self.deps.content, entry)

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

    @property
    def _finished(self) -> list[_Document]:
        return [each for each in self.documents if each.is_finished and each.submission.receipt not in self.failed]

    def store_receipts(self) -> None:
        """Store the receipts of the finished submissions in the bucket; if that fails, the submissions have failed."""
        receipts = [document.receipt for document in self._finished]
        try:
            store_receipts(self.deps.content, receipts)
        except RetryableError as error:
            self.failed.update({receipt.receipt: error for receipt in receipts})

    def open_receipts(self) -> None:
        """Write the receipts of the submissions and of their revisions to Redis, before any event."""
        opened = [committed.receipt for committed in self.committed if committed.receipt]
        self.deps.receipts.open(*opened, *(document.receipt for document in self._finished))
        for superseded in superseded_receipts(self.committed):
            self.deps.receipts.finalise(superseded, ReceiptStatus.SUPERSEDED, self.deps.clock())

    def delete_inbox_entries(self) -> None:
        """Delete the batch's inbox entries; the sweep handles a remaining one."""
        try:
            inbox.delete_finished_entries(self.deps.content, self.message)
        except RetryableError as error:
            log.warning("inbox_entry.kept", reason=str(error))


def _faults(error: PermanentError) -> tuple[ReceiptFault, ...]:
    faults = error.faults if isinstance(error, RefusedError) else ()
    return tuple(ReceiptFault(pointer=fault.pointer, detail=fault.detail) for fault in faults)
