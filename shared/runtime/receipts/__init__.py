"""Receipts: what became of a submission. Kept in Redis for a week; the bucket answers where Redis has forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict, JsonValue


class ReceiptStatus(StrEnum):
    """A receipt's status; from LIVE on it is final."""

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
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Tell whether nothing more will happen to the submission by itself."""
        return self not in _ON_THE_WAY


_ON_THE_WAY = {
    ReceiptStatus.ACCEPTED,
    ReceiptStatus.ENRICHED,
    ReceiptStatus.RENDERED,
    ReceiptStatus.PUBLISHED,
    ReceiptStatus.SCHEDULED,
}


class Stage(BaseModel):
    """A step on the way and when it was done."""

    model_config = ConfigDict(frozen=True)

    name: str
    at: AwareDatetime


class PublicPage(BaseModel):
    """A page that the submission made public."""

    model_config = ConfigDict(frozen=True)

    path: str
    url: str
    sha256: str


class ReceiptFault(BaseModel):
    """One thing that was wrong, and where in what was sent (a JSON pointer)."""

    model_config = ConfigDict(frozen=True)

    pointer: str
    detail: str


class Receipt(BaseModel):
    """What is known of a submission now."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    receipt: str
    site: str
    article: str | None = None
    revision: str | None = None
    status: ReceiptStatus = ReceiptStatus.ACCEPTED
    url: str | None = None
    reason: str | None = None
    waits_for: tuple[str, ...] = ()  # of a removal: the addresses where the edge did not answer 410 yet
    faults: tuple[ReceiptFault, ...] = ()
    stages: tuple[Stage, ...] = ()
    pages: tuple[PublicPage, ...] = ()
    report: dict[str, JsonValue] | None = None


class Receipts(Protocol):
    """Receipts by id. Writing one never fails a worker: it is a courtesy, not the truth."""

    def open(self, *receipts: Receipt) -> bool:
        """Write new receipts, or what their reader found out, in one exchange; tell whether Redis took them."""
        ...

    def note(self, receipt: str, stage: ReceiptStatus, at: datetime) -> None:
        """Record that a stage was reached; the first time counts, and a final status stays."""
        ...

    def note_waiting(self, receipt: str, addresses: Sequence[str]) -> None:
        """Record the addresses at which a removal was not seen yet."""
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
        """Record how it ended, and wake who waits for it."""
        ...

    def find(self, receipt: str) -> Receipt | None:
        """Return the receipt, or None where it is not (or no longer) known here."""
        ...


def receipt_id(site: str, article: str, revision: str) -> str:
    """Return the receipt of an accepted revision: it names what it stands for, so that the bucket alone can answer."""
    return f"{site}.{article}.{revision}"


def revision_of_receipt(receipt: str) -> tuple[str, str, str] | None:
    """Return (site, article, revision) of a receipt, or None for one given before its item was read."""
    match receipt.split("."):
        case [site, article, revision]:
            return site, article, revision
        case _:
            return None


def submission_receipt(batch: str, number: int) -> str:
    """Return the receipt of bytes that are answered before they are read: the number'th of its batch, from 0."""
    return f"{batch}.{number}"


def submission_of_receipt(receipt: str) -> tuple[str, int] | None:
    """Return (batch, number) of a receipt, or None for one that was not given so."""
    match receipt.split("."):
        case [batch, number] if batch and number.isascii() and number.isdecimal():
            return batch, int(number)
        case _:
            return None
