"""Reads request bodies and limits their size before they are parsed."""

from __future__ import annotations

import anyio
from fastapi import Request

from services.ingest.domain.refusal import RefusedError
from services.ingest.endpoint.problems import ProblemError

_KEPT = "kept_body"
_UNCOMPRESSED = frozenset({"", "identity"})


def keep_body(request: Request, raw: bytes) -> None:
    """Keep a body that was read before the route, so that `read_body` returns it again."""
    request.scope.setdefault("state", {})[_KEPT] = raw


async def read_body(request: Request, *, max_bytes: int, timeout_seconds: float) -> bytes:
    """Return the body; never hold more than `max_bytes` in memory, even if Content-Length is wrong.

    Raises:
        RefusedError: 413 too large, 415 compressed.
        ProblemError: 408 the body did not arrive in time.
    """
    kept: bytes | None = request.scope.get("state", {}).get(_KEPT)
    if kept is not None:
        return kept
    check_declared(request, max_bytes=max_bytes)
    parts, size_bytes = [], 0
    try:
        with anyio.fail_after(timeout_seconds):
            async for part in request.stream():
                size_bytes += len(part)
                if size_bytes > max_bytes:
                    raise _too_large(max_bytes)
                parts.append(part)
    except TimeoutError as error:
        raise ProblemError(
            408, f"the body did not arrive within {timeout_seconds:g} seconds", headers={"Connection": "close"}
        ) from error
    return b"".join(parts)


async def read_and_keep_body(request: Request, *, max_bytes: int, timeout_seconds: float) -> bytes:
    """Return the body as `read_body` does, and keep it for the route's own `read_body`."""
    raw = await read_body(request, max_bytes=max_bytes, timeout_seconds=timeout_seconds)
    keep_body(request, raw)
    return raw


def check_declared(request: Request, *, max_bytes: int) -> None:
    """Refuse a too large or compressed body by its headers, before it is read.

    Raises:
        RefusedError: 413 too large, 415 compressed.
    """
    if request.headers.get("content-encoding", "").strip().lower() not in _UNCOMPRESSED:
        raise RefusedError(415, "compressed bodies are not supported; send the body without Content-Encoding")
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared[:20]) > max_bytes:
        raise _too_large(max_bytes)


def _too_large(max_bytes: int) -> RefusedError:
    return RefusedError(413, f"the body is larger than the maximum of {max_bytes} bytes")
