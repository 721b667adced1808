"""The HTTP server. Its connections read small parts, so that parsing one does not delay the others."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable
from contextlib import suppress

import structlog
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from services.ingest.endpoint.problems import PROBLEM_JSON, problem_response
from services.ingest.endpoint.requests import is_refused
from services.ingest.metrics import REFUSALS

_LARGE_READ_BYTES = 256 * 1024  # asyncio's default
_SMALL_READ_BYTES = 2 * 1024
_LINGER_SECONDS = 2.0
_NEXT_STEP = "Send HTTP/1.1, with a head of up to 16 KB."

log = structlog.get_logger()
_GRACE_SECONDS = 10
_STARTUP_FAILURE = 3  # the exit code of uvicorn's own command


def serve(app: FastAPI, host: str, port: int, *, before_stop: Callable[[], None]) -> None:
    """Serve an application until a signal stops the process; `before_stop` ends the requests that never end."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=EndpointProtocol,
        loop="asyncio",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    server = EndpointServer(config, before_stop)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(_STARTUP_FAILURE)


class EndpointServer(uvicorn.Server):
    """uvicorn's server; it waits for open requests before it stops."""

    def __init__(self, config: uvicorn.Config, before_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._before_stop = before_stop

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the requests that never end, then wait for the others."""
        self._before_stop()
        await super().shutdown(sockets)


class EndpointProtocol(H11Protocol):
    """uvicorn's protocol, with small reads while the sender controls the amount of parsing.

    h11 parses a whole read before anything else runs, at about 50 us per chunk. 256 KiB of one-byte chunks are 44,000
    chunks: `/healthz` would not answer for seconds. A body with a Content-Length is one chunk per read. The rest of a
    refused body is not parsed.
    """

    _is_ended = False  # the rest of the bytes is discarded

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's signature
        """Start with small reads."""
        super().connection_made(transport)
        self._read_at_most(_SMALL_READ_BYTES)

    def data_received(self, data: bytes) -> None:
        """Parse, then choose the size of the next read."""
        if self._is_ended or self._is_refused():
            return
        super().data_received(data)
        self._read_at_most(_LARGE_READ_BYTES if self._is_refused() or self._has_content_length() else _SMALL_READ_BYTES)

    def send_400_response(self, msg: str) -> None:
        """Answer bytes that are no HTTP request with a problem document, and close the connection."""
        REFUSALS.labels("400").inc()
        log.info("request.refused", status=400, reason=msg)
        is_idle = self.cycle is None or self.cycle.response_complete
        if is_idle or not self.cycle.response_started:
            body = bytes(problem_response(400, f"{msg} {_NEXT_STEP}").body)
            head = f"HTTP/1.1 400 Bad Request\r\nContent-Type: {PROBLEM_JSON}\r\nContent-Length: {len(body)}\r\n"
            self.transport.write(head.encode() + b"Connection: close\r\n\r\n" + body)
        self._is_ended = True
        if is_idle and self.transport.can_write_eof():
            self.transport.write_eof()  # an immediate close would reset the connection, and the answer could be lost
            self.loop.call_later(_LINGER_SECONDS, self.transport.close)
        else:
            self.transport.close()  # a route still reads this malformed body

    def _is_refused(self) -> bool:
        return self.cycle is not None and is_refused(dict(self.cycle.scope))

    def _has_content_length(self) -> bool:
        return (
            self.cycle is not None
            and self.cycle.more_body
            and any(name == b"content-length" for name, _ in self.headers)
        )

    def _read_at_most(self, size_bytes: int) -> None:
        self.transport.max_size = size_bytes  # type: ignore[attr-defined]  # asyncio's selector transport has it
