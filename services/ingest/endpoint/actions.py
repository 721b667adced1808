"""Routes that kill, withdraw and restore an article."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.ingest.domain.document import Document
from services.ingest.domain.pointers import pointer
from services.ingest.domain.refusal import ArticleUnknownError, Fault, unacceptable
from services.ingest.endpoint.answers import PREFER, REPLY_HEADERS, answer
from services.ingest.endpoint.auth import Caller, RequireTakedown
from services.ingest.endpoint.body import read_body
from services.ingest.endpoint.deps import deps_of, threads_of
from services.ingest.endpoint.preferences import parse_prefer
from services.ingest.endpoint.problems import ProblemError, documented
from services.ingest.endpoint.replies import ArticleReply, reply_to
from services.ingest.endpoint.sites import ARTICLE, SiteName
from shared.model.article import Prose
from shared.model.revision import ActionKind

_MAX_BODY_BYTES = 16 * 1024
# Of the description alone: `Prose` itself refuses these characters, with their names.
_PRINTABLE = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff]*$"
_UNKNOWN_ARTICLE = "there is no such article on this site"

router = APIRouter(tags=["articles"])


class ActionForm(BaseModel):
    """The optional body of an action."""

    model_config = ConfigDict(extra="forbid", strict=True)

    why: Prose = Field(
        default="",
        description="The reason, stored with the action and shown in the article's state.",
        json_schema_extra={"pattern": _PRINTABLE},
    )


def _openapi_of(kind: str) -> dict[str, Any]:
    """Return the OpenAPI description of an action."""
    schema = {"$ref": "#/components/schemas/ActionForm"}
    example = {"summary": "With a reason", "value": {"why": "The court has ordered it."}}
    body = {"required": False, "content": {"application/json": {"schema": schema, "examples": {"why": example}}}}
    return {
        "operation_id": f"{kind}Article",
        "status_code": 202,
        "response_model": None,
        "responses": {
            202: {"model": ArticleReply, "description": "Accepted and stored.", "headers": REPLY_HEADERS},
            200: {
                "model": ArticleReply,
                "description": "Final: done (with `Prefer: wait`), or a duplicate, because the article has this state "
                "already. `revision` names the revision of the action.",
                "headers": REPLY_HEADERS,
            },
            **documented(400, 401, 403, 404, 408, 409, 413, 415, 422, 503),
        },
        "openapi_extra": {"requestBody": body, "parameters": [PREFER]},
    }


@router.post("/v1/articles/{article}/kill", summary="Kill an article", **_openapi_of("kill"))
async def kill_article(request: Request, caller: RequireTakedown, article: str, site: SiteName = None) -> Response:
    """Remove the article at once, before all other work. Later revisions stay unpublished until a restore.

    Its page, all its former addresses and its pictures answer 410; then the listings change. A kill is ordered after
    everything accepted before it. A repeated kill is a `duplicate` of the kill in force.

    An article that was posted to several sites is a separate article at each site. This kills one site's article. To
    remove all, kill each, or post `status: canceled` with the same `?site=a&site=b`.
    """
    return await _act("kill", request, caller, article, site)


@router.post("/v1/articles/{article}/withdraw", summary="Withdraw an article", **_openapi_of("withdraw"))
async def withdraw_article(request: Request, caller: RequireTakedown, article: str, site: SiteName = None) -> Response:
    """Remove the article: the listings change first, then its pages answer 410. The next usable text brings it back.

    A killed article cannot be withdrawn (409); restore it first. Articles at other sites do not change.
    """
    return await _act("withdraw", request, caller, article, site)


@router.post("/v1/articles/{article}/restore", summary="Restore an article", **_openapi_of("restore"))
async def restore_article(request: Request, caller: RequireTakedown, article: str, site: SiteName = None) -> Response:
    """Undo a kill or a withdrawal, even one that a wire service sent. Readers see the newest usable text again.

    The text may have come during the kill; `text_of` names its revision. The answer is 409 if no revision has a usable
    text, and `duplicate` if the article is not removed. Articles at other sites do not change.
    """
    return await _act("restore", request, caller, article, site)


async def _act(kind: ActionKind, request: Request, caller: Caller, article: str, site: str | None) -> Response:
    deps = deps_of(request)
    preferences = parse_prefer(request.headers.getlist("prefer"), wait_limit_seconds=deps.settings.wait_limit_seconds)
    chosen_site = caller.site(site)
    if not ARTICLE.match(article):
        raise ProblemError(404, _UNKNOWN_ARTICLE)
    raw = await read_body(request, max_bytes=_MAX_BODY_BYTES, timeout_seconds=deps.body_timeout_seconds)
    why = _parse_form(raw).why
    try:
        accepted = await threads_of(request).run(
            deps.act, kind, site=chosen_site, article=article, by=caller.name, why=why, received_at=deps.clock()
        )
    except ArticleUnknownError as error:
        raise ProblemError(404, _UNKNOWN_ARTICLE) from error
    return await answer(request, reply_to(accepted), preferences.without_async())


def _parse_form(raw: bytes) -> ActionForm:
    """Return the parsed body; an empty body is valid."""
    if not raw.strip():
        return ActionForm()
    Document(raw).json()
    try:
        return ActionForm.model_validate_json(raw)
    except ValidationError as error:
        raise unacceptable([Fault(pointer(*each["loc"]), each["msg"]) for each in error.errors()]) from error
