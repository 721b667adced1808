"""The two functions for CloudFront, run by node without AWS: their results for a request and for an object."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "infra" / "edge" / "cloudfront"
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed (Debian: apt-get install nodejs)")


def run(file: str, event: dict[str, Any]) -> dict[str, Any]:
    code = (FOLDER / file).read_text(encoding="utf-8")
    call = f"{code}\nPromise.resolve((exports.handler || handler)({json.dumps(event)}))"
    script = f"{call}.then(answer => console.log(JSON.stringify(answer)))"
    result = subprocess.run([NODE or "node", "-"], input=script, capture_output=True, text=True, check=True, timeout=20)
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def request_to(uri: str) -> dict[str, Any]:
    request = {"method": "GET", "uri": uri, "querystring": {"utm_source": {"value": "mail"}}, "headers": {}}
    return run("viewer-request.js", {"version": "1.0", "request": request})


def response_to(stored: str, /, **metadata: str) -> dict[str, Any]:
    headers = {f"x-amz-meta-{name.replace('_', '-')}": [{"value": value}] for name, value in metadata.items()}
    response = {"status": stored, "statusDescription": "OK", "headers": headers | {"etag": [{"value": '"1"'}]}}
    return run("origin-response.js", {"Records": [{"cf": {"response": response}}]})


@pytest.mark.parametrize(
    ("uri", "name"), [("/", "/index.html"), ("/world/x/", "/world/x/index.html"), ("/feed.xml", "/feed.xml")]
)
def test_an_address_names_an_object_without_its_query(uri: str, name: str) -> None:
    request = request_to(uri)

    assert (request["uri"], request["querystring"]) == (name, {})


def test_an_address_without_its_slash_leads_to_the_one_with_it() -> None:
    answer = request_to("/world/x")

    assert (answer["statusCode"], answer["headers"]["location"]["value"]) == (301, "/world/x/")


def test_a_moved_page_redirects() -> None:
    answer = response_to("200", status="301", location="/world/new/")

    assert answer["status"] == "301"
    assert answer["headers"]["location"] == [{"key": "Location", "value": "/world/new/"}]


def test_a_redirect_only_leads_to_an_address_of_the_site() -> None:
    answer = response_to("200", status="301", location="javascript:alert(1)")

    assert answer["status"] == "200"
    assert "location" not in answer["headers"]


@pytest.mark.parametrize(
    ("stored", "status", "served"), [("200", "410", "410"), ("403", "", "404"), ("200", "200", "200")]
)
def test_readers_get_the_status_of_the_metadata(stored: str, status: str, served: str) -> None:
    assert response_to(stored, status=status)["status"] == served


def test_only_the_cache_tags_of_the_metadata_leave_the_store() -> None:
    headers = response_to("200", status="200", order="1", article="a", surrogate_keys="article:a")["headers"]

    assert headers.keys() == {"etag", "x-amz-meta-surrogate-keys"}
