"""A sender's server with one document, for tests of polls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.http_server import serving

ENTRY = """<item><guid isPermaLink="false">{guid}</guid><title>{title}</title>
<pubDate>Sun, 01 Nov 2026 10:0{minute}:00 GMT</pubDate>
<description>&lt;p&gt;{title}, and the quay stays open.&lt;/p&gt;</description></item>"""


def rss(*titles: str) -> bytes:
    """Return an RSS document with an item for each title; an item's id is its place."""
    items = "".join(ENTRY.format(guid=f"quay-{n}", title=title, minute=n) for n, title in enumerate(titles))
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>Quay wire</title>'
        f"<link>https://quay.example/</link><description>News of the quay</description>{items}</channel></rss>"
    ).encode()


@dataclass
class FeedServer:
    """A server that answers each GET with `body` and `headers`, or with the next of `answers` (status, headers)."""

    body: bytes = b""
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/rss+xml"})
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    respond: Callable[[BaseHTTPRequestHandler], None] | None = None  # replaces the answer
    url: str = ""


@contextmanager
def a_feed_server(body: bytes = b"", **fields: object) -> Iterator[FeedServer]:
    """Serve inside the block. An ETag in `headers` is compared with If-None-Match, as servers do."""
    server = FeedServer(body, **fields)  # type: ignore[arg-type]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sent = {name.lower(): value for name, value in self.headers.items()}
            server.requests.append((self.path, sent))
            if server.respond:
                server.respond(self)
                return
            etag = server.headers.get("etag")
            if server.answers:
                status, headers = server.answers.pop(0)
                self._answer(status, headers, b"")
            elif etag and sent.get("if-none-match") == etag:
                self._answer(304, {"etag": etag}, b"")
            else:
                self._answer(200, server.headers, server.body)

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 304:
                self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with serving(Handler) as url:
        server.url = f"{url}/feed.xml"
        yield server
