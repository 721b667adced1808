"""Dead letters: messages that cannot succeed, stored in the content bucket with their payload and error."""

from __future__ import annotations

import json
import traceback
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog
from pydantic import AwareDatetime, BaseModel, ConfigDict

from shared.runtime.errors import RedisUnavailableError
from shared.runtime.quarantine import Quarantine
from shared.runtime.receipts import Receipt, ReceiptFault, Receipts, ReceiptStatus, receipt_id
from shared.runtime.receipts.stored import store_receipts
from shared.site import keys
from shared.storage import ObjectStorage

_ARTICLE_QUARANTINE_SECONDS = 86_400  # as long as the sweep re-emits an unfinished article
_LISTING_QUARANTINE_SECONDS = 600
_MAX_NAME_CHARS = 100
_MAX_REASON_CHARS = 2_000  # it may quote a sender's text
_MAX_TRACEBACK_CHARS = 20_000
_WORK_OF_SERVICE = {"ingest": "read", "enrich": "prepared", "render": "rendered", "publish": "published"}

log = structlog.get_logger()


class DeadLetter(BaseModel):
    """A message that cannot succeed, with all that an operator needs to understand the failure and to replay it."""

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

    def as_json(self) -> bytes:
        """Return the stored form: JSON in ASCII, which can hold any text."""
        return json.dumps(self.model_dump(mode="json"), indent=1).encode()


class DeadLetters:
    """The dead letters of one service, in the content bucket."""

    def __init__(self, service: str, storage: ObjectStorage, receipts: Receipts, quarantine: Quarantine) -> None:
        self.service = service
        self._storage = storage
        self._receipts = receipts
        self._quarantine = quarantine

    def bury(
        self,
        task: str,
        payload: dict[str, Any],
        error: BaseException,
        *,
        attempts: int,
        at: datetime,
        outcome: ReceiptStatus = ReceiptStatus.FAILED,
        faults: tuple[ReceiptFault, ...] = (),
    ) -> str:
        """Store the message as a dead letter and finalise its receipt (`failed` by default); return the key.

        Its subject goes into quarantine: no process emits it again by itself, because it would fail again.

        Raises:
            StorageUnavailableError: the dead letter is not stored, so the message must not be acknowledged.
        """
        dead_letter = DeadLetter(
            id=_dead_letter_id(payload),
            service=self.service,
            task=task,
            payload=payload,
            error=type(error).__name__,
            reason=_cut(str(error), _MAX_REASON_CHARS),
            traceback=_cut("".join(traceback.format_exception(error)), _MAX_TRACEBACK_CHARS),
            attempts=attempts,
            buried_at=at,
        )
        key = keys.dead_letter_key(self.service, at, dead_letter.id)
        self._storage.put(key, dead_letter.as_json())
        log.error("message.dead_lettered", key=key, task=task, error=dead_letter.error, reason=dead_letter.reason)
        if receipt := _receipt_of(payload):
            reason = dead_letter.reason if outcome is ReceiptStatus.REFUSED else _sentence(dead_letter)
            store_receipts(self._storage, [_finalised_receipt(receipt, payload, outcome, reason, faults)])
            self._receipts.finalise(receipt, outcome, at, reason=reason)
        self._quarantine_subject(dead_letter)
        return key

    def _quarantine_subject(self, dead_letter: DeadLetter) -> None:
        try:
            if subject := subject_of(dead_letter):
                self._quarantine.add(*subject)
        except RedisUnavailableError as error:
            log.warning("quarantine.skipped", dead_letter=dead_letter.id, reason=str(error))  # one more dead letter


def _sentence(dead_letter: DeadLetter) -> str:
    """Return the sentence for the sender of a failed item: the step and the dead letter's id.

    The error itself may quote templates or other articles, so only the dead letter has it.
    """
    work = _WORK_OF_SERVICE.get(dead_letter.service, "handled")
    return f"the article could not be {work}; the operators find the cause in dead letter {dead_letter.id}"


class Subject(NamedTuple):
    """The subject of a dead letter: an article's revision or a listing's wanted version, and its time in quarantine."""

    site: str
    name: str
    version: str | int
    seconds: int


def subject_of(dead_letter: DeadLetter) -> Subject | None:
    """Return the subject of a dead letter, or None if it names neither one article nor one listing."""
    site, item = _name(dead_letter.payload.get("site")), _item_in(dead_letter.payload)
    if item.article and item.revision:
        return Subject(site, item.article, item.revision, _ARTICLE_QUARANTINE_SECONDS)
    if item.listing:
        return Subject(site, f"listing:{item.listing}", item.wanted_version, _LISTING_QUARANTINE_SECONDS)
    return None


def item_of(dead_letter: DeadLetter) -> str:
    """Return the article, listing or receipt that a dead letter names; empty if it names several or none."""
    item = _item_in(dead_letter.payload)
    return item.article or item.listing or item.receipt


class _Item(NamedTuple):
    """The one item that a payload names."""

    article: str = ""
    revision: str = ""
    listing: str = ""
    wanted_version: int = 0
    receipt: str = ""


def _item_in(payload: dict[str, Any]) -> _Item:
    """Return the single item of a payload, even of an invalid one; an empty item if it has several."""
    articles, listings, submissions = (payload.get(name) for name in ("articles", "listings", "submissions"))
    match articles or submissions or listings or [payload]:
        case [{"article": article, "revision": revision}]:
            return _Item(article=_name(article), revision=_name(revision))
        case [{"receipt": receipt}]:
            return _Item(receipt=_name(receipt))
        case dict() as versions if len(versions) == 1:
            name, version = next(iter(versions.items()))
            return _Item(listing=_name(name), wanted_version=_number(version))
        case _:
            return _Item()


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _dead_letter_id(payload: dict[str, Any]) -> str:
    """Return the message's own id, or an id derived from its content if its own is no UUID."""
    try:
        return str(UUID(str(payload.get("message_id"))))
    except ValueError:
        return str(uuid5(NAMESPACE_URL, json.dumps(payload, sort_keys=True, default=str)))


def _cut(text: str, max_chars: int) -> str:
    """Return a text; of a too long one, its beginning and its end, which are the most useful parts."""
    text = text.encode(errors="backslashreplace").decode()  # lone surrogates cannot be stored
    return text if len(text) <= max_chars else f"{text[: max_chars // 2]}\n[...]\n{text[-max_chars // 2 :]}"


def _name(value: object) -> str:
    """Return a name as text that can be stored, even from an invalid message."""
    return _cut(str(value), _MAX_NAME_CHARS)


def _receipt_of(payload: dict[str, Any]) -> str | None:
    item = _item_in(payload)
    if not payload.get("site"):
        return None
    if item.article and item.revision:
        return receipt_id(_name(payload["site"]), item.article, item.revision)
    return item.receipt or None


def _finalised_receipt(
    receipt: str, payload: dict[str, Any], outcome: ReceiptStatus, reason: str, faults: tuple[ReceiptFault, ...]
) -> Receipt:
    """Return the receipt for the content bucket, for the time when Redis no longer has it."""
    item = _item_in(payload)
    return Receipt(
        receipt=receipt,
        site=_name(payload["site"]),
        article=item.article or None,
        revision=item.revision or None,
        status=outcome,
        reason=reason,
        faults=faults,
    )
