"""How a submission and an article stand, as the endpoint tells it."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.ingest.domain.refusal import Fault
from services.ingest.domain.report import Report

ReceiptStatus = Literal[
    "accepted",
    "enriched",
    "rendered",
    "published",
    "live",
    "scheduled",
    "held",
    "refused",
    "duplicate",
    "superseded",
    "withdrawn",
    "killed",
    "failed",
]

FINAL: frozenset[ReceiptStatus] = frozenset(
    {"live", "scheduled", "held", "refused", "duplicate", "superseded", "withdrawn", "killed", "failed"}
)
"""Where the way of a submission ends; `failed` means dead-lettered with its reason."""


class Stage(BaseModel):
    """A step that is done, and when."""

    model_config = ConfigDict(frozen=True)

    name: str
    at: AwareDatetime


class PublishedPage(BaseModel):
    """A page of the public bucket that shows the article."""

    model_config = ConfigDict(frozen=True)

    path: str
    url: str
    sha256: str | None = None


class ReceiptState(BaseModel):
    """How far one submission has come."""

    model_config = ConfigDict(frozen=True)

    receipt: str
    site: str
    status: ReceiptStatus
    article: str | None = Field(default=None, description="Known once the submission has been read.")
    revision: str | None = None
    url: str | None = Field(default=None, description="Where readers find the article, once it is live.")
    reason: str | None = Field(default=None, description="Why it did not become live, in plain words.")
    faults: tuple[Fault, ...] = Field(default=(), description="What was wrong, where it was refused.")
    stages: tuple[Stage, ...] = ()
    pages: tuple[PublishedPage, ...] = ()
    report: Report | None = None


class ArticleState(BaseModel):
    """How an article stands: what was sent last, and what readers see."""

    model_config = ConfigDict(frozen=True)

    site: str
    article: str
    source: str
    source_id: str
    headline: str
    status: ReceiptStatus
    revision: str = Field(description="The latest revision.")
    revisions: int = Field(description="How many revisions are kept.")
    live_revision: str | None = Field(default=None, description="The revision that readers see.")
    url: str | None = None
    paths: tuple[str, ...] = Field(default=(), description="Every path in the public bucket that it ever claimed.")
    embargo_until: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None
