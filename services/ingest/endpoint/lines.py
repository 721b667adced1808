"""A body taken line by line, as it comes: never more of it is held than one line may have."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its number, from 1, blank ones counted; `raw` is None for one that is longer than is taken."""

    number: int
    raw: bytes | None


class BodyEndedError(Exception):
    """The rest of the body is not read; the text says why. `status` is HTTP's word for it."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class BodyLines:
    """The lines of a body. `number`: of the one that is being read."""

    def __init__(
        self, parts: AsyncIterator[bytes], *, max_line_bytes: int, max_bytes: int, timeout_seconds: float
    ) -> None:
        self._parts = parts
        self._max_line_bytes = max_line_bytes
        self._left_bytes = max_bytes
        self._max_bytes = max_bytes
        self._timeout_seconds = timeout_seconds  # for one line: who sends a byte now and then is let go too
        self._until = 0.0
        self.number = 1

    async def __aiter__(self) -> AsyncIterator[Line]:
        """Yield each line that is not blank.

        Raises:
            BodyEndedError: 408 a line did not arrive in time, 413 the body has more bytes than are taken.
        """
        held, is_too_long = bytearray(), False
        self._begin_line()
        while (part := await self._next()) is not None:
            *ends, rest = part.split(b"\n")
            for end in ends:
                line = self._line(held, end, is_too_long=is_too_long)
                if line is not None:
                    yield line
                held, is_too_long = bytearray(), False
                self.number += 1
            if ends:
                self._begin_line()
            is_too_long = is_too_long or len(held) + len(rest) > self._max_line_bytes
            if is_too_long:
                held.clear()
            else:
                held += rest
        line = self._line(held, b"", is_too_long=is_too_long)
        if line is not None:
            yield line

    async def drain(self) -> None:
        """Read on to the end and keep nothing: a sender who does not read while he sends has to be let finish."""
        try:
            while await self._next() is not None:
                self._begin_line()
        except BodyEndedError:
            return

    def _begin_line(self) -> None:
        self._until = asyncio.get_running_loop().time() + self._timeout_seconds

    async def _next(self) -> bytes | None:
        try:
            async with asyncio.timeout_at(self._until):
                part = await anext(self._parts, None)
        except TimeoutError as error:
            raise BodyEndedError(408, f"the line did not arrive within {self._timeout_seconds:g} seconds") from error
        self._left_bytes -= len(part or b"")
        if self._left_bytes < 0:
            raise BodyEndedError(413, f"the body has more than {self._max_bytes} bytes, the most of one request")
        return part

    def _line(self, held: bytearray, end: bytes, *, is_too_long: bool) -> Line | None:
        if is_too_long or len(held) + len(end) > self._max_line_bytes:
            return Line(self.number, None)
        raw = bytes(held + end).strip()
        return Line(self.number, raw) if raw else None
