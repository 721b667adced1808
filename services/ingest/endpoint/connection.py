"""A connection that takes no more bytes at a time than can be parsed without delaying the others."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

from services.ingest.endpoint.requests import is_refused

_LARGE_READ_BYTES = 256 * 1024  # asyncio's own
_SMALL_READ_BYTES = 2 * 1024


class EndpointProtocol(H11Protocol):
    """uvicorn's protocol, with small reads wherever a sender chooses how much work a read makes.

    h11 parses all of a read before anything else runs, at about 50 us a piece. 256 KiB of chunks of one byte are
    44,000 pieces: seconds in which `/healthz` does not answer. A body with a Content-Length is one piece a read. The
    rest of a refused body is not parsed at all.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin with small reads."""
        super().connection_made(transport)
        self._read_at_most(_SMALL_READ_BYTES)

    def data_received(self, data: bytes) -> None:
        """Parse, then choose the size of the next read."""
        if self._is_refused():
            return
        super().data_received(data)
        self._read_at_most(_LARGE_READ_BYTES if self._is_refused() or self._is_one_piece() else _SMALL_READ_BYTES)

    def _is_refused(self) -> bool:
        return self.cycle is not None and is_refused(dict(self.cycle.scope))

    def _is_one_piece(self) -> bool:
        return (
            self.cycle is not None
            and self.cycle.more_body
            and any(name == b"content-length" for name, _ in self.headers)
        )

    def _read_at_most(self, size_bytes: int) -> None:
        self.transport.max_size = size_bytes  # type: ignore[attr-defined]  # asyncio's selector transport has it
