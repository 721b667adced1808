"""How a submission and an article stand, as the endpoint tells it."""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.ingest.domain.accepted import NearMatch
from services.ingest.domain.refusal import Fault
from services.ingest.domain.report import Report
from shared.model.revision import Action
from shared.runtime.receipts import ReceiptStatus, Stage

FINAL: frozenset[ReceiptStatus] = frozenset(outcome for outcome in ReceiptStatus if outcome.is_final)
"""Where the way of a submission ends; `failed` means dead-lettered with its reason."""


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
    waits_for: tuple[str, ...] = Field(
        default=(), description="Of a removal on its way: the addresses where readers were not yet seen to get 410."
    )
    near_matches: tuple[NearMatch, ...] = Field(
        default=(), description="Of an unmatched removal: articles with its source id and another source."
    )
    faults: tuple[Fault, ...] = Field(default=(), description="What was wrong, where it was refused.")
    stages: tuple[Stage, ...] = ()
    pages: tuple[PublishedPage, ...] = ()
    report: Report | None = None


class ActionState(Action):
    """Who killed, withdrew or restored the article, why, when, and as which revision."""

    at: AwareDatetime
    revision: str
    text_of: str | None = Field(default=None, description="Of a restore: the revision whose text came back.")


class ArticleState(BaseModel):
    """What was sent last, and what readers see."""

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
    url: str | None = Field(default=None, description="Where readers find it, while it is live.")
    paths: tuple[str, ...] = Field(default=(), description="Every path of the public bucket that it ever claimed.")
    embargo_until: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None
    warnings: tuple[str, ...] = Field(
        default=(),
        description="Warnings of the enrichers about the latest revision, such as the parts left out of its body. Each "
        "begins with a pointer into the article, such as /body.",
    )
    actions: tuple[ActionState, ...] = Field(
        default=(), description="What was done to it through the API, oldest first: who and why."
    )
