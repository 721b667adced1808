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
class Asked:
    """What the endpoint was asked, and what it answers."""

    status: int = 202
    answer: dict[str, Any] = field(default_factory=lambda: {"status": "accepted", "receipt": "r"})
    path: str = ""
    body: dict[str, Any] = field(default_factory=dict)
    prefer: str | None = None


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    told = Asked()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.path, told.prefer = self.path, self.headers.get("Prefer")
            told.body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps(told.answer).encode()
            self.send_response(told.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with serving(Handler) as url:
        monkeypatch.setenv("PRESSLINE_API_URL", url)
        monkeypatch.setenv("PRESSLINE_TOKEN", "prl_x")
        wiring.settings.cache_clear()
        yield told
        wiring.settings.cache_clear()


@pytest.mark.parametrize("kind", ["kill", "withdraw", "restore"])
def test_it_is_asked_for_by_name_with_its_reason(asked: Asked, kind: str) -> None:
    result = CliRunner().invoke(app, [kind, ARTICLE, "--why", "The court has ordered it.", "--site", "epn"])

    assert result.exit_code == 0, result.output
    assert asked.path == f"/v1/articles/{ARTICLE}/{kind}?site=epn"
    assert (asked.body, asked.prefer) == ({"why": "The court has ordered it."}, None)
    assert "accepted" in result.output


def test_who_waits_is_told_when_it_is_done(asked: Asked) -> None:
    asked.status, asked.answer = 200, {"status": "killed", "receipt": "r"}
    result = CliRunner().invoke(app, ["kill", ARTICLE, "--wait"])

    assert (result.exit_code, asked.prefer) == (0, "wait=20")
    assert "killed" in result.output


def test_who_waits_in_vain_is_told_by_the_exit_code(asked: Asked) -> None:
    assert asked.status == 202
    assert CliRunner().invoke(app, ["kill", ARTICLE, "--wait"]).exit_code == 1


def test_a_refusal_is_told_in_words(asked: Asked) -> None:
    asked.status, asked.answer = 409, {"detail": "the article is killed"}
    result = CliRunner().invoke(app, ["withdraw", ARTICLE])

    assert result.exit_code == 1
    assert "the article is killed" in result.output


def test_a_restore_tells_whose_text_came_back_and_what_to_look_at(asked: Asked) -> None:
    asked.answer |= {"text_of": "rev-1", "report": {"warnings": ["expires_at has passed"]}}
    result = CliRunner().invoke(app, ["restore", ARTICLE])

    assert "rev-1" in result.output
    assert "expires_at has passed" in result.output
