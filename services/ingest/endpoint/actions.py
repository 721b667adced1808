"""Killing, withdrawing and restoring an article."""

from __future__ import annotations

from typing import Any

import structlog
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.ingest.domain.document import Document
from services.ingest.domain.pointers import pointer
from services.ingest.domain.refusal import ArticleUnknownError, Fault, RefusedError, unacceptable
from services.ingest.endpoint.answers import PREFER, REPLY_HEADERS, answer
from services.ingest.endpoint.auth import Caller, RequireTakedown
from services.ingest.endpoint.body import read_body
from services.ingest.endpoint.deps import deps_of, threads_of
from services.ingest.endpoint.preferences import parse_prefer
from services.ingest.endpoint.problems import ProblemError, documented
from services.ingest.endpoint.replies import ArticleReply, reply_to
from services.ingest.endpoint.sites import ARTICLE, SiteName
from services.ingest.metrics import REFUSALS
from shared.model.article import Prose
from shared.model.revision import ActionKind

_MAX_BYTES = 16 * 1024
_UNKNOWN = "there is no such article on this site"

router = APIRouter(tags=["articles"])
log = structlog.get_logger()


class ActionForm(BaseModel):
    """What may be said of it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    why: Prose = Field(default="", description="For the record; whoever may read the article's state sees it.")


def _described(kind: str) -> dict[str, Any]:
    """Return how OpenAPI describes one of the three."""
    schema = {"$ref": "#/components/schemas/ActionForm"}
    example = {"summary": "With a reason", "value": {"why": "The court has ordered it."}}
    body = {"required": False, "content": {"application/json": {"schema": schema, "examples": {"why": example}}}}
    return {
        "operation_id": f"{kind}Article",
        "status_code": 202,
        "response_model": None,
        "responses": {
            202: {"model": ArticleReply, "description": "Taken, and safe from then on.", "headers": REPLY_HEADERS},
            200: {
                "model": ArticleReply,
                "description": "Nothing more will come of it: done (with `Prefer: wait`), or a duplicate, since the "
                "article stands so already; `revision` is the one that says so.",
                "headers": REPLY_HEADERS,
            },
            **documented(400, 401, 403, 404, 408, 409, 413, 415, 422, 503),
        },
        "openapi_extra": {"requestBody": body, "parameters": [PREFER]},
    }


@router.post("/v1/articles/{article}/kill", summary="Kill an article", **_described("kill"))
async def kill_article(request: Request, caller: RequireTakedown, article: str, site: SiteName = None) -> Response:
    """Take the text down at once, before all other work, and keep it down whatever is sent, until it is restored.

    Its page, every address that it ever had and its pictures answer 410; then it leaves the listings. A kill comes
    after everything that was accepted before it. Sent again, it is a `duplicate` of the kill that stands.

    An article that was posted to several sites is an article at each: this kills one site's. To take all down, kill
    each, or post `status: canceled` with the same `?site=a&site=b`.
    """
    return await _act("kill", request, caller, article, site)


@router.post("/v1/articles/{article}/withdraw", summary="Withdraw an article", **_described("withdraw"))
async def withdraw_article(request: Request, caller: RequireTakedown, article: str, site: SiteName = None) -> Response:
    """Take it out of the listings, then down; the next usable revision that is posted brings it back.

    A killed article cannot be withdrawn (409): it is gone already, and would have to be restored first. At other sites
    that it was posted to, it stays.
    """
    return await _act("withdraw", request, caller, article, site)


@router.post("/v1/articles/{article}/restore", summary="Restore an article", **_described("restore"))
async def restore_article(request: Request, caller: RequireTakedown, article: str, site: SiteName = None) -> Response:
    """Undo a kill or a withdrawal, also one that a wire service sent: readers see the newest usable text again.

    That text may have come while the kill stood; `text_of` names its revision. Where no revision has a text to be
    shown, the answer is 409. An article that is not down is left as it is: a `duplicate`. Other sites that it was
    posted to are not touched.
    """
    return await _act("restore", request, caller, article, site)


async def _act(kind: ActionKind, request: Request, caller: Caller, article: str, site: str | None) -> Response:
    deps = deps_of(request)
    wanted = parse_prefer(request.headers.getlist("prefer"), wait_limit_seconds=deps.settings.wait_limit_seconds)
    meant = caller.site(site)
    if not ARTICLE.match(article):
        raise ProblemError(404, _UNKNOWN)
    raw = await read_body(request, max_bytes=_MAX_BYTES, timeout_seconds=deps.body_timeout_seconds)
    why = _form(raw).why
    try:
        accepted = await threads_of(request).run(
            deps.act, kind, site=meant, article=article, by=caller.name, why=why, received_at=deps.clock()
        )
    except ArticleUnknownError as error:
        raise ProblemError(404, _UNKNOWN) from error
    except RefusedError as error:
        REFUSALS.labels(str(error.code)).inc()
        log.info("action.refused", site=meant.id, article=article, action=kind, by=caller.name, status=error.code)
        raise
    return await answer(request, reply_to(accepted), wanted.without_async())


def _form(raw: bytes) -> ActionForm:
    """Return what was said; nothing need be."""
    if not raw.strip():
        return ActionForm()
    Document(raw).json()
    try:
        return ActionForm.model_validate_json(raw)
    except ValidationError as error:
        raise unacceptable([Fault(pointer(*each["loc"]), each["msg"]) for each in error.errors()]) from error
