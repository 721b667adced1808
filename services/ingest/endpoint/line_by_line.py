"""A response that is sent line by line while its request still arrives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Response
from starlette.types import Receive, Scope, Send

from services.ingest.endpoint.examples import NDJSON
from services.ingest.endpoint.replies import BatchLineReply

SendReply = Callable[[BatchLineReply], Awaitable[None]]


class LineByLine(Response):
    """A response that is sent while the request still arrives; Starlette's own would consume the request."""

    media_type = NDJSON

    def __init__(self, run: Callable[[SendReply], Awaitable[None]]) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._run = run

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 -- ASGI's form
        """Send each reply at once, and the head with the first, because a client may wait for 100 Continue."""
        is_begun = False

        async def begin() -> None:
            nonlocal is_begun
            if not is_begun:
                is_begun = True
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})

        async def send_reply(reply: BatchLineReply) -> None:
            await begin()
            line = reply.model_dump_json(exclude_none=True).encode() + b"\n"
            await send({"type": "http.response.body", "body": line, "more_body": True})

        await self._run(send_reply)
        await begin()
        await send({"type": "http.response.body", "body": b"", "more_body": False})
