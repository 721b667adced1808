"""Receipts: the status of each submission. Redis has them for a week; after that the bucket answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict, JsonValue


class ReceiptStatus(StrEnum):
    """The status of a receipt; from LIVE on, each is final."""

    ACCEPTED = "accepted"
    ENRICHED = "enriched"
    RENDERED = "rendered"
    PUBLISHED = "published"
    SCHEDULED = "scheduled"
    LIVE = "live"
    HELD = "held"
    REFUSED = "refused"
    DUPLICATE = "duplicate"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"
    KILLED = "killed"
    UNMATCHED = "unmatched"
    MEDIA = "media"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Tell whether the status is final: nothing more happens to the submission by itself."""
        return self not in _PROGRESS


_PROGRESS = (
    ReceiptStatus.ACCEPTED,
    ReceiptStatus.ENRICHED,
    ReceiptStatus.RENDERED,
    ReceiptStatus.PUBLISHED,
    ReceiptStatus.SCHEDULED,
)


class Stage(BaseModel):
    """A status that the submission has reached, and its time."""

    model_config = ConfigDict(frozen=True)

    name: str
    at: AwareDatetime


class PublicPage(BaseModel):
    """A public page of the submission."""

    model_config = ConfigDict(frozen=True)

    path: str
    url: str
    sha256: str


class ReceiptFault(BaseModel):
    """A fault of the submission, and its place in the sent JSON (a JSON pointer)."""

    model_config = ConfigDict(frozen=True)

    pointer: str
    detail: str


class ReceiptEntry(BaseModel):
    """The outcome of one item of a document; a committed article has a receipt of its own."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    status: ReceiptStatus
    receipt: str | None = None
    reason: str | None = None
    faults: tuple[ReceiptFault, ...] = ()


class Receipt(BaseModel):
    """The status of one submission, for its sender."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    receipt: str
    site: str
    article: str | None = None
    revision: str | None = None
    status: ReceiptStatus = ReceiptStatus.ACCEPTED
    url: str | None = None
    reason: str | None = None
    waits_for: tuple[str, ...] = ()  # of a removal: addresses at which the edge does not answer 410 yet
    faults: tuple[ReceiptFault, ...] = ()
    stages: tuple[Stage, ...] = ()
    pages: tuple[PublicPage, ...] = ()
    report: dict[str, JsonValue] | None = None
    entries: tuple[ReceiptEntry, ...] = ()  # of a document with several items; only the bucket has them


class Receipts(Protocol):
    """Receipts by id. A failed write raises no error, because the content bucket is authoritative."""

    def open(self, *receipts: Receipt) -> bool:
        """Write new or changed receipts in one exchange; return whether Redis accepted them."""
        ...

    def note(self, receipt: str, stage: ReceiptStatus, at: datetime) -> None:
        """Record that a status was reached; its first time counts, and a final status stays."""
        ...

    def note_waiting(self, receipt: str, addresses: Sequence[str]) -> None:
        """Record the addresses at which a removal is not visible yet."""
        ...

    def finalise(
        self,
        receipt: str,
        outcome: ReceiptStatus,
        at: datetime,
        *,
        url: str | None = None,
        reason: str | None = None,
        pages: tuple[PublicPage, ...] = (),
    ) -> None:
        """Record the final status, and wake the requests that wait for it."""
        ...

    def find(self, receipt: str) -> Receipt | None:
        """Return the receipt, or None if Redis does not have it (any more)."""
        ...


def status_of_entries(statuses: Sequence[ReceiptStatus]) -> ReceiptStatus:
    """Return the status of a document: unfinished while an entry is; live if one is; else the first that counts.

    A scheduled entry keeps no document unfinished, because its time may be far away.
    """
    unfinished = [each for each in statuses if not each.is_final and each is not ReceiptStatus.SCHEDULED]
    if unfinished:
        return min(unfinished, key=_PROGRESS.index)
    if ReceiptStatus.LIVE in statuses:
        return ReceiptStatus.LIVE
    return next((each for each in statuses if each is not ReceiptStatus.REFUSED), ReceiptStatus.REFUSED)


def receipt_id(site: str, article: str, revision: str) -> str:
    """Return the receipt id of an accepted revision; it names the revision, so that the bucket alone can answer."""
    return f"{site}.{article}.{revision}"


def revision_of_receipt(receipt: str) -> tuple[str, str, str] | None:
    """Return (site, article, revision) of a receipt id, or None for the id of an unread submission."""
    match receipt.split("."):
        case [site, article, revision]:
            return site, article, revision
        case _:
            return None


def submission_receipt(batch: str, number: int) -> str:
    """Return the receipt id of a submission that is answered before it is read; `number` counts from 0."""
    return f"{batch}.{number}"


def submission_of_receipt(receipt: str) -> tuple[str, int] | None:
    """Return (batch, number) of the id from `submission_receipt`, or None for another id."""
    match receipt.split("."):
        case [batch, number] if batch and number.isascii() and number.isdecimal():
            return batch, int(number)
        case _:
            return None
