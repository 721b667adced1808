"""The sender's trace: a valid `traceparent` is used, any other is ignored."""

from __future__ import annotations

import pytest

from services.ingest.domain.tracing import read_trace_parent

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize("header", [TRACE, TRACE[:-2] + "00", "cc" + TRACE[2:]])
def test_a_valid_trace_is_used_unchanged(header: str) -> None:
    assert read_trace_parent([header]) == header


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [""],
        [TRACE, TRACE],
        [TRACE.upper()],
        [TRACE + "\n"],
        [" " + TRACE],
        [TRACE + "-extra"],
        [TRACE[:-1]],
        ["ff" + TRACE[2:]],
        ["00-" + "0" * 32 + TRACE[35:]],
        [TRACE[:36] + "0" * 16 + "-01"],
        ['{"event": "forged"}'],
        [TRACE.replace("4", "\uff14")],
        ["00-" + "a" * 100_000],
    ],
)
def test_a_header_of_any_other_form_is_ignored(headers: list[str]) -> None:
    assert read_trace_parent(headers) is None
