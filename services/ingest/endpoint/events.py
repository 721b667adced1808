"""The route that streams status events (server-sent events, WHATWG HTML 9.2)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.ingest.domain.refusal import StreamsFullError
from services.ingest.endpoint.auth import Caller, RequireRead
from services.ingest.endpoint.deps import EndpointDeps, deps_of, threads_of
from services.ingest.endpoint.problems import ProblemError, documented
from services.ingest.metrics import EVENT_STREAMS
from services.ingest.ports import EventStream
from shared.runtime.errors import PresslineError
from shared.runtime.event_log import ANNOUNCED_STATUSES, Position, StatusEvent, position_of

HEARTBEAT_SECONDS = 15.0
_LAST_WAIT_SECONDS = 0.2  # of an answer that ends after the present events
_EVENT_STREAM = "text/event-stream"
_SEND_TIMEOUT_SECONDS = 30.0  # a client that takes nothing for so long is disconnected
_RETRY_MS = 3_000

log = structlog.get_logger()

router = APIRouter(tags=["events"])

AnnouncedStatus = StrEnum("AnnouncedStatus", {each.name: each.value for each in sorted(ANNOUNCED_STATUSES)})  # type: ignore[misc]
Sites = Annotated[
    list[Annotated[str, Query(max_length=40)]] | None,
    Query(max_length=20, description="Only events of this site; repeatable. Default: all sites of the token."),
]
Statuses = Annotated[
    list[AnnouncedStatus] | None, Query(max_length=20, description="Only events of this status; repeatable.")
]
Articles = Annotated[
    list[Annotated[str, Query(pattern="^[a-z2-7]{26}$")]] | None,
    Query(max_length=100, description="Only events of this article; repeatable."),
]
LastEventId = Annotated[
    str | None,
    Header(
        max_length=100,
        description="The `id` of the last event that the client has handled; the stream continues after it.",
    ),
]

_ABOUT = {
    "description": "A stream of server-sent events. `data` is a JSON object with `receipt`, `site`, `article`, "
    "`revision`, `status`, `url`, `reason` and `at`; absent values are left out.",
    "content": {
        "text/event-stream": {
            "schema": {"type": "string"},
            "example": "id: 1795000000000-0-3fa9c2d1-1\nevent: live\n"
            'data: {"receipt":"epn.a.1","site":"epn","status":"live","url":"https://epn.example/world/x/"}\n\n',
        }
    },
}


@router.get(
    "/v1/events",
    summary="Follow the status of submissions",
    operation_id="getEvents",
    response_model=None,
    responses={200: _ABOUT, **documented(400, 401, 403, 503)},
)
async def get_events(
    request: Request,
    caller: RequireRead,
    site: Sites = None,
    status: Statuses = None,
    article: Articles = None,
    last_event_id: LastEventId = None,
) -> Response:
    """Stream an event each time a submission reaches a status.

    With `Accept: text/event-stream` the stream lasts until the client disconnects. Without it the answer ends after the
    present events; its last `id` is the `Last-Event-ID` of the next request.

    The events are accepted, scheduled, live, superseded, held, withdrawn, killed and failed. An event comes at least
    once: recognise a repetition by `receipt` and `status`. With `Last-Event-ID` the stream continues after that event,
    also after the loss of Redis. Then several statuses of one article may come as the last one. A comment comes every
    15 s. A client that reads too slowly is disconnected.
    """
    deps = deps_of(request)
    wanted = _Filter(caller, site, status, article)
    after = None if last_event_id is None else position_of(last_event_id)
    if last_event_id is not None and after is None:
        raise ProblemError(400, "Last-Event-ID is not the id of an event of this endpoint; leave it out to start now")
    try:
        stream = await deps.events.open(after)
    except StreamsFullError as error:
        wait = {"Retry-After": str(deps.retry_after_seconds)}
        raise ProblemError(503, str(error), title="Too many streams", headers=wait) from error
    follows = _EVENT_STREAM in request.headers.get("accept", "")
    return _EventResponse(stream, wanted, _TokenCheck(request, caller, deps), follows=follows)


class _Filter:
    """The events that a client asked for and may see."""

    def __init__(
        self,
        caller: Caller,
        sites: Sequence[str] | None,
        statuses: Sequence[str] | None,
        articles: Sequence[str] | None,
    ) -> None:
        if foreign := [site for site in sites or () if not caller.covers(site)]:
            raise ProblemError(403, f"the token is not bound to {len(foreign)} of the named sites")
        self._sites = frozenset(sites or [site for site in caller.sites if caller.covers(site)])
        self._statuses = frozenset(map(str, statuses or ()))
        self._articles = frozenset(articles or ())

    def matches(self, event: StatusEvent) -> bool:
        """Tell whether the client gets the event."""
        return (
            event.site in self._sites
            and (not self._statuses or event.status.value in self._statuses)
            and (not self._articles or event.article in self._articles)
        )


class _TokenCheck:
    """Tells whether the token of a long request is still valid."""

    def __init__(self, request: Request, caller: Caller, deps: EndpointDeps) -> None:
        self._request, self._caller, self._deps = request, caller, deps
        self._token = request.headers.get("authorization", "").partition(" ")[2].strip()

    async def is_valid(self) -> bool:
        """Return whether the token still has the same rights; an outage of the store changes none."""
        try:
            found = await threads_of(self._request).run(self._deps.find_token, self._token)
        except PresslineError:
            return True
        return found == self._caller.token


class _EventResponse(Response):
    """Sends the events of one stream."""

    media_type = _EVENT_STREAM

    def __init__(self, stream: EventStream, wanted: _Filter, token: _TokenCheck, *, follows: bool) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._stream, self._wanted, self._token, self._follows = stream, wanted, token, follows

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 -- ASGI's
        """Send the events until the client disconnects or is too slow, the token is revoked, or the endpoint stops."""
        EVENT_STREAMS.inc()
        sender = asyncio.create_task(self._send_events(send))
        listener = asyncio.create_task(_disconnected(receive))
        try:
            await asyncio.wait((sender, listener), return_when=asyncio.FIRST_COMPLETED)
        finally:
            EVENT_STREAMS.dec()
            self._stream.close()
            for task in (sender, listener):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    async def _send_events(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        text, heartbeat_at, check_at = f"retry: {_RETRY_MS}\n: events follow\n\n", 0.0, _after_heartbeat()
        while True:
            if text:
                if not await _send(send, text):
                    return
                heartbeat_at = _after_heartbeat()
            if _now() >= check_at:
                if not await self._token.is_valid():
                    break
                check_at = _after_heartbeat()
            try:
                wait_seconds = heartbeat_at - _now() if self._follows else _LAST_WAIT_SECONDS
                events = await self._stream.next_events(max(0.0, wait_seconds))
            except PresslineError as error:
                log.warning("event_stream.failed", reason=type(error).__name__)
                break  # the client connects again, with its last id
            if events is None:
                break
            if not events and not self._follows:
                await _send(send, f": no further event yet\nid: {self._stream.position}\n\n")
                break
            text = "".join(_lines(position, event) for position, event in events if self._wanted.matches(event))
            if not text and _now() >= heartbeat_at:
                text = f": heartbeat\nid: {self._stream.position}\n\n"
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _now() -> float:
    return asyncio.get_running_loop().time()


def _after_heartbeat() -> float:
    return _now() + HEARTBEAT_SECONDS


async def _send(send: Send, text: str) -> bool:
    """Send text; return False if the client does not take it in time."""
    try:
        async with asyncio.timeout(_SEND_TIMEOUT_SECONDS):
            await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
    except TimeoutError:
        log.warning("event_stream.abandoned")
        return False
    return True


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _lines(position: Position, event: StatusEvent) -> str:
    data: dict[str, Any] = event.model_dump(mode="json", exclude_none=True)
    return f"id: {position}\nevent: {event.status.value}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"
