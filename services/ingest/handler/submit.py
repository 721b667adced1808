"""Submissions that are answered before they are read: stored whole, then read by the worker.

The bytes and an inbox entry are in the bucket before the 202, so that a lost message only delays: the scheduler sends
what lies in the inbox again.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from uuid import UUID

import structlog

from services.ingest.domain.accepted import Submitted
from services.ingest.domain.refusal import BacklogFullError, RefusedError
from services.ingest.handler.accept import accept
from services.ingest.handler.intake import Intake
from services.ingest.ports import ReadingContext
from shared import keys
from shared.article import Status
from shared.errors import HostileMarkupError, PermanentError
from shared.messages import Lane, SubmitArticle
from shared.pipeline import SUBMIT_ARTICLE
from shared.receipts import Outcome, Receipt, ReceiptFault, Stage
from shared.receipts.kept import keep_receipt
from shared.sites import Feed, Site, get_site

log = structlog.get_logger()


def submit(
    raw: bytes,
    *,
    content_type: str | None,
    site: Site,
    feed: Feed,
    received_at: datetime,
    may_take_down: bool,
    receipt: UUID,
    intake: Intake,
    lane: Lane = Lane.LIVE,
    canonical_site: str | None = None,
) -> Submitted:
    """Store the bytes and the wish to have them read; return the receipt.

    `canonical_site`: the first of the sites that they were posted to, where this is another of them.

    Raises:
        BacklogFullError: too much waits before it, and it is not seen to take anything down.
        StorageUnavailableError: the store does not take them now; nothing was accepted.
    """
    _admit(lane, raw, content_type, ReadingContext(site, feed, received_at, canonical_site), intake)
    raw_key = keys.raw_key(site.id, received_at, hashlib.sha256(raw).hexdigest())
    message = SubmitArticle(
        message_id=receipt,
        lane=lane,
        begun_at=received_at,
        site=site.id,
        receipt=receipt.hex,
        raw_key=raw_key,
        content_type=content_type,
        feed=feed.id,
        received_at=received_at,
        can_take_down=may_take_down,
        canonical_site=canonical_site,
    )
    intake.content.put(raw_key, raw, content_type="application/octet-stream")
    intake.content.put(keys.inbox_key(site.id, receipt.hex), message.model_dump_json().encode())
    opened = Receipt(receipt=receipt.hex, site=site.id, stages=(Stage(name=Outcome.ACCEPTED.value, at=received_at),))
    return Submitted(
        receipt=receipt.hex, warning=intake.announce([message], site=site.id, subject=receipt.hex, receipt=opened)
    )


def _admit(lane: Lane, raw: bytes, content_type: str | None, context: ReadingContext, intake: Intake) -> None:
    """Admit what the lane has room for, and removals; only where there is no room does anyone look which it is."""
    try:
        intake.admit(lane)
    except BacklogFullError as full:
        try:
            status = intake.read_article(raw, content_type, context).article.status
        except RefusedError:
            raise full from None
        if status is Status.USABLE:
            raise


def handle(message: SubmitArticle, intake: Intake) -> None:
    """Read a submission and accept it; a refusal is kept as a dead letter, with its reason on the receipt.

    What follows an acceptance is announced by `accept` itself, as it is for the endpoint.
    """
    site = get_site(intake.sites, message.site)
    raw = intake.content.get(message.raw_key).body
    try:
        accepted = accept(
            raw,
            content_type=message.content_type,
            site=site,
            feed=site.get_feed(message.feed),
            received_at=message.received_at,
            may_take_down=message.can_take_down,
            intake=intake,
            lane=message.lane,
            canonical_site=message.canonical_site,
        )
    except PermanentError as error:
        payload = message.model_dump(mode="json")
        intake.letters.bury(
            SUBMIT_ARTICLE.task_name,
            payload,
            error,
            attempts=1,
            at=intake.clock(),
            outcome=Outcome.REFUSED if isinstance(error, RefusedError | HostileMarkupError) else Outcome.FAILED,
            faults=_faults(error),
        )
    else:
        receipt = Receipt(
            receipt=message.receipt,
            site=site.id,
            article=accepted.article,
            revision=accepted.revision,
            status=Outcome(accepted.status),
            report=accepted.report.model_dump(mode="json"),
        )
        keep_receipt(intake.content, receipt)
        intake.receipts.open(receipt)
    intake.content.delete(keys.inbox_key(site.id, message.receipt))


def _faults(error: PermanentError) -> tuple[ReceiptFault, ...]:
    faults = error.faults if isinstance(error, RefusedError) else ()
    return tuple(ReceiptFault(pointer=fault.pointer, detail=fault.detail) for fault in faults)
