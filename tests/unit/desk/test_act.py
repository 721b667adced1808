from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from typer.testing import CliRunner

from services.desk import wiring
from services.desk.__main__ import app
from tests.http_server import serving

ARTICLE = "a" * 26


@dataclass
class FakeEndpoint:
    """The last request to the endpoint, and its response."""

    status: int = 202
    answer: dict[str, Any] = field(default_factory=lambda: {"status": "accepted", "receipt": "r"})
    path: str = ""
    body: dict[str, Any] = field(default_factory=dict)
    prefer: str | None = None


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEndpoint]:
    endpoint = FakeEndpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            endpoint.path, endpoint.prefer = self.path, self.headers.get("Prefer")
            endpoint.body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps(endpoint.answer).encode()
            self.send_response(endpoint.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with serving(Handler) as url:
        monkeypatch.setenv("PRESSLINE_API_URL", url)
        monkeypatch.setenv("PRESSLINE_TOKEN", "prl_x")
        wiring.settings.cache_clear()
        yield endpoint
        wiring.settings.cache_clear()


@pytest.mark.parametrize("kind", ["kill", "withdraw", "restore"])
def test_each_action_is_posted_with_its_reason(asked: FakeEndpoint, kind: str) -> None:
    result = CliRunner().invoke(app, [kind, ARTICLE, "--why", "The court has ordered it.", "--site", "epn"])

    assert result.exit_code == 0, result.output
    assert asked.path == f"/v1/articles/{ARTICLE}/{kind}?site=epn"
    assert (asked.body, asked.prefer) == ({"why": "The court has ordered it."}, None)
    assert "accepted" in result.output


def test_with_wait_the_final_status_is_printed(asked: FakeEndpoint) -> None:
    asked.status, asked.answer = 200, {"status": "killed", "receipt": "r"}
    result = CliRunner().invoke(app, ["kill", ARTICLE, "--wait"])

    assert (result.exit_code, asked.prefer) == (0, "wait=20")
    assert "killed" in result.output


def test_with_wait_an_unfinished_action_has_exit_code_1(asked: FakeEndpoint) -> None:
    assert asked.status == 202
    assert CliRunner().invoke(app, ["kill", ARTICLE, "--wait"]).exit_code == 1


def test_a_refusal_prints_the_problem(asked: FakeEndpoint) -> None:
    asked.status, asked.answer = 409, {"detail": "the article is killed"}
    result = CliRunner().invoke(app, ["withdraw", ARTICLE])

    assert result.exit_code == 1
    assert "the article is killed" in result.output


def test_a_restore_prints_the_revision_of_its_text_and_the_warnings(asked: FakeEndpoint) -> None:
    asked.answer |= {"text_of": "rev-1", "report": {"warnings": ["expires_at has passed"]}}
    result = CliRunner().invoke(app, ["restore", ARTICLE])

    assert "rev-1" in result.output
    assert "expires_at has passed" in result.output
