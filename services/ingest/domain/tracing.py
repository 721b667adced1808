"""The sender's trace (W3C Trace Context), which connects a sender's request with our logs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextvars import ContextVar

_TRACE_PARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

trace_parent: ContextVar[str | None] = ContextVar("trace_parent", default=None)
"""The trace of the current request; its messages and the log lines of the workers carry it."""


def read_trace_parent(headers: Sequence[str]) -> str | None:
    """Return the `traceparent` of a request; None if it is missing, repeated or malformed."""
    return headers[0] if len(headers) == 1 and _TRACE_PARENT.fullmatch(headers[0]) else None
