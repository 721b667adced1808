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
    """Forwards each request, signed again, with only some of its headers."""

    protocol_version = "HTTP/1.1"
    upstream = ""
    forwarded_headers = ("content-type", "x-amz-meta-", "if-")

    def _forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path, _, query = self.path.partition("?")
        signed_query = urlencode(parse_qsl(query, keep_blank_values=True), quote_via=quote)  # the signature keeps `~`
        url = f"http://{self.upstream}{path}?{signed_query}"
        headers = {
            name: value for name, value in self.headers.items() if name.lower().startswith(self.forwarded_headers)
        }
        request = AWSRequest(self.command, url, data=body, headers=headers)
        S3SigV4Auth(Credentials("key", "secret"), "s3", "us-east-1").add_auth(request)
        prepared = request.prepare()
        connection = http.client.HTTPConnection(self.upstream, timeout=10)
        parts = urlsplit(prepared.url)
        connection.request(self.command, f"{parts.path}?{parts.query}", body=body, headers=dict(prepared.headers))
        response = connection.getresponse()
        content = response.read()
        self.send_response(response.status)
        for name, value in response.getheaders():
            if name.lower() not in {"transfer-encoding", "connection", "date", "server"}:
                self.send_header(name, value)
        if not response.getheader("Content-Length"):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        connection.close()

    do_GET = do_PUT = do_HEAD = do_DELETE = _forward  # noqa: N815 -- names of http.server

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def proxy(
    store: ServiceSettings, *, port: int = 0, forwarded_headers: tuple[str, ...] = Proxy.forwarded_headers
) -> Iterator[str]:
    handler = type(
        "Handler",
        (Proxy,),
        {
            "upstream": urlsplit(store.s3_endpoint or "").netloc,
            "forwarded_headers": forwarded_headers,
        },
    )
    with serving(handler, port=port) as url:
        yield url


@pytest.fixture
def store_without_preconditions(store_settings: ServiceSettings) -> Iterator[str]:
    with proxy(store_settings, forwarded_headers=("content-type", "x-amz-meta-")) as url:
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


def test_a_start_waits_for_a_store_that_is_down_and_then_probes_it(store_settings: ServiceSettings) -> None:
    port = free_ports(1)[0]
    settings = store_settings.model_copy(update={"s3_endpoint": f"http://127.0.0.1:{port}"})
    starting = Thread(target=require_conformant_store, args=(settings,), daemon=True)
    with capture_logs() as logs:
        starting.start()
        deadline = monotonic() + 30
        while not any(each["event"] == "store.awaited" for each in logs):
            assert monotonic() < deadline, logs
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
    service: tuple[str, ...], store_without_preconditions: str, store_settings: ServiceSettings, redis_url: str
) -> None:
    check_buckets(store_settings)  # a result of another endpoint does not help

    process = subprocess.run(
        [sys.executable, "-m", *service],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PRESSLINE_S3_ENDPOINT": store_without_preconditions,
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

    assert process.returncode == os.EX_CONFIG
    assert (
        f"bucket {store_settings.content_bucket} at {store_without_preconditions}: If-None-Match: * let a second"
        in process.stderr
    )
    assert "Traceback" not in process.stdout + process.stderr
    assert '"event": "store.refused"' in process.stdout
    assert list(content_of(store_settings).list_keys(keys.PROBES_PREFIX)) == []
