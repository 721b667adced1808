"""Reads a request body line by line as it arrives; at most one line is in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its number from 1, with blank lines counted; `raw` is None if the line is too long."""

    number: int
    raw: bytes | None


class BodyEndedError(Exception):
    """The rest of the body is not read; the text has the reason, `status` is the HTTP status."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class BodyLines:
    """The lines of a body. `number` is the number of the current line."""

    def __init__(
        self, parts: AsyncIterator[bytes], *, max_line_bytes: int, max_bytes: int, timeout_seconds: float
    ) -> None:
        self._parts = parts
        self._max_line_bytes = max_line_bytes
        self._left_bytes = max_bytes
        self._max_bytes = max_bytes
        self._timeout_seconds = timeout_seconds  # per line, so that a slow drip of bytes ends too
        self._deadline = 0.0
        self.number = 1

    async def __aiter__(self) -> AsyncIterator[Line]:
        """Yield each line that is not blank.

        Raises:
            BodyEndedError: 408 a line did not arrive in time, 413 the body is too large.
        """
        buffered, is_too_long = bytearray(), False
        self._begin_line()
        while (part := await self._next()) is not None:
            *ends, rest = part.split(b"\n")
            for end in ends:
                line = self._line(buffered, end, is_too_long=is_too_long)
                if line is not None:
                    yield line
                buffered, is_too_long = bytearray(), False
                self.number += 1
            if ends:
                self._begin_line()
            is_too_long = is_too_long or len(buffered) + len(rest) > self._max_line_bytes
            if is_too_long:
                buffered.clear()
            else:
                buffered += rest
        line = self._line(buffered, b"", is_too_long=is_too_long)
        if line is not None:
            yield line

    async def drain(self) -> None:
        """Read and discard the rest of the body, for senders that read no reply before they have sent everything."""
        try:
            while await self._next() is not None:
                self._begin_line()
        except BodyEndedError:
            return

    def _begin_line(self) -> None:
        self._deadline = asyncio.get_running_loop().time() + self._timeout_seconds

    async def _next(self) -> bytes | None:
        try:
            async with asyncio.timeout_at(self._deadline):
                part = await anext(self._parts, None)
        except TimeoutError as error:
            raise BodyEndedError(408, f"the line did not arrive within {self._timeout_seconds:g} seconds") from error
        self._left_bytes -= len(part or b"")
        if self._left_bytes < 0:
            raise BodyEndedError(413, f"the body is larger than the maximum of {self._max_bytes} bytes")
        return part

    def _line(self, buffered: bytearray, end: bytes, *, is_too_long: bool) -> Line | None:
        if is_too_long or len(buffered) + len(end) > self._max_line_bytes:
            return Line(self.number, None)
        raw = bytes(buffered + end).strip()
        return Line(self.number, raw) if raw else None
