"""The result of accepting an article, or of storing bytes for a worker to read."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from services.ingest.domain.refusal import Fault
from services.ingest.domain.report import Report
from shared.runtime.receipts import ReceiptStatus

AcceptedStatus = Literal["accepted", "duplicate", "superseded", "scheduled", "held", "unmatched"]


class NearMatch(BaseModel):
    """An article with the source id of an unmatched removal, under another source."""

    model_config = ConfigDict(frozen=True)

    article: str
    source: str
    headline: str


class Accepted(BaseModel):
    """The status and the ids of an accepted submission."""

    model_config = ConfigDict(frozen=True)

    status: AcceptedStatus
    site: str
    article: str
    revision: str
    receipt: str
    report: Report
    reason: str | None = None  # why there is no page
    near_matches: tuple[NearMatch, ...] = ()  # of an unmatched removal
    text_of: str | None = None  # of a restore: the revision whose text came back


class EntryOutcome(BaseModel):
    """The outcome of one entry of a document; `article`, `revision` and `receipt` are those of a committed article."""

    model_config = ConfigDict(frozen=True)

    name: str
    status: ReceiptStatus
    reason: str | None = None
    report: Report
    article: str | None = None
    revision: str | None = None
    receipt: str | None = None
    faults: tuple[Fault, ...] = ()


class DocumentOutcome(BaseModel):
    """The outcomes of a document that is not one article; `receipt` is that of the document."""

    model_config = ConfigDict(frozen=True)

    receipt: str
    site: str
    entries: tuple[EntryOutcome, ...]
    warning: str | None = None


class Submitted(BaseModel):
    """The receipt of stored bytes, and a warning for their sender."""

    model_config = ConfigDict(frozen=True)

    receipt: str
    warning: str | None = None
