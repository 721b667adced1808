"""Each kind of bad input has its stated answer, and nothing of it reaches the public bucket unsafe."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.conftest import Newsroom

DEEP = "<div>" * 20_000 + "x"  # 100 KB
WIDE = "<p " + " ".join(f"a{number}=1" for number in range(50_000)) + ">x</p>"


def article(**fields: Any) -> bytes:
    return json.dumps(
        {"source": "e2e", "source_id": "bad", "headline": "Bad input", "section": "world", "body": "<p>Words.</p>"}
        | fields
    ).encode()


@pytest.mark.parametrize(
    ("name", "body", "status", "pointer"),
    [
        ("not JSON", b"{broken", 400, None),
        ("nothing", b"", 400, None),
        ("XML of no known kind", b"<html/>", 415, None),
        ("a wrong type", article(urgency="high"), 422, "/urgency"),
        ("a wrong type deep inside", article(authors=[{"name": 5}]), 422, "/authors/0/name"),
        ("an unknown field", article(headlien="x"), 422, "/headlien"),
        ("an unknown section", article(section="gardening"), 422, "/section"),
        ("an empty headline", article(headline="  "), 422, "/headline"),
        ("no body", article(body=""), 422, "/body"),
        ("10 MB", article(body="x" * 10_000_000), 413, None),
        ("100 KB of nested div", article(body=DEEP), 422, "/body"),
        ("50,000 attributes", article(body=WIDE), 422, "/body"),
        ("a slug that climbs", article(slug="../../x"), 422, "/slug"),
        ("a control character in a header field", article(headline="Bell\u0007"), 422, "/headline"),
        ("a line break for a header", article(kicker="x\r\nSet-Cookie: a=b\u0000"), 422, "/kicker"),
        ("a picture nobody uploaded", article(picture={"media": "0" * 64}), 422, "/picture/media"),
        ("a stamp two days ahead", article(version_created="2999-01-01T00:00:00Z"), 422, "/version_created"),
    ],
)
def test_bad_input_has_its_stated_answer(
    newsroom: Newsroom, name: str, body: bytes, status: int, pointer: str | None
) -> None:
    answer = newsroom.post_raw(body)

    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    problem = answer.json()
    assert problem["status"] == status
    assert problem["detail"]
    if pointer is not None:
        assert pointer in [fault["pointer"] for fault in problem["errors"]]


def test_scripts_and_handlers_in_a_body_never_reach_readers(newsroom: Newsroom) -> None:
    body = (
        "<p onclick='steal()'>Seen</p><script>steal()</script><img src=x onerror=steal()>"
        "<a href='javascript:steal()'>link</a><svg><script>steal()</script></svg>"
    )
    answer = newsroom.post(wait=20, headline='<script>steal()</script> & "quotes"', body=body)

    page = newsroom.read(answer.json()["url"]).text
    assert "Seen" in page
    assert "<script>steal" not in page
    assert "onclick" not in page
    assert "onerror=steal" not in page
    assert "javascript:" not in page
    assert "&lt;script&gt;steal()&lt;/script&gt; &amp; " in page


def test_no_token_a_wrong_token_and_a_token_without_the_scope_get_different_answers(newsroom: Newsroom) -> None:
    anonymous = newsroom.edge.post(f"{newsroom.stack.api}/v1/articles", content=article())
    wrong = newsroom.api.post("/v1/articles", content=article(), headers={"Authorization": "Bearer prl_wrong"})

    assert (anonymous.status_code, wrong.status_code) == (401, 401)
    assert "Bearer" in anonymous.headers["www-authenticate"]
