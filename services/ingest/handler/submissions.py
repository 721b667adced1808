"""The worker's side of submissions: each of a batch is accepted, refused or fails on its own.

Whatever was handled is handled again without harm: what was accepted is found to be there.
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
from shared.messaging.handling import Batch, Result, slices
from shared.messaging.messages import Submission, SubmitArticles
from shared.messaging.pipeline import SUBMIT_ARTICLES
from shared.runtime import inbox
from shared.runtime.errors import HostileMarkupError, PermanentError, RetryableError
from shared.runtime.receipts import Receipt, ReceiptFault, ReceiptStatus
from shared.runtime.receipts.stored import store_receipts
from shared.site.sites import Site, get_site

SIDE_BY_SIDE = 16
MAX_SLICE_SECONDS = 0.035  # until the last items are begun: a message takes about 50 ms, and news waits for no more

log = structlog.get_logger()

_Chain = list[tuple[Submission, Item]]
"""Items of one article, in the order in which they came."""


def read_submissions(message: SubmitArticles, deps: IngestDeps) -> Result:
    """Read and accept a batch; the items that it has no time to begin are returned as not begun.

    A refusal is kept as a dead letter, with its reason on the receipt.
    """
    reading = _Reading(message, get_site(deps.sites, message.site), deps)
    left = list(message.submissions)
    for some in slices(message.submissions, size=SIDE_BY_SIDE, seconds=MAX_SLICE_SECONDS):
        reading.take(some)
        del left[: len(some)]
    reading.store_receipts()
    said = events((committed for _, committed in reading.committed), message)
    reading.open_receipts()
    if not left and not reading.failed:
        reading.settle_entries()
    return Result(said, reading.failed, tuple(each.receipt for each in left))


@dataclass(frozen=True)
class _Reading:
    """A message that is being handled: what was committed so far, and what failed."""

    message: SubmitArticles
    site: Site
    deps: IngestDeps
    committed: list[tuple[Submission, Committed]] = field(default_factory=list)
    failed: dict[str, Exception] = field(default_factory=dict)
    raw: dict[str, bytes | RetryableError] = field(default_factory=dict)  # by key, as read or why not
    held_up: dict[str, Exception] = field(default_factory=dict)  # articles of which an item failed: later ones wait

    def take(self, submissions: Sequence[Submission]) -> None:
        """Read some items, and commit them: those of one article in their order, the articles side by side."""
        chains: dict[str, _Chain] = {}
        for submission in submissions:
            item = self._read(submission)
            if item is None:
                continue
            if error := self.held_up.get(item.article_id):
                self.failed[submission.receipt] = error
            else:
                chains.setdefault(item.article_id, []).append((submission, item))
        executor = self.deps.executor
        for chain, outcomes in Batch(executor).each(
            self._commit, chains.values(), name=lambda each: each[0][0].receipt
        ):
            for (submission, item), outcome in zip(chain, outcomes, strict=True):
                if isinstance(outcome, Committed):
                    self.committed.append((submission, outcome))
                elif not self._end(submission, outcome):
                    self.held_up[item.article_id] = outcome

    def _read(self, submission: Submission) -> Item | None:
        """Return the article that a submission holds, or None where it failed."""
        try:
            body = self._body(submission)
            item = read_item(
                body,
                RawBytes(hashlib.sha256(body).hexdigest(), submission.raw_key, submission.raw_range),
                self._metadata_of(submission),
                self.deps,
            )
            if (noted := note_source(item, self.deps)) is not None:
                noted.result()
        except Exception as error:  # noqa: BLE001 -- the task retries the item or dead-letters it, with this error
            self._end(submission, error)
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
        """Return a submission's bytes. An object that cannot be read now fails all of its items, in their order."""
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
        """Commit an article's items in turn; where one may succeed later, the next ones wait for it."""
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

    def _end(self, submission: Submission, error: Exception) -> bool:
        """Keep what cannot succeed as a dead letter; tell whether that is its outcome, or it has failed for now."""
        if isinstance(error, PermanentError):
            is_refused = isinstance(error, RefusedError | HostileMarkupError)
            try:
                self.deps.dead_letters.bury(
                    SUBMIT_ARTICLES.task_name,
                    self._alone(submission).model_dump(mode="json"),
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

    def _alone(self, submission: Submission) -> SubmitArticles:
        """Return the message of one submission, whose id is the same whatever batch brought it: it has one letter."""
        alone = self.message.only([submission.receipt])
        return alone.model_copy(update={"message_id": uuid5(NAMESPACE_URL, submission.receipt)})

    def store_receipts(self) -> None:
        """State in the bucket what became of the items that were committed; without that they have failed for now."""
        receipts = [self._receipt(submission, committed) for submission, committed in self.committed]
        try:
            store_receipts(self.deps.content, receipts)
        except RetryableError as error:
            self.failed.update({receipt.receipt: error for receipt in receipts})

    def open_receipts(self) -> None:
        """Write to Redis what became of the submissions, and the receipts of their revisions, before any event."""
        opened = [committed.receipt for _, committed in self.committed if committed.receipt]
        read = [self._receipt(submission, committed) for submission, committed in self.committed]
        self.deps.receipts.open(*opened, *read)

    def settle_entries(self) -> None:
        """Delete the inbox entries that are done; one that stays is the sweep's."""
        try:
            inbox.settle_entries(self.deps.content, self.message)
        except RetryableError as error:
            log.warning("inbox_entry.left", reason=str(error))

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
    """Runs a call at once: an item of many has a thread of its own, and waits for no other."""

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
