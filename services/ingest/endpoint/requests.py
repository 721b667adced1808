"""Around every request: its id, its line in the log, its count, and an answer when all else fails."""

from __future__ import annotations

import re
import secrets
from http import HTTPStatus
from time import perf_counter

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.ingest.endpoint.metrics import REQUEST_SECONDS, REQUESTS
from services.ingest.endpoint.problems import UNEXPECTED, problem_response

_HEADER = "x-request-id"
_TRUSTED = re.compile(r"^[A-Za-z0-9._-]{1,64}$")
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})

log = structlog.get_logger()


class RequestContext:
    """ASGI middleware. An id that the sender gives is kept, so that both sides' logs can be laid side by side."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(_HEADER, "")
        request_id = given if _TRUSTED.match(given) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        started, status = perf_counter(), 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[_HEADER] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request=request_id):
            try:
                await self._app(scope, receive, send_with_id)
            except ClientDisconnect:
                log.info("request.abandoned", path=scope["path"])
            except Exception:  # Starlette's own handler stands outside of this: its 500 would bear no id, and not count
                log.exception("request.failed", method=scope["method"], path=scope["path"])
                if status:
                    raise
                instance = f"urn:pressline:request:{request_id}"
                await problem_response(500, UNEXPECTED, instance=instance)(scope, receive, send_with_id)
            finally:
                _record(scope, int(status or HTTPStatus.INTERNAL_SERVER_ERROR), perf_counter() - started)


def _record(scope: Scope, status: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", "other")  # the pattern, so that ids make no new series
    REQUESTS.labels(scope["method"] if route != "other" else "other", route, str(status)).inc()
    REQUEST_SECONDS.labels(route).observe(seconds)
    if scope["path"] not in _QUIET:
        duration_ms = round(seconds * 1000, 1)
        log.info("request.answered", method=scope["method"], route=route, status=status, duration_ms=duration_ms)
