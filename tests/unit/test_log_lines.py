"""Several processes write to one log, so each line is one write."""

from __future__ import annotations

import io
import logging
import sys

import pytest
import structlog

from shared.runtime.observability import configure_logging, mask_secrets


class Counting(io.StringIO):
    def __init__(self) -> None:
        super().__init__()
        self.chunked: list[str] = []

    def write(self, text: str) -> int:
        self.chunked.append(text)
        return super().write(text)


def test_a_log_line_is_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    out, before = Counting(), logging.getLogger().handlers[:]
    monkeypatch.setattr(sys, "stdout", out)
    try:
        configure_logging("info", "json", service="test")
        structlog.get_logger().info("one.told", number=1)
        logging.getLogger("a.library").warning("another")
    finally:
        logging.getLogger().handlers[:] = before
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()

    assert len(out.chunked) == 2
    assert all(piece.startswith("{") and piece.endswith("}\n") for piece in out.chunked)


def test_tokens_and_secrets_of_webhooks_are_masked_wherever_they_are() -> None:
    token, secret = "prl_0123456789abcdef", "whsec_c2VjcmV0L3Rlc3Q+ZGF0YQ=="
    line = {"event": f"sent {secret}.", "facts": [{token: f"a {token}, {secret}"}], "number": 1}

    masked = mask_secrets(None, "info", line)

    assert masked == {
        "event": "sent whsec_(masked).",
        "facts": [{"prl_(masked)": "a prl_(masked), whsec_(masked)"}],
        "number": 1,
    }
