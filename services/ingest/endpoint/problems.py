"""Answers every error with a problem document (RFC 9457): the fault, its place and the next step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from services.ingest.domain.refusal import BacklogFullError, Fault, RefusedError
from services.ingest.endpoint.deps import deps_of
from services.ingest.metrics import REFUSALS
from shared.runtime.errors import HostileMarkupError, RetryableError

PROBLEM_JSON = "application/problem+json"
_MAX_REASON_CHARS = 500

log = structlog.get_logger()


class ProblemFault(BaseModel):
    """One fault."""

    pointer: str = Field(description="JSON pointer (RFC 6901) into the sent document; empty for the whole document.")
    detail: str


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    type: str = Field(default="about:blank", description="Always about:blank: the status names the type.")
    title: str
    status: int
    detail: str = Field(description="The error, for people.")
    instance: str | None = Field(default=None, description="The id of the request, as in the endpoint's logs.")
    errors: list[ProblemFault] = Field(default_factory=list, description="One entry for each fault.")


class ProblemError(Exception):
    """Ends a request with a problem document."""

    def __init__(self, status: int, detail: str, *, title: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title or HTTPStatus(status).phrase
        self.detail = detail
        self.headers = headers


def problem_response(
    status: int,
    detail: str,
    *,
    title: str = "",
    faults: Iterable[Fault] = (),
    instance: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a problem document as a response."""
    problem = Problem(
        title=title or HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=instance,
        errors=[ProblemFault(pointer=fault.pointer, detail=fault.detail) for fault in faults],
    )
    return Response(
        problem.model_dump_json(exclude_none=True),
        status_code=status,
        media_type=PROBLEM_JSON,
        headers=dict(headers or {}),
    )


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI responses of an operation's errors."""
    return {status: _description_of(status) for status in sorted({*statuses, 500})}


def install_problem_handlers(app: FastAPI) -> None:
    """Answer the app's errors with problem documents; `RequestContext` catches unexpected ones."""
    handlers: tuple[tuple[type[Exception], Any], ...] = (  # Any: each handler has its own error type
        (ProblemError, _on_problem),
        (RefusedError, _on_refused),
        (HostileMarkupError, _on_hostile_markup),
        (BacklogFullError, _on_backlog),
        (RetryableError, _on_outage),
        (HTTPException, _on_http),
        (RequestValidationError, _on_invalid),
    )
    for kind, handler in handlers:
        app.add_exception_handler(kind, handler)


def request_id(request: Request) -> str | None:
    """Return the request's id, as a URN."""
    found = request.scope.get("state", {}).get("request_id")
    return f"urn:pressline:request:{found}" if found else None


async def _on_problem(request: Request, error: ProblemError) -> Response:
    _note_refusal(request, error.status, error.detail)
    return problem_response(
        error.status, error.detail, title=error.title, instance=request_id(request), headers=error.headers
    )


async def _on_refused(request: Request, error: RefusedError) -> Response:
    _note_refusal(request, error.code, error.detail, error.faults)
    return problem_response(
        error.code, error.detail, title=error.title, faults=error.faults, instance=request_id(request)
    )


async def _on_hostile_markup(request: Request, error: HostileMarkupError) -> Response:
    _note_refusal(request, HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
    return problem_response(422, str(error), title="Invalid content", instance=request_id(request))


async def _on_backlog(request: Request, error: BacklogFullError) -> Response:
    _note_refusal(request, HTTPStatus.SERVICE_UNAVAILABLE, str(error))
    detail = f"{error}; nothing was accepted: send the same request again after the seconds in Retry-After"
    wait = {"Retry-After": str(deps_of(request).retry_after_seconds)}
    return problem_response(503, detail, title="Backlog full", instance=request_id(request), headers=wait)


async def _on_outage(request: Request, error: RetryableError) -> Response:
    _note_refusal(request, HTTPStatus.SERVICE_UNAVAILABLE, f"{type(error).__name__}: {error}")
    detail = "the store or Redis does not answer now; send the same request again"
    wait = {"Retry-After": str(deps_of(request).retry_after_seconds)}
    return problem_response(503, detail, instance=request_id(request), headers=wait)


async def _on_http(request: Request, error: HTTPException) -> Response:
    detail = str(error.detail) or HTTPStatus(error.status_code).phrase
    if error.status_code == HTTPStatus.NOT_FOUND:
        detail = "there is no such path; /docs lists all paths"
    headers = error.headers
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and (allowed := _methods_of(request)):
        headers, detail = {"Allow": allowed}, f"this path has no method {request.method[:20]}; it has {allowed}"
    _note_refusal(request, error.status_code, detail)
    return problem_response(error.status_code, detail, instance=request_id(request), headers=headers)


def _methods_of(request: Request) -> str:
    """Return the described methods of the request's path; the framework's header names those of one route only."""
    paths: dict[str, dict[str, Any]] = request.app.openapi()["paths"]
    found = {
        method.upper()
        for path, operations in paths.items()
        if compile_path(path)[0].match(request.url.path)
        for method in operations
    }
    return ", ".join(sorted(found))


async def _on_invalid(request: Request, error: RequestValidationError) -> Response:
    faults = [Fault("", f"{' '.join(map(str, each['loc']))}: {each['msg']}") for each in error.errors()]
    detail = faults[0].detail if faults else "the request is not valid"
    _note_refusal(request, HTTPStatus.UNPROCESSABLE_ENTITY, detail)
    return problem_response(422, detail, faults=faults, instance=request_id(request))


def _note_refusal(request: Request, status: int, reason: str, faults: Sequence[Fault] = ()) -> None:
    """Count and log a refusal once. The request's log lines have the token's name already.

    `reason` names fields and limits, never the text of an article. Log lines never hold a token (`observability.py`).
    """
    REFUSALS.labels(str(status)).inc()
    route = getattr(request.scope.get("route"), "path", "other")
    # `deferred`: the sender repeats the request, and an operator should know why. `refused`: the sender corrects it.
    write, event = (
        (log.warning, "request.deferred") if status == HTTPStatus.SERVICE_UNAVAILABLE else (log.info, "request.refused")
    )
    shown = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in reason[:_MAX_REASON_CHARS])
    write(
        event,
        method=request.method,
        route=route,
        status=int(status),
        reason=shown,
        pointers=[each.pointer for each in faults],
    )


UNEXPECTED = "an unexpected error; it is not known whether the request was accepted, and sending it again is safe"

_DESCRIPTIONS = {
    400: "The content cannot be read.",
    401: "The bearer token is missing or not known.",
    403: "The token lacks the scope, or is not bound to the site.",
    404: "There is no such object.",
    409: "The article's state does not allow the action, or the first request with the same `Idempotency-Key` is still "
    "being handled; `detail` has the reason.",
    408: "The body did not arrive in time.",
    410: "The subscription has ended; the hub delivers no more.",
    413: "The body is too large.",
    415: "The format is not supported.",
    422: "The content breaks rules; `errors` names each rule and the place. Or the `Idempotency-Key` belongs to "
    "another request.",
    429: "The token has sent too many requests. Nothing was accepted. Send the request again after `Retry-After` "
    "seconds.",
    500: "An unexpected error; `instance` is its id in the endpoint's logs.",
    503: "The store is down, too many messages wait, or a feed's token is over its limit. Nothing was accepted. Send "
    "the request again after `Retry-After` seconds.",
}


def _description_of(status: int) -> dict[str, Any]:
    content = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    headers: dict[str, Any] = {}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = {"schema": {"type": "string"}}
    if status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
        headers["Retry-After"] = {"schema": {"type": "integer"}, "description": "Seconds."}
    return {"description": _DESCRIPTIONS[status], "content": content} | ({"headers": headers} if headers else {})
