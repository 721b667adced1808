"""Submissions that are answered before they are read: stored whole, and left to the worker (`submissions.py`).

The bytes and an inbox entry are in the bucket before the 202, so that a lost message only delays: the scheduler sends
what lies in the inbox again. A batch has one raw object, one inbox entry and one message (ADR 14).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from uuid import UUID

from services.ingest.domain.accepted import Submitted
from services.ingest.domain.refusal import BacklogFullError, RefusedError
from services.ingest.domain.tracing import trace_parent
from services.ingest.handler.deps import IngestDeps
from services.ingest.ports import SubmissionMetadata
from shared.messaging.messages import Submission, SubmitArticles
from shared.model.article import Status
from shared.runtime import inbox
from shared.runtime.receipts import Receipt, ReceiptStatus, Stage, submission_receipt
from shared.site import keys


def submit(raw: bytes, metadata: SubmissionMetadata, batch: UUID, deps: IngestDeps) -> Submitted:
    """Store the bytes and the wish to have them read, as a batch of one; return the receipt.

    Raises:
        BacklogFullError: too much waits before it, and it is not seen to take anything down.
        StorageUnavailableError: the store does not take them now; nothing was accepted.
    """
    (outcome,) = submit_batch([raw], metadata, batch, deps)
    if isinstance(outcome, BacklogFullError):
        raise outcome
    return outcome


def submit_batch(
    raws: Sequence[bytes], metadata: SubmissionMetadata, batch: UUID, deps: IngestDeps
) -> list[Submitted | BacklogFullError]:
    """Store items together, for the worker to read; return for each its receipt, or why there is no room for it.

    Raises:
        StorageUnavailableError: the store does not take them now; nothing was accepted.
    """
    full = [_no_room(raw, metadata, deps) for raw in raws]
    taken = {number: raw for number, raw in enumerate(raws) if full[number] is None}
    if not taken:
        return [error for error in full if error]
    body = b"\n".join(taken.values())
    site, lane, received_at = metadata.site, metadata.lane, metadata.received_at
    raw_key = keys.raw_key(site.id, received_at, hashlib.sha256(body).hexdigest())
    one = Submission(
        receipt="",
        raw_key=raw_key,
        content_type=metadata.content_type,
        feed=metadata.feed.id,
        received_at=received_at,
        can_take_down=metadata.may_take_down,
        canonical_site=metadata.canonical_site,
    )
    places = {submission_receipt(batch.hex, number): place for number, place in _places(taken).items()}
    every = tuple(one.model_copy(update={"receipt": name, "raw_range": place}) for name, place in places.items())
    message = SubmitArticles(
        message_id=batch,
        trace_parent=trace_parent.get(),
        lane=lane,
        begun_at=received_at,
        site=site.id,
        submissions=every,
    )
    deps.content.put(raw_key, body, content_type="application/octet-stream")
    inbox.put_batch(deps.content, message)
    warning = deps.emit_events([message], receipts=[_opened(receipt, message) for receipt in places])
    return [
        error or Submitted(receipt=submission_receipt(batch.hex, number), warning=warning)
        for number, error in enumerate(full)
    ]


def _no_room(raw: bytes, metadata: SubmissionMetadata, deps: IngestDeps) -> BacklogFullError | None:
    """Return why there is no room; removals always have it. Only where there is none does anyone look which it is."""
    try:
        deps.admit(metadata.lane)
    except BacklogFullError as full:
        try:
            status = deps.read_article(raw, metadata.content_type, metadata).article.status
        except RefusedError:
            return full
        return full if status is Status.USABLE else None
    return None


def _places(raws: dict[int, bytes]) -> dict[int, tuple[int, int] | None]:
    """Return where each item lies among its batch's lines: (first byte, length); None for the only one."""
    places: dict[int, tuple[int, int] | None] = {}
    first = 0
    for number, raw in raws.items():
        places[number] = (first, len(raw)) if len(raws) > 1 else None
        first += len(raw) + 1
    return places


def _opened(receipt: str, message: SubmitArticles) -> Receipt:
    at = message.submissions[0].received_at
    return Receipt(receipt=receipt, site=message.site, stages=(Stage(name=ReceiptStatus.ACCEPTED.value, at=at),))
