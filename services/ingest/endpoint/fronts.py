"""Routes that pin articles to a front."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, TypeVar

from fastapi import APIRouter, Path, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from services.ingest.domain.document import Document
from services.ingest.domain.pointers import pointer
from services.ingest.domain.refusal import Fault, FrontUnknownError, unacceptable
from services.ingest.endpoint.auth import RequirePublish, RequireRead
from services.ingest.endpoint.body import read_body
from services.ingest.endpoint.deps import deps_of, threads_of
from services.ingest.endpoint.problems import ProblemError, documented
from services.ingest.endpoint.replies import json_response
from services.ingest.endpoint.sites import ARTICLE, SiteName
from shared.runtime.errors import RedisUnavailableError
from shared.site.pins import MAX_PINS, Pins

_MAX_BODY_BYTES = 16 * 1024
_STALE_NOT_MARKED = (
    "the pins are stored, but Redis does not answer, so the front is not renewed; send the request again"
)

T = TypeVar("T")
FrontName = Annotated[str, Path(description="`home`, or a section's id.")]
router = APIRouter(tags=["fronts"])


class FrontForm(BaseModel):
    """The articles to pin to a front."""

    model_config = ConfigDict(extra="forbid", strict=True)

    articles: list[Annotated[str, StringConstraints(pattern=ARTICLE)]] = Field(
        max_length=MAX_PINS, description="Article ids, the top one first."
    )
    until: AwareDatetime | None = Field(default=None, description="The end of the pins.")


class FrontReply(BaseModel):
    """The pins of a front; without articles if nothing is pinned."""

    site: str
    front: str
    articles: tuple[str, ...] = ()
    until: datetime | None = None
    set_by: str | None = Field(default=None, description="The name of the token that set the pins.")
    set_at: datetime | None = None
    warnings: tuple[str, ...] = ()


_EXAMPLE = {"articles": ["k3jq2m5x7c4vbnw6r2ty3u5iop"], "until": "2026-11-26T06:00:00Z"}
_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {"$ref": "#/components/schemas/FrontForm"},
            "examples": {"until": {"summary": "One article until tomorrow morning", "value": _EXAMPLE}},
        }
    },
}


@router.put(
    "/v1/fronts/{section}",
    summary="Pin articles to a front",
    operation_id="putFront",
    response_model=None,
    responses={
        200: {"model": FrontReply, "description": "Stored; the front will be rendered again."},
        **documented(400, 401, 403, 404, 408, 413, 415, 422, 503),
    },
    openapi_extra={"requestBody": _BODY},
)
async def put_front(request: Request, caller: RequirePublish, section: FrontName, site: SiteName = None) -> Response:
    """Pin articles to the top of the home page or a section's front, in this order, at most ten. Others are unpinned.

    An article that is not live yet is accepted with a warning, and shown once it is live. An unknown article is
    refused. Articles may belong to other sections. At `until` the pins end.
    """
    deps = deps_of(request)
    chosen_site = caller.site(site)
    form = _parse_form(await read_body(request, max_bytes=_MAX_BODY_BYTES, timeout_seconds=deps.body_timeout_seconds))
    by, at = caller.name, deps.clock()
    pins, warnings = await _call(
        request, lambda: deps.fronts.pin(chosen_site, section, form.articles, form.until, by=by, at=at)
    )
    return json_response(200, _reply(chosen_site.id, section, pins).model_copy(update={"warnings": warnings}))


@router.get(
    "/v1/fronts/{section}",
    summary="Get the pins of a front",
    operation_id="getFront",
    response_model=None,
    responses={200: {"model": FrontReply}, **documented(401, 403, 404, 422, 503)},
)
async def get_front(request: Request, caller: RequireRead, section: FrontName, site: SiteName = None) -> Response:
    """Return the pinned articles, their end, and the token that set them, even after `until`."""
    deps, chosen_site = deps_of(request), caller.site(site)
    pins = await _call(request, lambda: deps.fronts.find(chosen_site, section))
    return json_response(200, _reply(chosen_site.id, section, pins))


@router.delete(
    "/v1/fronts/{section}",
    summary="Unpin a front",
    operation_id="deleteFront",
    status_code=204,
    response_model=None,
    responses={204: {"description": "The front has no pins."}, **documented(401, 403, 404, 422, 503)},
)
async def delete_front(request: Request, caller: RequirePublish, section: FrontName, site: SiteName = None) -> Response:
    """Remove all pins of a front."""
    deps, chosen_site = deps_of(request), caller.site(site)
    await _call(request, lambda: deps.fronts.unpin(chosen_site, section, by=caller.name))
    return Response(status_code=HTTPStatus.NO_CONTENT)


async def _call(request: Request, call: Callable[[], T]) -> T:
    try:
        return await threads_of(request).run(call)
    except FrontUnknownError as error:
        raise ProblemError(404, str(error)) from error
    except RedisUnavailableError as error:
        wait = {"Retry-After": str(deps_of(request).retry_after_seconds)}
        raise ProblemError(503, _STALE_NOT_MARKED, headers=wait) from error


def _parse_form(raw: bytes) -> FrontForm:
    Document(raw).json()
    try:
        return FrontForm.model_validate_json(raw)
    except ValidationError as error:
        raise unacceptable([Fault(pointer(*each["loc"]), each["msg"]) for each in error.errors()]) from error


def _reply(site: str, front: str, pins: Pins | None) -> FrontReply:
    return FrontReply(site=site, front=front, **(pins.model_dump(exclude={"schema_version"}) if pins else {}))
