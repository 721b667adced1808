"""Dead letters: a message that cannot succeed is kept in the bucket with its payload and the reason."""

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

_ARTICLE_QUARANTINE_SECONDS = 86_400  # as long as the sweep remembers what is not settled
_LISTING_QUARANTINE_SECONDS = 600
_MAX_NAME_CHARS = 100
_MAX_REASON_CHARS = 2_000  # characters; both may quote what a stranger sent
_MAX_TRACEBACK_CHARS = 20_000
_DONE_BY = {"ingest": "read", "enrich": "prepared", "render": "rendered", "publish": "published"}

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

    def as_json(self) -> bytes:
        """Return the letter as it is kept: in ASCII, which any text of strangers fits into."""
        return json.dumps(self.model_dump(mode="json"), indent=1).encode()


class DeadLetters:
    """The dead letters of one service, in the content bucket."""

    def __init__(self, service: str, storage: ObjectStorage, receipts: Receipts, quarantine: Quarantine) -> None:
        self.service = service
        self._storage = storage
        self._receipts = receipts
        self._marks = quarantine

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
        """Keep the message and settle its receipt, as failed unless told otherwise; return the key.

        What the message was about is parked: nobody says it again by himself, for it would only fail again.

        Raises:
            StorageUnavailableError: the letter could not be kept, so the message must not be given up.
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
            told = dead_letter.reason if outcome is ReceiptStatus.REFUSED else _sentence(dead_letter)
            store_receipts(self._storage, [_finalise(receipt, payload, outcome, told, faults)])
            self._receipts.finalise(receipt, outcome, at, reason=told)
        self._quarantine(dead_letter)
        return key

    def _quarantine(self, dead_letter: DeadLetter) -> None:
        try:
            if subject := subject_of(dead_letter):
                self._marks.add(*subject)
        except RedisUnavailableError as error:
            log.warning(
                "letter.unparked", dead_letter=dead_letter.id, reason=str(error)
            )  # said again once: one more letter


def _sentence(dead_letter: DeadLetter) -> str:
    """Return the sentence for the sender of a failed item: the step and the dead letter's id.

    The error itself may quote templates or other articles, so it stays in the letter.
    """
    done = _DONE_BY.get(dead_letter.service, "handled")
    return f"the article could not be {done}; the operators find the cause in dead letter {dead_letter.id}"


class Subject(NamedTuple):
    """What a letter's message was about: an article's revision or a listing's number, and how long it stays parked."""

    site: str
    name: str
    version: str | int
    seconds: int


def subject_of(dead_letter: DeadLetter) -> Subject | None:
    """Return what a letter's message was about, or None where it names neither one article nor one listing."""
    site, named = _name(dead_letter.payload.get("site")), _named(dead_letter.payload)
    if named.article and named.revision:
        return Subject(site, named.article, named.revision, _ARTICLE_QUARANTINE_SECONDS)
    if named.listing:
        return Subject(site, f"listing:{named.listing}", named.wanted_version, _LISTING_QUARANTINE_SECONDS)
    return None


def item_of(dead_letter: DeadLetter) -> str:
    """Return the article, listing or receipt that a letter's message names; empty where it names no single one."""
    named = _named(dead_letter.payload)
    return named.article or named.listing or named.receipt


class _Named(NamedTuple):
    """The one item that a payload names."""

    article: str = ""
    revision: str = ""
    listing: str = ""
    wanted_version: int = 0
    receipt: str = ""


def _named(payload: dict[str, Any]) -> _Named:
    """Return the one item of a payload, whatever a broken message holds in its place; nothing where it has several."""
    articles, listings, submissions = (payload.get(name) for name in ("articles", "listings", "submissions"))
    match articles or submissions or listings or [payload]:
        case [{"article": article, "revision": revision}]:
            return _Named(article=_name(article), revision=_name(revision))
        case [{"receipt": receipt}]:
            return _Named(receipt=_name(receipt))
        case dict() as versions if len(versions) == 1:
            name, version = next(iter(versions.items()))
            return _Named(listing=_name(name), wanted_version=_number(version))
        case _:
            return _Named()


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _dead_letter_id(payload: dict[str, Any]) -> str:
    """Return the message's own id, or one made of its content where it has none that could be a key."""
    try:
        return str(UUID(str(payload.get("message_id"))))
    except ValueError:
        return str(uuid5(NAMESPACE_URL, json.dumps(payload, sort_keys=True, default=str)))


def _cut(text: str, most: int) -> str:
    """Return a text, without its middle if it is too long: how it begins and how it ends tells most."""
    text = text.encode(errors="backslashreplace").decode()  # half a character of UTF-16 is no text
    return text if len(text) <= most else f"{text[: most // 2]}\n[...]\n{text[-most // 2 :]}"


def _name(value: object) -> str:
    """Return a name as text that can be stored, whatever a broken message holds in its place."""
    return _cut(str(value), _MAX_NAME_CHARS)


def _receipt_of(payload: dict[str, Any]) -> str | None:
    named = _named(payload)
    if not payload.get("site"):
        return None
    if named.article and named.revision:
        return receipt_id(_name(payload["site"]), named.article, named.revision)
    return named.receipt or None


def _finalise(
    receipt: str, payload: dict[str, Any], outcome: ReceiptStatus, reason: str, faults: tuple[ReceiptFault, ...]
) -> Receipt:
    """Return the receipt as it has to be told also when Redis has forgotten it."""
    named = _named(payload)
    return Receipt(
        receipt=receipt,
        site=_name(payload["site"]),
        article=named.article or None,
        revision=named.revision or None,
        status=outcome,
        reason=reason,
        faults=faults,
    )
