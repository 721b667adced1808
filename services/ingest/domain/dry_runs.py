"""The outcome of a dry run: the result that a post would have, and the public files that it would change."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from services.ingest.domain.refusal import Fault
from services.ingest.domain.report import Report
from shared.model.article import Article
from shared.runtime.receipts import ReceiptStatus


class Change(BaseModel):
    """A public file that would change, and the reason."""

    model_config = ConfigDict(frozen=True)

    path: str = Field(description="The key in the public bucket.")
    url: str
    why: str = Field(description="For people: `own page`, `shows the card`, `lists the section world`, `redirect`.")


class DryRunEntry(BaseModel):
    """The outcome of one entry. `article` is None if the entry is no article; `changes` is None if it is unknown."""

    model_config = ConfigDict(frozen=True)

    name: str
    status: ReceiptStatus
    reason: str | None = None
    report: Report
    faults: tuple[Fault, ...] = ()
    article: Article | None = None
    changes: tuple[Change, ...] | None = ()


class DryRunOutcome(BaseModel):
    """The outcome at one site.

    `html`: the page of the first article that has one. `notes`: the limits of this dry run, for people.
    """

    model_config = ConfigDict(frozen=True)

    site: str
    entries: tuple[DryRunEntry, ...]
    html: str | None = None
    notes: tuple[str, ...] = ()
