"""Stores submissions that are answered before they are read; the worker reads them later (`submissions.py`).

The bytes and an inbox entry are in the bucket before the 202. So a lost message only delays: the scheduler emits inbox
entries again. A batch has one raw object, one inbox entry and one message (ADR 14).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from uuid import UUID

from services.ingest.domain.accepted import Submitted
from services.ingest.domain.author import author
from services.ingest.domain.refusal import BacklogFullError, RefusedError
from services.ingest.domain.tracing import trace_parent
from services.ingest.handler.deps import IngestDeps
from services.ingest.ports import Reading, SubmissionMetadata
from shared.messaging.messages import Submission, SubmitArticles
from shared.model.article import Status
from shared.runtime import inbox
from shared.runtime.receipts import Receipt, ReceiptStatus, Stage, submission_receipt
from shared.site import keys


def submit(raw: bytes, metadata: SubmissionMetadata, batch: UUID, deps: IngestDeps) -> Submitted:
    """Store bytes as a batch of one; return the receipt.

    Raises:
        BacklogFullError: too many messages wait, and the bytes are no removal.
        StorageUnavailableError: the store does not answer; nothing was accepted.
    """
    (outcome,) = submit_batch([raw], metadata, batch, deps)
    if isinstance(outcome, BacklogFullError):
        raise outcome
    return outcome


def submit_batch(
    raws: Sequence[bytes], metadata: SubmissionMetadata, batch: UUID, deps: IngestDeps
) -> list[Submitted | BacklogFullError]:
    """Store items together, for the worker to read; return the receipt or the refusal of each item.

    Raises:
        StorageUnavailableError: the store does not answer; nothing was accepted.
    """
    refusals = [_find_refusal(raw, metadata, deps) for raw in raws]
    accepted = {number: raw for number, raw in enumerate(raws) if refusals[number] is None}
    if not accepted:
        return [error for error in refusals if error]
    body = b"\n".join(accepted.values())
    site, lane, received_at = metadata.site, metadata.lane, metadata.received_at
    raw_key = keys.raw_key(site.id, received_at, hashlib.sha256(body).hexdigest())
    template = Submission(
        receipt="",
        raw_key=raw_key,
        content_type=metadata.content_type,
        feed=metadata.feed.id,
        received_at=received_at,
        can_take_down=metadata.may_take_down,
        canonical_site=metadata.canonical_site,
        token_name=author.get().token,
        request_id=author.get().request,
    )
    ranges = {submission_receipt(batch.hex, number): range_ for number, range_ in _ranges(accepted).items()}
    submissions = tuple(
        template.model_copy(update={"receipt": receipt, "raw_range": range_}) for receipt, range_ in ranges.items()
    )
    message = SubmitArticles(
        message_id=batch,
        trace_parent=trace_parent.get(),
        lane=lane,
        begun_at=received_at,
        site=site.id,
        submissions=submissions,
    )
    deps.content.put(raw_key, body, content_type="application/octet-stream")
    inbox.put_batch(deps.content, message)
    warning = deps.emit_events([message], receipts=[_new_receipt(receipt, message) for receipt in ranges])
    return [
        error or Submitted(receipt=submission_receipt(batch.hex, number), warning=warning)
        for number, error in enumerate(refusals)
    ]


def _find_refusal(raw: bytes, metadata: SubmissionMetadata, deps: IngestDeps) -> BacklogFullError | None:
    """Return the refusal of an item if the lane is full; removals are always accepted, so the item is read then."""
    try:
        deps.admit(metadata.lane)
    except BacklogFullError as error:
        try:
            entries = deps.read_document(raw, metadata.content_type, metadata)
        except RefusedError:
            return error
        has_removal = any(isinstance(each, Reading) and each.article.status is not Status.USABLE for each in entries)
        return None if has_removal else error
    return None


def _ranges(raws: dict[int, bytes]) -> dict[int, tuple[int, int] | None]:
    """Return the (first byte, length) of each item in the batch's raw object; None for a single item."""
    ranges: dict[int, tuple[int, int] | None] = {}
    first = 0
    for number, raw in raws.items():
        ranges[number] = (first, len(raw)) if len(raws) > 1 else None
        first += len(raw) + 1
    return ranges


def _new_receipt(receipt: str, message: SubmitArticles) -> Receipt:
    at = message.submissions[0].received_at
    return Receipt(receipt=receipt, site=message.site, stages=(Stage(name=ReceiptStatus.ACCEPTED.value, at=at),))
