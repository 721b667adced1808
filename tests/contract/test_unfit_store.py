"""The real store conforms; behind a proxy that drops the preconditions no service runs on it."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from threading import Thread
from time import monotonic, sleep
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from structlog.testing import capture_logs

from infra.local.ports import free_ports
from shared.runtime.settings import ServiceSettings
from shared.site import keys
from shared.storage.conformance import check_buckets, require_conformant_store
from shared.storage.s3 import S3ObjectStorage
from tests.conftest import ROOT
from tests.http_server import serving


class Proxy(BaseHTTPRequestHandler):
    """Passes each request on, signed again, with these headers."""

    protocol_version = "HTTP/1.1"
    behind = ""
    kept = ("content-type", "x-amz-meta-", "if-")

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path, _, query = self.path.partition("?")
        told = urlencode(parse_qsl(query, keep_blank_values=True), quote_via=quote)  # as it is signed: `~` as it is
        url = f"http://{self.behind}{path}?{told}"
        kept = {name: value for name, value in self.headers.items() if name.lower().startswith(self.kept)}
        request = AWSRequest(self.command, url, data=body, headers=kept)
        S3SigV4Auth(Credentials("key", "secret"), "s3", "us-east-1").add_auth(request)
        prepared = request.prepare()
        connection = http.client.HTTPConnection(self.behind, timeout=10)
        parts = urlsplit(prepared.url)
        connection.request(self.command, f"{parts.path}?{parts.query}", body=body, headers=dict(prepared.headers))
        answer = connection.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in {"transfer-encoding", "connection", "date", "server"}:
                self.send_header(name, value)
        if not answer.getheader("Content-Length"):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        connection.close()

    do_GET = do_PUT = do_HEAD = do_DELETE = _pass_on  # noqa: N815 -- the server's names

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def proxy(behind: ServiceSettings, *, port: int = 0, kept: tuple[str, ...] = Proxy.kept) -> Iterator[str]:
    handler = type("Handler", (Proxy,), {"behind": urlsplit(behind.s3_endpoint or "").netloc, "kept": kept})
    with serving(handler, port=port) as url:
        yield url


@pytest.fixture
def careless_store(store_settings: ServiceSettings) -> Iterator[str]:
    with proxy(store_settings, kept=("content-type", "x-amz-meta-")) as url:
        yield url


def content_of(settings: ServiceSettings) -> S3ObjectStorage:
    return S3ObjectStorage(settings, settings.content_bucket)


def test_several_processes_at_once_find_the_real_store_conformant_and_leave_it_clean(
    store_settings: ServiceSettings,
) -> None:
    with ThreadPoolExecutor(2) as pool:
        for results in pool.map(check_buckets, [store_settings] * 2):
            assert [each.bucket for each in results] == ["test-content", "test-public"]

    for bucket in (store_settings.content_bucket, store_settings.public_bucket):
        storage = S3ObjectStorage(store_settings, bucket)
        assert list(storage.list_keys(keys.PROBES_PREFIX)) == []
    require_conformant_store(store_settings)  # two reads, and it returns


def test_a_store_that_is_down_is_waited_for_and_then_tried(store_settings: ServiceSettings) -> None:
    port = free_ports(1)[0]
    settings = store_settings.model_copy(update={"s3_endpoint": f"http://127.0.0.1:{port}"})
    starting = Thread(target=require_conformant_store, args=(settings,), daemon=True)
    with capture_logs() as logs:
        starting.start()
        until = monotonic() + 30
        while not any(each["event"] == "store.awaited" for each in logs):
            assert monotonic() < until, logs
            sleep(0.02)
        with proxy(store_settings, port=port):
            starting.join(60)

    assert not starting.is_alive()
    assert [each["bucket"] for each in logs if each["event"] == "store.tested"] == ["test-content", "test-public"]


@pytest.mark.parametrize(
    "service",
    [("services.render",), ("services.ingest", "endpoint"), ("services.scheduler",)],
    ids=lambda service: service[0].removeprefix("services."),
)
def test_no_service_runs_on_a_store_that_ignores_preconditions(
    service: tuple[str, ...], careless_store: str, store_settings: ServiceSettings, redis_url: str
) -> None:
    check_buckets(store_settings)  # a result of another endpoint does not help

    ended = subprocess.run(
        [sys.executable, "-m", *service],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PRESSLINE_S3_ENDPOINT": careless_store,
            "PRESSLINE_S3_ACCESS_KEY": "key",
            "PRESSLINE_S3_SECRET_KEY": "secret",
            "PRESSLINE_CONTENT_BUCKET": store_settings.content_bucket,
            "PRESSLINE_PUBLIC_BUCKET": store_settings.public_bucket,
            "PRESSLINE_REDIS_URL": redis_url,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == os.EX_CONFIG
    assert f"bucket {store_settings.content_bucket} at {careless_store}: If-None-Match: * let a second" in ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr
    assert '"event": "store.refused"' in ended.stdout
    assert list(content_of(store_settings).list_keys(keys.PROBES_PREFIX)) == []
