"""The sender's trace (W3C Trace Context): which request of theirs led to what is done here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextvars import ContextVar

_TRACE_PARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

trace_parent: ContextVar[str | None] = ContextVar("trace_parent", default=None)
"""Of the request that is being served; its messages carry it, and so do the log lines of every worker."""


def read_trace_parent(headers: Sequence[str]) -> str | None:
    """Return the one `traceparent` of a request; None where it is missing, repeated or not as the standard has it."""
    return headers[0] if len(headers) == 1 and _TRACE_PARENT.fullmatch(headers[0]) else None
