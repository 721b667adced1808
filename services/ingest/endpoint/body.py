"""Bodies, limited before anything parses them."""

from __future__ import annotations

import anyio
from fastapi import Request

from services.ingest.domain.refusal import RefusedError
from services.ingest.endpoint.problems import ProblemError

_PLAIN = frozenset({"", "identity"})


async def read_body(request: Request, *, max_bytes: int, timeout_seconds: float) -> bytes:
    """Return the body; at most `max_bytes` of it are ever held, whatever Content-Length says.

    Raises:
        RefusedError: 413 it is larger, 415 it is compressed.
        ProblemError: 408 it did not arrive in time.
    """
    check_declared(request, max_bytes=max_bytes)
    parts, size = [], 0
    try:
        with anyio.fail_after(timeout_seconds):
            async for part in request.stream():
                size += len(part)
                if size > max_bytes:
                    raise _too_large(max_bytes)
                parts.append(part)
    except TimeoutError as error:
        raise ProblemError(
            408, f"the body did not arrive within {timeout_seconds:g} seconds", headers={"Connection": "close"}
        ) from error
    return b"".join(parts)


def check_declared(request: Request, *, max_bytes: int) -> None:
    """Refuse by its headers a body that would be refused while it is read.

    Raises:
        RefusedError: 413 it is larger, 415 it is compressed.
    """
    if request.headers.get("content-encoding", "").strip().lower() not in _PLAIN:
        raise RefusedError(415, "compressed bodies are not taken; send it without Content-Encoding")
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared[:20]) > max_bytes:
        raise _too_large(max_bytes)


def _too_large(max_bytes: int) -> RefusedError:
    return RefusedError(413, f"the body is larger than {max_bytes} bytes, which is the most that is taken")
