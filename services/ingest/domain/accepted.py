"""The outcome of accepting one article."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from services.ingest.domain.report import Report

AcceptedStatus = Literal["accepted", "duplicate", "superseded", "scheduled"]


class Accepted(BaseModel):
    """What became of a submission that was taken, and under which ids it lives on."""

    model_config = ConfigDict(frozen=True)

    status: AcceptedStatus
    site: str
    article: str
    revision: str
    receipt: str
    report: Report
