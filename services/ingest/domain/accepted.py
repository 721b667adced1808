"""The result of accepting an article, or of storing bytes for a worker to read."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from services.ingest.domain.report import Report

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


class Submitted(BaseModel):
    """The receipt of stored bytes, and a warning for their sender."""

    model_config = ConfigDict(frozen=True)

    receipt: str
    warning: str | None = None
