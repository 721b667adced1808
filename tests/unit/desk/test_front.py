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
class Desk:
    """What the endpoint was asked, and what it answers."""

    status: int = 200
    answer: dict[str, Any] = field(default_factory=dict)
    asked: tuple[str, str] = ("", "")
    body: dict[str, Any] = field(default_factory=dict)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    told = Desk()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            told.asked = (self.command, self.path)
            sent = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            told.body = json.loads(sent) if sent else {}
            body = json.dumps(told.answer).encode() if told.answer else b""
            self.send_response(told.status)
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
            """Say nothing."""

    with serving(Handler) as url:
        monkeypatch.setenv("PRESSLINE_API_URL", url)
        monkeypatch.setenv("PRESSLINE_TOKEN", "prl_x")
        wiring.settings.cache_clear()
        yield told
        wiring.settings.cache_clear()


def test_articles_are_pinned_in_the_order_in_which_they_are_named_until_a_time(desk: Desk) -> None:
    desk.answer = {"articles": [SECOND, FIRST], "warnings": [f"{FIRST} is not live; it leads the front once it is"]}
    until = ["--until", "2027-01-01T06:00Z", "--site", "epn"]
    result = CliRunner().invoke(app, ["front", "pin", "world", SECOND, FIRST, *until])

    assert result.exit_code == 0, result.output
    assert desk.asked == ("PUT", "/v1/fronts/world?site=epn")
    assert desk.body == {"articles": [SECOND, FIRST], "until": "2027-01-01T06:00:00Z"}
    assert "not live" in result.output


def test_pins_without_a_time_stay_until_they_are_removed(desk: Desk) -> None:
    desk.answer = {"articles": [FIRST], "warnings": []}
    CliRunner().invoke(app, ["front", "pin", "home", FIRST])

    assert desk.body["until"] is None


def test_what_is_pinned_is_shown_with_who_did_it(desk: Desk) -> None:
    desk.answer = {"articles": [FIRST, SECOND], "until": None, "set_by": "desk", "set_at": "2026-11-25T06:00:00Z"}
    result = CliRunner().invoke(app, ["front", "show"])

    assert desk.asked == ("GET", "/v1/fronts/home")
    assert result.output.index(FIRST) < result.output.index(SECOND)
    assert "by desk" in result.output


def test_a_front_without_pins_says_so(desk: Desk) -> None:
    desk.answer = {"articles": []}

    assert "Nothing is pinned to world" in CliRunner().invoke(app, ["front", "show", "world"]).output


def test_a_front_is_unpinned(desk: Desk) -> None:
    desk.status = 204
    result = CliRunner().invoke(app, ["front", "unpin", "world"])

    assert (result.exit_code, desk.asked) == (0, ("DELETE", "/v1/fronts/world"))


def test_a_refusal_is_told_in_words(desk: Desk) -> None:
    desk.status, desk.answer = 422, {"errors": [{"pointer": "/articles/0", "detail": "is no article of epn"}]}
    result = CliRunner().invoke(app, ["front", "pin", "home", FIRST])

    assert isinstance(result.exception, EndpointRefusedError)
    assert str(result.exception) == "/articles/0 is no article of epn"
