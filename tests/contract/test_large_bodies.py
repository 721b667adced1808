"""Large bodies and the real server: refused early with an answer, without delaying other requests."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from threading import Event, Thread
from typing import Self

import httpx
import pytest
import uvicorn

from services.ingest.endpoint.connection import EndpointProtocol
from shared.runtime.tokens import mint
from shared.storage.memory import MemoryObjectStorage
from tests.contract.newsroom import NOW, Newsroom, an_app

BODY_BYTES = 100 * 1024 * 1024
PIECE = b"x" * 65_536
LONGEST_DELAY_SECONDS = 1.5  # senders and server share one interpreter here
_LENGTH, _CHUNKED = f"Content-Length: {BODY_BYTES}", "Transfer-Encoding: chunked"


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[int, str]]:
    """Yield the port of a real server, and a token."""
    storage = MemoryObjectStorage()
    token = mint(storage, name="desk", scopes=["publish"], sites=["epn"], now=NOW)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        config = uvicorn.Config(
            an_app(Newsroom(), storage),
            http=EndpointProtocol,
            loop="asyncio",
            log_config=None,
            lifespan="off",
            ws="none",
        )
        server = uvicorn.Server(config)
        thread = Thread(target=server.run, args=([listener],))
        thread.start()
        yield listener.getsockname()[1], token
        server.should_exit = True
        thread.join()


class Watch:
    """Polls `/healthz` and records the longest delay."""

    def __init__(self, port: int) -> None:
        self.longest_seconds = 0.0
        self._ended = Event()
        self._thread = Thread(target=self._ask, args=(f"http://127.0.0.1:{port}/healthz",))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _ask(self, url: str) -> None:
        with httpx.Client(trust_env=False, timeout=30) as client:
            while not self._ended.is_set():
                began = time.monotonic()
                assert client.get(url).status_code == 200
                self.longest_seconds = max(self.longest_seconds, time.monotonic() - began)


def send(port: int, token: str, framing: str, piece: bytes) -> bytes:
    """Send all of a body before reading, as simple clients do; return the response."""
    sent, answer = 0, b""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        head = ["POST /v1/articles HTTP/1.1", "Host: x", "Content-Type: application/json", framing]
        head += [f"Authorization: Bearer {token}"] if token else []
        connection.sendall("\r\n".join([*head, "", ""]).encode())
        try:
            while sent < BODY_BYTES:
                connection.sendall(piece)
                sent += len(piece)
            while part := connection.recv(65_536):
                answer += part
                if b"\r\n\r\n" in answer and answer.endswith(b"}"):
                    break
        except ConnectionError:  # the bytes before the reset can still be read
            answer += connection.recv(65_536)
    return answer


@pytest.mark.parametrize(("framing", "status"), [(_LENGTH, 413), (_CHUNKED, 413), (_LENGTH, 401)])
def test_a_body_of_100_mb_is_refused_with_an_answer_and_without_delaying_others(
    served: tuple[int, str], framing: str, status: int
) -> None:
    port, token = served
    piece = PIECE if framing == _LENGTH else b"10000\r\n" + PIECE + b"\r\n"

    with Watch(port) as watch:
        answer = send(port, token if status == 413 else "", framing, piece)

    head, _, body = answer.partition(b"\r\n\r\n")
    assert json.loads(body)["status"] == status
    assert b"connection: close" in head.lower()
    assert watch.longest_seconds < LONGEST_DELAY_SECONDS


def test_a_body_in_tiny_chunks_delays_no_other_request(served: tuple[int, str]) -> None:
    port, token = served

    with Watch(port) as watch, socket.create_connection(("127.0.0.1", port)) as connection:
        head = f"POST /v1/articles HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{_CHUNKED}\r\n\r\n"
        connection.sendall(head.encode())
        until = time.monotonic() + 1
        while time.monotonic() < until:
            connection.sendall(b"1\r\nx\r\n" * 1000)

    assert watch.longest_seconds < LONGEST_DELAY_SECONDS


def test_a_small_refused_body_leaves_the_connection_open(served: tuple[int, str]) -> None:
    port, _ = served
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        answer = client.post("/v1/articles", content=b"x" * 1000)

    assert answer.status_code == 401
    assert "connection" not in answer.headers


@pytest.mark.parametrize("sent", [b"no request\r\n\r\n", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 100_000])
def test_bytes_that_are_no_request_get_a_problem_document(served: tuple[int, str], sent: bytes) -> None:
    port, _ = served
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(sent)
        while part := connection.recv(65_536):
            answer += part

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in head
    assert json.loads(body)["status"] == 400


def test_a_malformed_chunk_ends_the_request_with_a_problem_document(served: tuple[int, str]) -> None:
    port, token = served
    answer = b""
    head = (
        f"POST /v1/articles HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(head.encode() + b"2\r\n{}\r\n")
        connection.sendall(b"no chunk\r\n")
        while part := connection.recv(65_536):
            answer += part

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in answer
