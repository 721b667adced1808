"""An answer that is sent line by line while its request still comes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Response
from starlette.types import Receive, Scope, Send

from services.ingest.endpoint.examples import NDJSON
from services.ingest.endpoint.replies import BatchLineReply

Tell = Callable[[BatchLineReply], Awaitable[None]]


class LineByLine(Response):
    """An answer that is sent while the request still comes; Starlette's own would read the request away meanwhile."""

    media_type = NDJSON

    def __init__(self, run: Callable[[Tell], Awaitable[None]]) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._run = run

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 -- ASGI's form
        """Send each line once it is known; the head with the first, for a client may wait for 100 Continue."""
        is_begun = False

        async def begin() -> None:
            nonlocal is_begun
            if not is_begun:
                is_begun = True
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})

        async def tell(reply: BatchLineReply) -> None:
            await begin()
            line = reply.model_dump_json(exclude_none=True).encode() + b"\n"
            await send({"type": "http.response.body", "body": line, "more_body": True})

        await self._run(tell)
        await begin()
        await send({"type": "http.response.body", "body": b"", "more_body": False})
