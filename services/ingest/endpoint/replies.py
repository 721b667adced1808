"""Response bodies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from fastapi import Response
from pydantic import BaseModel, Field

from services.ingest.domain.accepted import Accepted, DocumentOutcome, NearMatch
from services.ingest.domain.dry_runs import Change, DryRunOutcome
from services.ingest.domain.pictures import PictureType
from services.ingest.domain.report import Report
from services.ingest.domain.states import ArticleState, ReceiptState
from services.ingest.endpoint.problems import Problem, ProblemFault
from shared.model.article import Article
from shared.runtime.receipts import ReceiptStatus, status_of_entries


class Links(BaseModel):
    """Related paths of this endpoint."""

    receipt: str | None = Field(default=None, description="The status of the submission.")
    article: str | None = Field(default=None, description="The state of the article.")


class AlsoReply(BaseModel):
    """The result of a submission at a further site."""

    site: str
    receipt: str | None = Field(default=None, description="Absent if this site refused the submission.")
    article: str | None = None
    revision: str | None = None
    status: ReceiptStatus
    reason: str | None = Field(default=None, description="Why this site refused the submission.")
    links: Links = Links()
    report: Report | None = None


class EntryReply(BaseModel):
    """The result of one entry of a document."""

    name: str = Field(description="The entry's id or title, as the sender wrote it.")
    status: ReceiptStatus
    article: str | None = None
    revision: str | None = None
    receipt: str | None = Field(default=None, description="Of an entry that is an article.")
    url: str | None = Field(default=None, description="The public URL of the article, once it is live.")
    reason: str | None = Field(default=None, description="Why the entry has no page.")
    errors: list[ProblemFault] = Field(default_factory=list, description="The faults of a refused entry.")
    links: Links = Links()
    report: Report


class AssetReply(BaseModel):
    """A file that a sender uploaded under its own name."""

    media_id: str = Field(description="The sender's name of the file.")
    media: str | None = Field(default=None, description="The digest of the stored picture.")
    reason: str | None = Field(default=None, description="Why no page shows the file.")


class ArticleReply(BaseModel):
    """The result of a submission."""

    receipt: str
    site: str
    article: str | None = Field(default=None, description="Absent until a worker has read the bytes (respond-async).")
    revision: str | None = None
    status: ReceiptStatus = Field(
        description="accepted: stored; publication follows. scheduled: waits for its embargo. duplicate: the same "
        "content is stored already. superseded: a later revision exists; this one is stored and not published. live: "
        "readers see it. killed, withdrawn: the edge answers 410 at every address of the article. held: a kill arrived "
        "before the article; it is stored and not published until a restore. unmatched: a removal of an unknown "
        "article; nothing was removed. media: a picture, video or sound; it is stored and has no page. Of a document "
        "with several entries: the least advanced status of an unfinished one, otherwise live if one is live."
    )
    url: str | None = Field(default=None, description="The public URL of the article, once it is live.")
    reason: str | None = Field(default=None, description="Why the submission did not become live.")
    waits_for: tuple[str, ...] = Field(
        default=(), description="Of an unfinished removal: the URLs that the edge does not answer with 410 yet."
    )
    near_matches: tuple[NearMatch, ...] = Field(
        default=(), description="Of an unmatched removal: articles with the same source id and another source."
    )
    links: Links
    report: Report | None = Field(default=None, description="The reader's report on the document.")
    text_of: str | None = Field(default=None, description="Of a restore: the revision of the restored text.")
    entries: list[EntryReply] | None = Field(
        default=None, description="The results of the entries, if the document is not one article."
    )
    also: list[AlsoReply] | None = Field(default=None, description="The results at further sites.")


class DryRunEntryReply(BaseModel):
    """The result that a post would have for one entry."""

    name: str = Field(description="The entry's id or title, as the sender wrote it.")
    status: ReceiptStatus
    reason: str | None = Field(default=None, description="Why the entry would have no page.")
    errors: list[ProblemFault] = Field(default_factory=list, description="The faults of a refused entry.")
    report: Report
    article: Article | None = Field(default=None, description="The canonical article; absent of other entries.")
    changes: list[Change] | None = Field(
        default=None, description="The public files that would change; null if the dry run did not render the article."
    )


class DryRunSiteReply(BaseModel):
    """The result that a post would have at one site."""

    site: str
    status: ReceiptStatus = Field(description="The status that the reply to the post would have.")
    reason: str | None = None
    report: Report
    article: Article | None = Field(
        default=None, description="The canonical article, as it would be stored; of a duplicate, as it is stored."
    )
    changes: list[Change] | None = Field(
        default=None,
        description="The public files that would change, the article's own ones first. A listing may be rendered again "
        "and turn out to be the same. Of several entries: see `entries`.",
    )
    entries: list[DryRunEntryReply] | None = Field(
        default=None, description="The results of the entries, if the document is not one article."
    )
    notes: list[str] = Field(default_factory=list, description="The limits of this dry run.")


class DryRunReply(DryRunSiteReply):
    """The result that a post would have. Nothing was stored or changed."""

    dry_run: Literal[True] = True
    html: str | None = Field(
        default=None, description="The page. Of several entries: the page of the first article that has one."
    )
    also: list[DryRunSiteReply] | None = Field(default=None, description="The results at further sites.")


class BatchLineReply(BaseModel):
    """The result of one line of a batch."""

    line: int = Field(description="The line's number in the request, from 1; blank lines count.")
    status: Literal["accepted", "refused", "busy", "stopped"] = Field(
        description="accepted: stored. refused: breaks a rule. busy: not accepted now. stopped: this line and all "
        "later lines were not accepted."
    )
    receipt: str | None = Field(default=None, description="Of an accepted line; see `GET /v1/receipts/{receipt}`.")
    problem: Problem | None = Field(default=None, description="Why the line was not accepted.")
    retry_after_seconds: int | None = Field(default=None, description="The wait before the line is sent again.")
    warning: str | None = Field(default=None, description="The line is stored, but publication is delayed.")


class ReceiptReply(ReceiptState):
    """The status of a submission."""

    links: Links


class ArticleStateReply(ArticleState):
    """The state of an article."""

    links: Links


class MediaLinks(BaseModel):
    """References to the picture, for articles."""

    rendition: str = Field(description="The href of a rendition, in ninjs: media:{digest}.")


class MediaReply(BaseModel):
    """A stored picture."""

    media: str = Field(description="The SHA-256 of the bytes in hex, for `picture.media` of an article.")
    content_type: PictureType
    width: int = Field(description="Pixels, as shown.")
    height: int = Field(description="Pixels, as shown.")
    size_bytes: int
    links: MediaLinks
    warnings: tuple[str, ...] = Field(default=(), description="Differences between the public picture and the file.")


def links_to(site: str, receipt: str | None, article: str | None) -> Links:
    """Return the paths of a submission's receipt and of its article."""
    return Links(
        receipt=f"/v1/receipts/{receipt}" if receipt else None,
        article=f"/v1/articles/{article}?site={site}" if article else None,
    )


def reply_to(accepted: Accepted | DocumentOutcome) -> ArticleReply:
    """Return the response body for an accepted submission."""
    if isinstance(accepted, DocumentOutcome):
        return _reply_to_document(accepted)
    return ArticleReply(
        receipt=accepted.receipt,
        site=accepted.site,
        article=accepted.article,
        revision=accepted.revision,
        status=ReceiptStatus(accepted.status),
        reason=accepted.reason,
        near_matches=accepted.near_matches,
        links=links_to(accepted.site, accepted.receipt, accepted.article),
        report=accepted.report,
        text_of=accepted.text_of,
    )


def _reply_to_document(outcome: DocumentOutcome) -> ArticleReply:
    entries = [
        EntryReply(
            **each.model_dump(exclude={"report", "faults"}),
            report=each.report,
            errors=[ProblemFault(pointer=fault.pointer, detail=fault.detail) for fault in each.faults],
            links=links_to(outcome.site, each.receipt, each.article),
        )
        for each in outcome.entries
    ]
    alone = entries[0] if len(entries) == 1 else None
    warnings = tuple(filter(None, (outcome.warning,)))
    report = alone.report if alone else Report(format=entries[0].report.format)
    return ArticleReply(
        receipt=outcome.receipt,
        site=outcome.site,
        status=status_of_entries([each.status for each in entries]),
        reason=alone.reason if alone else None,
        links=links_to(outcome.site, outcome.receipt, None),
        report=report.with_warnings(warnings),
        entries=entries if alone is None else None,
    )


def dry_run_reply(outcomes: Sequence[DryRunOutcome]) -> DryRunReply:
    """Return the response body for a dry run at one or more sites."""
    first, *further = outcomes
    also = [DryRunSiteReply(**_dry_run_fields(each)) for each in further]
    return DryRunReply(**_dry_run_fields(first), html=first.html, also=also or None)


def _dry_run_fields(outcome: DryRunOutcome) -> dict[str, Any]:
    """Return the fields of a reply for one site."""
    entries = [
        DryRunEntryReply(
            **each.model_dump(exclude={"faults"}),
            errors=[ProblemFault(pointer=fault.pointer, detail=fault.detail) for fault in each.faults],
        )
        for each in outcome.entries
    ]
    alone = entries[0] if len(entries) == 1 else None
    return {
        "site": outcome.site,
        "status": status_of_entries([each.status for each in entries]),
        "reason": alone.reason if alone else None,
        "report": alone.report if alone else Report(format=entries[0].report.format),
        "article": alone.article if alone else None,
        "changes": alone.changes if alone else None,
        "entries": None if alone else entries,
        "notes": list(outcome.notes),
    }


def json_response(status: int, body: BaseModel, headers: Mapping[str, str] | None = None) -> Response:
    """Return a model as a JSON response."""
    return Response(
        body.model_dump_json(), status_code=status, media_type="application/json", headers=dict(headers or {})
    )
