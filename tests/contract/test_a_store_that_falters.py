"""A store that hangs, truncates its answer, is killed or restarts: each call ends in time, as an outage."""

from __future__ import annotations

import os
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Event, Thread
from time import monotonic

import pytest
from pydantic import SecretStr

from infra.local.ports import free_ports
from infra.local.servers import SeaweedPorts, prepare_buckets, start_seaweed
from shared.runtime.deadline import time_for_calls
from shared.runtime.errors import PeersTooSlowError, StorageUnavailableError, TaskTooSlowError
from shared.runtime.settings import ServiceSettings
from shared.storage import ObjectStorage
from shared.storage.boto import BotoObjectStorage
from shared.storage.s3 import S3ObjectStorage

TIMEOUT_SECONDS = 1.0
TLS = Path(__file__).parent / "tls"
_HEAD = b'HTTP/1.1 200 OK\r\nETag: "x"\r\nLast-Modified: Sat, 28 Nov 2026 23:33:41 GMT\r\nContent-Length: %d\r\n\r\n'

Client = type[BotoObjectStorage | S3ObjectStorage]
Talk = Callable[[socket.socket, bytes], None]
both = pytest.mark.parametrize("client", [BotoObjectStorage, S3ObjectStorage])


def settings_for(url: str) -> ServiceSettings:
    return ServiceSettings(
        s3_endpoint=url,
        s3_access_key="key",
        s3_secret_key=SecretStr("secret"),
        storage_timeout_seconds=TIMEOUT_SECONDS,
    )


@contextmanager
def a_peer(talk: Talk, *, tls: ssl.SSLContext | None = None) -> Iterator[tuple[ServiceSettings, list[bytes]]]:
    """Yield a server that answers the first request of each connection with `talk` and closes it, and its requests."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with ThreadPoolExecutor(8) as pool:
                while True:
                    try:
                        connection = server.accept()[0]
                    except OSError:
                        return
                    pool.submit(answer, connection)

        def answer(connection: socket.socket) -> None:
            with tls.wrap_socket(connection, server_side=True) if tls else connection as talking:
                request = b""
                while b"\r\n\r\n" not in request and (more := talking.recv(65536)):
                    request += more
                if request:
                    asked.append(request)
                    talk(talking, request)

        thread = Thread(target=serve)
        thread.start()
        scheme = "https" if tls else "http"
        try:
            yield settings_for(f"{scheme}://127.0.0.1:{server.getsockname()[1]}"), asked
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def wait_for_its_end(connection: socket.socket, _: bytes) -> None:
    """Send nothing until the client closes the connection."""
    while connection.recv(65536):
        pass


def assert_outage(call: Callable[[], object]) -> float:
    """Make a call that must end as an outage; return its duration in seconds."""
    started = monotonic()
    with pytest.raises(StorageUnavailableError):
        call()
    return monotonic() - started


@both
def test_a_call_that_hangs_ends_in_its_time(client: Client) -> None:
    with a_peer(wait_for_its_end) as (settings, asked):
        storage = client(settings, "bucket")
        assert_outage(lambda: storage.put("a", b"x"))  # makes the client, which takes boto3 a second of CPU

        assert TIMEOUT_SECONDS * 0.9 < assert_outage(lambda: storage.put("a", b"x")) < TIMEOUT_SECONDS * 2.9
        assert len(asked) == 2
        assert (
            assert_outage(lambda: storage.get("a")) < TIMEOUT_SECONDS * 4
        )  # tried again while two seconds are not over
        assert assert_outage(lambda: list(storage.list_keys("a/"))) < TIMEOUT_SECONDS * 4


def test_a_call_whose_answer_trickles_in_ends_in_twice_its_time() -> None:
    enough = Event()

    def trickle(connection: socket.socket, _: bytes) -> None:
        connection.sendall(_HEAD % 1000)
        while not enough.wait(0.1):
            connection.sendall(b"x")

    with a_peer(trickle) as (settings, _):
        storage = S3ObjectStorage(settings, "bucket")
        taken = assert_outage(lambda: storage.get("a"))
        enough.set()

    assert taken < TIMEOUT_SECONDS * 2.9


@both
def test_a_truncated_answer_is_an_outage_and_no_short_body(client: Client) -> None:
    with a_peer(lambda connection, _: connection.sendall(_HEAD % 100 + b"half")) as (settings, asked):
        assert_outage(lambda: client(settings, "bucket").get("a"))

        assert len(asked) == 3


@both
def test_a_put_whose_connection_breaks_is_an_outage_and_was_tried_once(client: Client) -> None:
    with a_peer(lambda *_: None) as (settings, asked):
        assert_outage(lambda: client(settings, "bucket").put("a", b"x", unless_exists=True))

        assert len(asked) == 1


@both
def test_a_connection_that_was_closed_while_it_idled_is_no_outage(client: Client) -> None:
    with a_peer(lambda connection, _: connection.sendall(_HEAD % 0)) as (settings, asked):
        storage = client(settings, "bucket")
        for number in range(5):
            storage.put("a", b"%d" % number)
            Event().wait(0.1)  # it idles

        assert len(asked) == 5


@both
def test_a_store_that_does_not_run_or_resolve_is_an_outage(client: Client) -> None:
    for url in (f"http://127.0.0.1:{free_ports(1)[0]}", "http://no-such-store.invalid:80"):
        storage = client(settings_for(url), "bucket")
        assert_outage(partial(storage.put, "a", b"x"))
        assert_outage(partial(storage.get, "a"))
        assert_outage(lambda: list(storage.list_keys("a/")))  # noqa: B023 -- called at once


@both
def test_wrong_keys_are_an_outage(client: Client, store_settings: ServiceSettings) -> None:
    wrong = store_settings.model_copy(update={"s3_secret_key": SecretStr("wrong")})
    storage = client(wrong, store_settings.content_bucket)

    assert_outage(lambda: storage.put("a", b"x"))
    assert_outage(lambda: storage.find("a"))
    assert_outage(lambda: list(storage.list_keys("a/")))


def test_the_store_is_not_called_when_a_tasks_time_is_up(store_settings: ServiceSettings) -> None:
    storage = S3ObjectStorage(store_settings, store_settings.content_bucket)

    with time_for_calls(0), pytest.raises((PeersTooSlowError, TaskTooSlowError)):
        storage.find("any")


@both
def test_a_store_that_stands_still_or_was_killed_is_an_outage_until_it_is_back(client: Client, tmp_path: Path) -> None:
    ports = SeaweedPorts.free()
    server = start_seaweed(tmp_path, ports, "key", "secret", "public")
    try:
        prepare_buckets(server.url, "key", "secret", ["content", "public"])
        storage = client(settings_for(server.url), "content")
        storage.put("a/b", b"x")

        os.kill(server.child.pid, signal.SIGSTOP)
        assert assert_outage(lambda: storage.put("a/c", b"x")) < TIMEOUT_SECONDS * 2.9
        assert_outage(lambda: storage.find("a/b"))
        os.kill(server.child.pid, signal.SIGCONT)
        assert storage.get("a/b").body == b"x"

        server.child.kill()
        assert_outage(lambda: storage.find("a/b"))
        server.stop()
        server = start_seaweed(tmp_path, ports, "key", "secret", "public")
        until = monotonic() + 30
        while not storage_answers(storage):
            assert monotonic() < until
        assert list(storage.list_keys("a/b")) == ["a/b"]
    finally:
        server.stop()


def storage_answers(storage: ObjectStorage) -> bool:
    try:
        return storage.find("a/b") is not None
    except StorageUnavailableError:  # tries for half a second by itself
        return False


def test_only_the_keys_that_are_set_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-somebody-else")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-somebody-else")

    with a_peer(lambda connection, _: connection.sendall(_HEAD % 0)) as (settings, asked):
        for client in (BotoObjectStorage, S3ObjectStorage):
            client(settings, "bucket").put("a", b"x")

    assert len(asked) == 2
    assert not [request for request in asked if b"of-somebody-else" in request]


def test_without_keys_in_the_settings_boto3s_chain_is_asked_until_it_finds_some(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))

    with a_peer(lambda connection, _: connection.sendall(_HEAD % 0)) as (settings, asked):
        unset = settings.model_copy(update={"s3_access_key": None, "s3_secret_key": None})
        storage = S3ObjectStorage(unset, "bucket")
        assert_outage(lambda: storage.put("a", b"x"))
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-chain")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("AWS_SESSION_TOKEN", "token-of-the-chain")
        storage.put("a", b"x")

    [request] = asked
    assert b"Credential=of-the-chain/" in request
    assert b"token-of-the-chain" in request


@both
def test_the_operators_own_certificate_authority_is_trusted_if_it_is_named(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(TLS / "server.pem", TLS / "server-key.pem")

    with a_peer(lambda connection, _: connection.sendall(_HEAD % 0), tls=tls) as (settings, asked):
        assert_outage(lambda: client(settings, "bucket").put("a", b"x"))
        monkeypatch.setenv("AWS_CA_BUNDLE", str(TLS / "authority.pem"))
        client(settings, "bucket").put("a", b"x")

        assert len(asked) == 1
