"""The bodies of answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from fastapi import Response
from pydantic import BaseModel, Field

from services.ingest.domain.accepted import Accepted, NearMatch
from services.ingest.domain.pictures import PictureType
from services.ingest.domain.report import Report
from services.ingest.domain.states import ArticleState, ReceiptState
from services.ingest.endpoint.problems import Problem
from shared.runtime.receipts import ReceiptStatus


class Links(BaseModel):
    """Where to go from here; paths of this endpoint."""

    receipt: str | None = Field(default=None, description="What becomes of the submission.")
    article: str | None = Field(default=None, description="How the article stands.")


class AlsoReply(BaseModel):
    """What became of a submission at a further site that it was posted to."""

    site: str
    receipt: str | None = Field(default=None, description="Absent where this site refused it.")
    article: str | None = None
    revision: str | None = None
    status: ReceiptStatus
    reason: str | None = Field(default=None, description="Why this site refused it.")
    links: Links = Links()
    report: Report | None = None


class ArticleReply(BaseModel):
    """What became of a submission."""

    receipt: str
    site: str
    article: str | None = Field(default=None, description="Absent until the ingest worker has read it (respond-async).")
    revision: str | None = None
    status: ReceiptStatus = Field(
        description="accepted: on its way. scheduled: waits for its embargo. duplicate: the same bytes are there "
        "already. superseded: a later revision is there; this one is kept and not published. live: readers have it. "
        "killed, withdrawn: the edge answers 410 at every address of it. held: a kill arrived before it; kept and not "
        "published until a person decides. unmatched: a removal whose article is not known; nothing was taken down."
    )
    url: str | None = Field(default=None, description="Where readers find the article, once it is live.")
    reason: str | None = Field(default=None, description="Why it did not become live, in plain words.")
    waits_for: tuple[str, ...] = Field(
        default=(), description="Of a removal on its way: the addresses where readers were not yet seen to get 410."
    )
    near_matches: tuple[NearMatch, ...] = Field(
        default=(), description="Of an unmatched removal: articles with its source id and another source."
    )
    links: Links
    report: Report | None = Field(default=None, description="What the reader made of it.")
    text_of: str | None = Field(default=None, description="Of a restore: the revision whose text came back.")
    also: list[AlsoReply] | None = Field(default=None, description="The further sites that it was posted to.")


class BatchLineReply(BaseModel):
    """What became of one line of a batch."""

    line: int = Field(description="Its number in the request, from 1; blank ones count.")
    status: Literal["accepted", "refused", "busy", "stopped"] = Field(
        description="accepted: stored. refused: not taken as it is. busy: not taken now. stopped: not taken, nor is "
        "anything that follows."
    )
    receipt: str | None = Field(default=None, description="Of what was accepted; `GET /v1/receipts/{receipt}`.")
    problem: Problem | None = Field(default=None, description="Why it was not accepted.")
    retry_after_seconds: int | None = Field(default=None, description="When to send it again, if it is worth it.")
    warning: str | None = Field(default=None, description="That it is stored, and publication delayed.")


class ReceiptReply(ReceiptState):
    """How far a submission has come."""

    links: Links


class ArticleStateReply(ArticleState):
    """How an article stands."""

    links: Links


class MediaLinks(BaseModel):
    """How articles refer to the picture."""

    rendition: str = Field(description="The href of a rendition, in ninjs: media:{digest}.")


class MediaReply(BaseModel):
    """A picture that is kept."""

    media: str = Field(description="The SHA-256 of its bytes in hex: what `picture.media` of an article refers to.")
    content_type: PictureType
    width: int = Field(description="Pixels, as shown.")
    height: int = Field(description="Pixels, as shown.")
    size_bytes: int
    links: MediaLinks
    warnings: tuple[str, ...] = Field(default=(), description="How readers' picture differs from the file.")


def links_to(site: str, receipt: str | None, article: str | None) -> Links:
    """Return the paths of a submission's receipt and of its article."""
    return Links(
        receipt=f"/v1/receipts/{receipt}" if receipt else None,
        article=f"/v1/articles/{article}?site={site}" if article else None,
    )


def reply_to(accepted: Accepted) -> ArticleReply:
    """Return what the sender is told of something that was taken."""
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


def json_response(status: int, body: BaseModel, headers: Mapping[str, str] | None = None) -> Response:
    """Return a model as a JSON response."""
    return Response(
        body.model_dump_json(), status_code=status, media_type="application/json", headers=dict(headers or {})
    )
