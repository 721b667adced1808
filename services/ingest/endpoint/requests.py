"""Middleware of every request: its id, trace, log line and metrics, and the answer to unexpected errors."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from time import perf_counter

import anyio
import structlog
from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.ingest.domain.tracing import read_trace_parent, trace_parent
from services.ingest.endpoint.problems import UNEXPECTED, problem_response
from services.ingest.metrics import REQUEST_SECONDS, REQUESTS

_HEADER = "x-request-id"
_VALID_ID = re.compile(r"^[A-Za-z0-9._-]{1,64}$")
_REFUSED = "is_refused"
_ANSWER_HEADERS = "answer_headers"
_LINGER_SECONDS = 2.0
_DISCARDED_PARTS = 2  # the part parsed already, and the end: `EndpointProtocol` parses no more of a refused body
_SMALL_BODY_BYTES = 64 * 1024
_SENDER = "token"
_UNLOGGED_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})

log = structlog.get_logger()


class RequestContext:
    """ASGI middleware. The sender's request id and trace are used, so that both sides' logs can be joined.

    The messages of the request carry the trace to every worker.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        sent_id = headers.get(_HEADER, "")
        request_id = sent_id if _VALID_ID.match(sent_id) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        started, status, seconds = perf_counter(), 0, None
        body = _Body(scope, receive)

        async def send_with_id(message: Message) -> None:
            nonlocal status, seconds
            if message["type"] == "http.response.start":
                status = message["status"]
                answered = MutableHeaders(scope=message)
                answered[_HEADER] = request_id
                answered.update(scope["state"].get(_ANSWER_HEADERS, {}))
                if status >= HTTPStatus.BAD_REQUEST and body.is_unfinished:
                    answered["connection"] = "close"
                    scope["state"][_REFUSED] = True
            elif is_refused(scope) and not message.get("more_body", False):
                seconds = perf_counter() - started
                await send({**message, "more_body": True})
                await body.discard()
                message = {"type": "http.response.body", "body": b"", "more_body": False}
            await send(message)

        trace = read_trace_parent(headers.getlist("traceparent"))
        trace_parent.set(trace)
        with structlog.contextvars.bound_contextvars(request=request_id, **({"trace_parent": trace} if trace else {})):
            try:
                await self._app(scope, body.receive, send_with_id)
            except ClientDisconnect:
                log.info("request.abandoned", path=scope["path"])
            except Exception:  # Starlette's own handler is outside of this one: its 500 would have no id and no metric
                log.exception("request.failed", method=scope["method"], path=scope["path"])
                if status:
                    raise
                instance = f"urn:pressline:request:{request_id}"
                await problem_response(500, UNEXPECTED, instance=instance)(scope, body.receive, send_with_id)
            finally:
                seconds = perf_counter() - started if seconds is None else seconds
                _record(scope, int(status or HTTPStatus.INTERNAL_SERVER_ERROR), seconds)
                structlog.contextvars.unbind_contextvars(_SENDER)


def add_answer_headers(request: Request, headers: Mapping[str, str]) -> None:
    """Add headers to the answer of a request, also to the answer of an error handler."""
    request.scope["state"].setdefault(_ANSWER_HEADERS, {}).update(headers)


def name_sender(sender: str) -> None:
    """Name the sender in all log lines of the request: a token's name, or the beginning of an unknown token's hash."""
    structlog.contextvars.bind_contextvars(**{_SENDER: sender})


def is_refused(scope: Scope) -> bool:
    """Return whether the request was answered before its whole body arrived, so that the rest is discarded."""
    return bool(scope.get("state", {}).get(_REFUSED))


class _Body:
    """A request's body, and whether more of it may arrive."""

    def __init__(self, scope: Scope, receive: Callable[[], Awaitable[Message]]) -> None:
        headers = Headers(scope=scope)
        declared = headers.get("content-length", "0")
        self._receive = receive
        self.is_unfinished = (
            "transfer-encoding" in headers or not declared.isdigit() or int(declared) > _SMALL_BODY_BYTES
        )
        """Whether more than `_SMALL_BODY_BYTES` may still arrive."""

    async def receive(self) -> Message:
        message = await self._receive()
        if not message.get("more_body", False):
            self.is_unfinished = False
        return message

    async def discard(self) -> None:
        """Read and discard the body for up to two seconds after a refusal.

        Many clients read no answer before they have sent everything. If the connection closed at once, the kernel
        would reset it, and the answer could be lost (RFC 9112, 9.6).
        """
        with anyio.move_on_after(_LINGER_SECONDS):
            for _ in range(_DISCARDED_PARTS):
                if not self.is_unfinished:
                    return
                await self.receive()


def _record(scope: Scope, status: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", "other")  # the pattern, so that ids create no new time series
    REQUESTS.labels(scope["method"] if route != "other" else "other", route, str(status)).inc()
    REQUEST_SECONDS.labels(route).observe(seconds)
    if scope["path"] not in _UNLOGGED_PATHS:
        duration_ms = round(seconds * 1000, 1)
        log.info("request.answered", method=scope["method"], route=route, status=status, duration_ms=duration_ms)
