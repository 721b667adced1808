"""The outcome of accepting one article, or bytes that hold one."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from services.ingest.domain.report import Report

AcceptedStatus = Literal["accepted", "duplicate", "superseded", "scheduled", "held", "unmatched"]


class NearMatch(BaseModel):
    """An article with the source id that a removal names, and another source."""

    model_config = ConfigDict(frozen=True)

    article: str
    source: str
    headline: str


class Accepted(BaseModel):
    """What became of a submission that was taken, and under which ids it lives on."""

    model_config = ConfigDict(frozen=True)

    status: AcceptedStatus
    site: str
    article: str
    revision: str
    receipt: str
    report: Report
    reason: str | None = None  # of a status that ends without a page
    near_matches: tuple[NearMatch, ...] = ()  # of an unmatched removal
    text_of: str | None = None  # of a restore: the revision whose text came back


class Submitted(BaseModel):
    """The receipt of bytes that are safe, and what their sender has to know of them."""

    model_config = ConfigDict(frozen=True)

    receipt: str
    warning: str | None = None
