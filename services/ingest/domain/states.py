"""The states of a submission and of an article, as the endpoint returns them."""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.ingest.domain.accepted import NearMatch
from services.ingest.domain.refusal import Fault
from services.ingest.domain.report import Report
from shared.model.revision import Action
from shared.runtime.receipts import ReceiptStatus, Stage

FINAL: frozenset[ReceiptStatus] = frozenset(status for status in ReceiptStatus if status.is_final)
"""The final statuses of a submission; `failed` means dead-lettered."""


class PublishedPage(BaseModel):
    """A page of the public bucket that shows the article."""

    model_config = ConfigDict(frozen=True)

    path: str
    url: str
    sha256: str | None = None


class EntryState(BaseModel):
    """The state of one entry of a document."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(description="The entry's id or title, as the sender wrote it.")
    status: ReceiptStatus
    receipt: str | None = Field(default=None, description="Of an entry that is an article.")
    article: str | None = None
    url: str | None = Field(default=None, description="The public URL, once the article is live.")
    reason: str | None = Field(default=None, description="Why the entry did not become live.")
    faults: tuple[Fault, ...] = ()


class ReceiptState(BaseModel):
    """The state of one submission."""

    model_config = ConfigDict(frozen=True)

    receipt: str
    site: str
    status: ReceiptStatus
    article: str | None = Field(default=None, description="Present once a worker has read the submission.")
    revision: str | None = None
    url: str | None = Field(default=None, description="The public URL of the article, once it is live.")
    reason: str | None = Field(default=None, description="Why the submission did not become live.")
    waits_for: tuple[str, ...] = Field(
        default=(), description="Of an unfinished removal: the URLs that the edge does not answer with 410 yet."
    )
    near_matches: tuple[NearMatch, ...] = Field(
        default=(), description="Of an unmatched removal: articles with the same source id and another source."
    )
    faults: tuple[Fault, ...] = Field(default=(), description="The faults of a refused submission.")
    stages: tuple[Stage, ...] = ()
    pages: tuple[PublishedPage, ...] = ()
    report: Report | None = None
    entries: tuple[EntryState, ...] = Field(default=(), description="Of a document with several entries.")


class ActionState(Action):
    """A kill, withdrawal or restore through the API: token, reason, time and revision."""

    at: AwareDatetime
    revision: str
    text_of: str | None = Field(default=None, description="Of a restore: the revision of the restored text.")


class ArticleState(BaseModel):
    """The latest and the live revision of an article."""

    model_config = ConfigDict(frozen=True)

    site: str
    article: str
    source: str
    source_id: str
    headline: str
    status: ReceiptStatus
    revision: str = Field(description="The latest revision.")
    revisions: int = Field(description="The number of stored revisions.")
    live_revision: str | None = Field(default=None, description="The revision that readers see.")
    url: str | None = Field(default=None, description="The public URL of the article, while it is live.")
    paths: tuple[str, ...] = Field(default=(), description="Every path of the public bucket that the article claimed.")
    embargo_until: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None
    warnings: tuple[str, ...] = Field(
        default=(),
        description="Warnings of the enrichers about the latest revision, such as the parts left out of its body. Each "
        "begins with a pointer into the article, such as /body.",
    )
    actions: tuple[ActionState, ...] = Field(
        default=(), description="Kills, withdrawals and restores through the API, oldest first."
    )
