"""Submissions that are answered before they are read: stored whole, then read by the worker.

The bytes and an inbox entry are in the bucket before the 202, so that a lost message only delays: the scheduler sends
what lies in the inbox again.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from uuid import UUID

import structlog

from services.ingest.domain.refusal import RefusedError
from services.ingest.handler.accept import accept
from services.ingest.handler.intake import Intake
from shared import keys
from shared.errors import PermanentError
from shared.messages import Lane, SubmitArticle
from shared.pipeline import SUBMIT_ARTICLE
from shared.receipts import Outcome, Receipt, Stage
from shared.sites import Site, get_site

log = structlog.get_logger()


def submit(
    raw: bytes,
    *,
    content_type: str | None,
    site: Site,
    source: str,
    received_at: datetime,
    may_take_down: bool,
    receipt: UUID,
    intake: Intake,
) -> str:
    """Store the bytes and the wish to have them read; return the receipt's id.

    Raises:
        StorageUnavailableError: the store does not take them now; nothing was accepted.
    """
    raw_key = keys.raw_key(site.id, received_at, hashlib.sha256(raw).hexdigest())
    message = SubmitArticle(
        message_id=receipt,
        lane=Lane.LIVE,
        begun_at=received_at,
        site=site.id,
        receipt=receipt.hex,
        raw_key=raw_key,
        content_type=content_type,
        source=source,
        received_at=received_at,
        can_take_down=may_take_down,
    )
    intake.content.put(raw_key, raw, content_type="application/octet-stream")
    intake.content.put(keys.inbox_key(site.id, receipt.hex), message.model_dump_json().encode())
    intake.receipts.open(
        Receipt(
            receipt=receipt.hex,
            site=site.id,
            stages=(Stage(name=Outcome.ACCEPTED.value, at=received_at),),
        )
    )
    intake.announce([message], site=site.id)
    return receipt.hex


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
            source=message.source,
            received_at=message.received_at,
            may_take_down=message.can_take_down,
            intake=intake,
            lane=message.lane,
        )
    except PermanentError as error:
        payload = message.model_dump(mode="json")
        outcome = Outcome.REFUSED if isinstance(error, RefusedError) else Outcome.FAILED
        intake.letters.bury(SUBMIT_ARTICLE.task_name, payload, error, attempts=1, at=intake.clock(), outcome=outcome)
    else:
        intake.receipts.open(
            Receipt(
                receipt=message.receipt,
                site=site.id,
                article=accepted.article,
                revision=accepted.revision,
                status=Outcome(accepted.status),
                report=accepted.report.model_dump(mode="json"),
            )
        )
    intake.content.delete(keys.inbox_key(site.id, message.receipt))
