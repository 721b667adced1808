"""Dead letters: a message that cannot succeed is kept in the bucket with its payload and the reason."""

from __future__ import annotations

import traceback
from datetime import datetime
from typing import Any, Literal

import structlog
from pydantic import AwareDatetime, BaseModel, ConfigDict

from shared import keys
from shared.receipts import Outcome, Receipts, receipt_id
from shared.storage import ObjectStorage

log = structlog.get_logger()


class DeadLetter(BaseModel):
    """What an operator needs to understand a failure, and to send the message again."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: Literal[1] = 1
    id: str
    service: str
    task: str
    payload: dict[str, Any]
    error: str
    reason: str
    traceback: str
    attempts: int
    buried_at: AwareDatetime


class DeadLetters:
    """The dead letters of one service, in the content bucket."""

    def __init__(self, service: str, storage: ObjectStorage, receipts: Receipts) -> None:
        self.service = service
        self._storage = storage
        self._receipts = receipts

    def bury(
        self,
        task: str,
        payload: dict[str, Any],
        error: BaseException,
        *,
        attempts: int,
        at: datetime,
        outcome: Outcome = Outcome.FAILED,
    ) -> str:
        """Keep the message and settle its receipt, as failed unless told otherwise; return the key.

        Raises:
            StorageUnavailableError: the letter could not be kept, so the message must not be given up.
        """
        letter = DeadLetter(
            id=str(payload.get("message_id", "unknown")),
            service=self.service,
            task=task,
            payload=payload,
            error=type(error).__name__,
            reason=str(error),
            traceback="".join(traceback.format_exception(error)),
            attempts=attempts,
            buried_at=at,
        )
        key = keys.dead_letter_key(self.service, at, letter.id)
        self._storage.put(key, letter.model_dump_json(indent=1).encode())
        log.error("message.dead_lettered", key=key, task=task, error=letter.error, reason=letter.reason)
        if receipt := _receipt_of(payload):
            told = letter.reason if outcome is Outcome.REFUSED else f"{letter.error}: {letter.reason} ({key})"
            self._receipts.settle(receipt, outcome, at, reason=told)
        return key


def _receipt_of(payload: dict[str, Any]) -> str | None:
    if receipt := payload.get("receipt"):
        return str(receipt)
    site, article, revision = (payload.get(name) for name in ("site", "article", "revision"))
    return receipt_id(site, article, revision) if site and article and revision else None
