"""The vendors' purge APIs according to their documentation: a real HTTP server with their shapes and limits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from xml.etree import ElementTree as ET

TOKEN = "sesame"
IDS = {
    "fastly": "Ferry4Almina9Morning",
    "cloudflare": "0123456789abcdef0123456789abcdef",
    "cloudfront": "EFERRYALMINA9",
}
_CLOUDFRONT = "http://cloudfront.amazonaws.com/doc/2020-05-31/"


@dataclass
class Vendor:
    """The requests to a vendor, and the answers that the test wants first; afterwards the vendor answers normally."""

    url: str = ""
    purged: list[list[str]] = field(default_factory=list)  # by request
    requests: list[dict[str, str]] = field(default_factory=list)  # their headers, in lower case
    references: list[str] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    in_progress: int = 0  # of CloudFront's paths

    @property
    def keys(self) -> list[str]:
        return [key for request_keys in self.purged for key in request_keys]


Answer = tuple[int, dict[str, str], bytes]


def fastly(vendor: Vendor, path: str, headers: dict[str, str], body: bytes) -> Answer:
    """POST /service/{id}/purge: 200 and an id for each of up to 256 keys."""
    if headers.get("fastly-key") != TOKEN:
        return _json(401, {"msg": "Provided credentials are missing or invalid"})
    if path != f"/service/{IDS['fastly']}/purge":
        return _json(404, {"msg": "Record not found", "detail": "Cannot find service"})
    keys = json.loads(body)["surrogate_keys"]
    if len(keys) > 256:
        return _json(400, {"msg": "Bad request", "detail": "too many keys"})
    vendor.purged.append(keys)
    return _json(200, {key: f"1-2-{number}" for number, key in enumerate(keys)})


def cloudflare(vendor: Vendor, path: str, headers: dict[str, str], body: bytes) -> Answer:
    """POST /client/v4/zones/{id}/purge_cache: 200 and `success` for up to 100 tags."""

    def refused(status: int, code: int, message: str) -> Answer:
        errors = [{"code": code, "message": message}]
        return _json(status, {"success": False, "errors": errors, "messages": [], "result": None})

    if headers.get("authorization") != f"Bearer {TOKEN}":
        return refused(403, 10000, "Authentication error")
    if path != f"/client/v4/zones/{IDS['cloudflare']}/purge_cache":
        return refused(404, 7003, "Could not route to the zone")
    tags = json.loads(body)["tags"]
    if len(tags) > 100:
        return refused(400, 1094, "Request is over the limit of operations")
    vendor.purged.append(tags)
    return _json(200, {"success": True, "errors": [], "messages": [], "result": {"id": IDS["cloudflare"]}})


def cloudfront(vendor: Vendor, path: str, headers: dict[str, str], body: bytes) -> Answer:
    """POST /2020-05-31/distribution/{id}/invalidation: 201; up to 3,000 paths and tags in progress."""
    if f"Credential={TOKEN}/" not in headers.get("authorization", ""):
        return cloudfront_error(403, "InvalidClientTokenId", "The security token included in the request is invalid")
    if path != f"/2020-05-31/distribution/{IDS['cloudfront']}/invalidation":
        return cloudfront_error(404, "NoSuchDistribution", "The specified distribution does not exist")
    batch = ET.fromstring(body)  # noqa: S314 -- our own client's
    namespaces = {"a": _CLOUDFRONT}
    items = [each.text or "" for each in batch.findall("a:Paths/a:Items/a:Path", namespaces)]
    reference = batch.findtext("a:CallerReference", "", namespaces)
    if int(batch.findtext("a:Paths/a:Quantity", "", namespaces)) != len(items):
        return cloudfront_error(400, "InconsistentQuantities", "The value of Quantity and the size of Items differ")
    if not all(item.startswith(("/", "#")) for item in items):
        return cloudfront_error(400, "InvalidArgument", "Your request contains one or more invalid invalidation paths")
    if vendor.in_progress + len(items) > 3000:
        return cloudfront_error(400, "TooManyInvalidationsInProgress", "Processing your request will exceed the limit")
    vendor.purged.append(items)
    vendor.references.append(reference)
    answer = (
        f'<Invalidation xmlns="{_CLOUDFRONT}"><Id>I1</Id><Status>InProgress</Status>'
        f"<CreateTime>2026-11-01T12:00:00Z</CreateTime>{ET.tostring(batch, encoding='unicode')}</Invalidation>"
    )
    return 201, {"content-type": "text/xml", "location": "elsewhere"}, answer.encode()


def cloudfront_error(status: int, code: str, message: str) -> Answer:
    """CloudFront's errors are XML with a code and a message."""
    text = (
        f'<ErrorResponse xmlns="{_CLOUDFRONT}"><Error><Type>Sender</Type><Code>{code}</Code>'
        f"<Message>{message}</Message></Error><RequestId>1</RequestId></ErrorResponse>"
    )
    return status, {"content-type": "text/xml"}, text.encode()


VENDORS = {"fastly": fastly, "cloudflare": cloudflare, "cloudfront": cloudfront}


@contextmanager
def serving(name: str) -> Iterator[Vendor]:
    """Run a server that answers as the vendor; GET answers 410, as a killed page does."""
    vendor, answer_request = Vendor(), VENDORS[name]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            headers = {each.lower(): value for each, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", "0")))
            vendor.requests.append(headers)
            self._answer(
                *(vendor.answers.pop(0) if vendor.answers else answer_request(vendor, self.path, headers, body))
            )

        def do_GET(self) -> None:
            headers = {each.lower(): value for each, value in self.headers.items()}
            vendor.requests.append({**headers, ":path": self.path})
            self._answer(410, {}, b"gone")

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for each, value in {**headers, "content-length": str(len(body))}.items():
                self.send_header(each, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    vendor.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield vendor
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _json(status: int, body: object) -> Answer:
    return status, {"content-type": "application/json"}, json.dumps(body).encode()
