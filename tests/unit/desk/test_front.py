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
from services.desk.ports import EndpointRefusedError
from tests.http_server import serving

FIRST, SECOND = "a" * 26, "b" * 26


@dataclass
class FakeEndpoint:
    """The last request to the endpoint, and its response."""

    status: int = 200
    answer: dict[str, Any] = field(default_factory=dict)
    request: tuple[str, str] = ("", "")
    body: dict[str, Any] = field(default_factory=dict)


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEndpoint]:
    endpoint = FakeEndpoint()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            endpoint.request = (self.command, self.path)
            sent = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            endpoint.body = json.loads(sent) if sent else {}
            body = json.dumps(endpoint.answer).encode() if endpoint.answer else b""
            self.send_response(endpoint.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self.answer()

        def do_PUT(self) -> None:
            self.answer()

        def do_DELETE(self) -> None:
            self.answer()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with serving(Handler) as url:
        monkeypatch.setenv("PRESSLINE_API_URL", url)
        monkeypatch.setenv("PRESSLINE_TOKEN", "prl_x")
        wiring.settings.cache_clear()
        yield endpoint
        wiring.settings.cache_clear()


def test_articles_are_pinned_in_the_given_order_until_a_time(endpoint: FakeEndpoint) -> None:
    endpoint.answer = {"articles": [SECOND, FIRST], "warnings": [f"{FIRST} is not live; it leads the front once it is"]}
    until = ["--until", "2027-01-01T06:00Z", "--site", "epn"]
    result = CliRunner().invoke(app, ["front", "pin", "world", SECOND, FIRST, *until])

    assert result.exit_code == 0, result.output
    assert endpoint.request == ("PUT", "/v1/fronts/world?site=epn")
    assert endpoint.body == {"articles": [SECOND, FIRST], "until": "2027-01-01T06:00:00Z"}
    assert "not live" in result.output


def test_pins_without_a_time_stay_until_they_are_removed(endpoint: FakeEndpoint) -> None:
    endpoint.answer = {"articles": [FIRST], "warnings": []}
    CliRunner().invoke(app, ["front", "pin", "home", FIRST])

    assert endpoint.body["until"] is None


def test_pins_are_shown_with_their_editor(endpoint: FakeEndpoint) -> None:
    endpoint.answer = {
        "articles": [FIRST, SECOND],
        "until": None,
        "set_by": "desk",
        "set_at": "2026-11-25T06:00:00Z",
    }
    result = CliRunner().invoke(app, ["front", "show"])

    assert endpoint.request == ("GET", "/v1/fronts/home")
    assert result.output.index(FIRST) < result.output.index(SECOND)
    assert "by desk" in result.output


def test_a_front_without_pins_is_shown_as_empty(endpoint: FakeEndpoint) -> None:
    endpoint.answer = {"articles": []}

    assert "Nothing is pinned to world" in CliRunner().invoke(app, ["front", "show", "world"]).output


def test_a_front_is_unpinned(endpoint: FakeEndpoint) -> None:
    endpoint.status = 204
    result = CliRunner().invoke(app, ["front", "unpin", "world"])

    assert (result.exit_code, endpoint.request) == (0, ("DELETE", "/v1/fronts/world"))


def test_a_refusal_prints_the_faults(endpoint: FakeEndpoint) -> None:
    endpoint.status, endpoint.answer = 422, {"errors": [{"pointer": "/articles/0", "detail": "is no article of epn"}]}
    result = CliRunner().invoke(app, ["front", "pin", "home", FIRST])

    assert isinstance(result.exception, EndpointRefusedError)
    assert str(result.exception) == "/articles/0 is no article of epn"
