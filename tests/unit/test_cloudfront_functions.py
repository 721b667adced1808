"""What the two functions for CloudFront make of a request and of an object, run by node; AWS itself is not asked."""

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
    said = subprocess.run([NODE or "node", "-"], input=script, capture_output=True, text=True, check=True, timeout=20)
    answer: dict[str, Any] = json.loads(said.stdout)
    return answer


def asked(uri: str) -> dict[str, Any]:
    request = {"method": "GET", "uri": uri, "querystring": {"utm_source": {"value": "mail"}}, "headers": {}}
    return run("viewer-request.js", {"version": "1.0", "request": request})


def answered(stored: str, /, **metadata: str) -> dict[str, Any]:
    headers = {f"x-amz-meta-{name.replace('_', '-')}": [{"value": value}] for name, value in metadata.items()}
    response = {"status": stored, "statusDescription": "OK", "headers": headers | {"etag": [{"value": '"1"'}]}}
    return run("origin-response.js", {"Records": [{"cf": {"response": response}}]})


@pytest.mark.parametrize(
    ("uri", "name"), [("/", "/index.html"), ("/world/x/", "/world/x/index.html"), ("/feed.xml", "/feed.xml")]
)
def test_an_address_is_the_name_of_an_object_whatever_its_query(uri: str, name: str) -> None:
    request = asked(uri)

    assert (request["uri"], request["querystring"]) == (name, {})


def test_an_address_without_its_slash_leads_to_the_one_with_it() -> None:
    answer = asked("/world/x")

    assert (answer["statusCode"], answer["headers"]["location"]["value"]) == (301, "/world/x/")


def test_a_moved_page_redirects() -> None:
    answer = answered("200", status="301", location="/world/new/")

    assert answer["status"] == "301"
    assert answer["headers"]["location"] == [{"key": "Location", "value": "/world/new/"}]


def test_a_redirect_leads_nowhere_but_to_an_address() -> None:
    answer = answered("200", status="301", location="javascript:alert(1)")

    assert answer["status"] == "200"
    assert "location" not in answer["headers"]


@pytest.mark.parametrize(("stored", "said", "read"), [("200", "410", "410"), ("403", "", "404"), ("200", "200", "200")])
def test_readers_get_the_status_that_is_meant(stored: str, said: str, read: str) -> None:
    assert answered(stored, status=said)["status"] == read


def test_metadata_stays_inside_but_for_the_tags_that_cloudfront_reads() -> None:
    headers = answered("200", status="200", order="1", article="a", surrogate_keys="article:a")["headers"]

    assert headers.keys() == {"etag", "x-amz-meta-surrogate-keys"}
