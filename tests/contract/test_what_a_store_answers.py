"""Error responses of an S3 store, as both clients translate them: a conflict is no refusal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import pytest
from pydantic import SecretStr

from shared.runtime.errors import (
    ObjectMissingError,
    PreconditionFailedError,
    PresslineError,
    StorageConflictError,
    StorageUnavailableError,
)
from shared.runtime.settings import ServiceSettings
from shared.storage import Etag, ObjectStorage
from shared.storage.boto import BotoObjectStorage
from shared.storage.s3 import S3ObjectStorage
from tests.http_server import serving

KNOWN_ETAG = Etag('"0123456789abcdef0123456789abcdef"')


@contextmanager
def a_store_that_answers(status: int, body: bytes = b"") -> Iterator[tuple[ServiceSettings, list[str]]]:
    """Yield the settings of a store with one answer, and the preconditions of its requests, in order."""
    requests: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            requests.append(self.headers.get("If-Match") or self.headers.get("If-None-Match") or "")
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_HEAD = do_PUT  # noqa: N815 -- names of http.server

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with serving(Handler) as url:
        yield ServiceSettings(s3_endpoint=url, s3_access_key="key", s3_secret_key=SecretStr("secret")), requests


def client_of(kind: str, settings: ServiceSettings) -> ObjectStorage:
    return (BotoObjectStorage if kind == "boto" else S3ObjectStorage)(settings, "bucket")


@pytest.mark.parametrize("client", ["boto", "s3"])
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (412, PreconditionFailedError),
        (404, PreconditionFailedError),  # AWS's answer to If-Match for a missing object
        (409, StorageConflictError),
        (503, StorageUnavailableError),
        (500, StorageUnavailableError),
        (403, StorageUnavailableError),
    ],
)
def test_a_put_under_if_match_is_tried_once_and_its_refusal_named(
    client: str, status: int, error: type[PresslineError]
) -> None:
    with a_store_that_answers(status) as (settings, requests):
        with pytest.raises(error):
            client_of(client, settings).put("a/b", b"x", if_etag=KNOWN_ETAG)

        assert requests == [KNOWN_ETAG]


@pytest.mark.parametrize("client", ["boto", "s3"])
@pytest.mark.parametrize(
    ("status", "error"),
    [(412, PreconditionFailedError), (409, StorageConflictError), (404, StorageUnavailableError)],
)
def test_a_put_unless_exists_is_tried_once_and_its_refusal_named(
    client: str, status: int, error: type[PresslineError]
) -> None:
    with a_store_that_answers(status) as (settings, requests):
        with pytest.raises(error):
            client_of(client, settings).put("a/b", b"x", unless_exists=True)

        assert requests == ["*"]


@pytest.mark.parametrize("client", ["boto", "s3"])
def test_a_missing_object_and_a_listing_of_a_missing_bucket_are_missing(client: str) -> None:
    with a_store_that_answers(404) as (settings, _):
        storage = client_of(client, settings)

        assert storage.find("a/b") is None
        assert storage.find_head("a/b") is None
        with pytest.raises(ObjectMissingError):
            list(storage.list_keys("a/"))


@pytest.mark.parametrize("client", ["boto", "s3"])
@pytest.mark.parametrize("status", [403, 429, 503])
@pytest.mark.usefixtures("no_backoff")
def test_a_read_that_is_refused_or_fails_is_tried_three_times_and_is_an_outage(client: str, status: int) -> None:
    with a_store_that_answers(status) as (settings, requests):
        storage = client_of(client, settings)
        for read in (storage.find, storage.find_head, lambda key: list(storage.list_keys(f"{key}/"))):
            with pytest.raises(StorageUnavailableError):
                read("a/b")

        assert len(requests) == 9


@pytest.mark.parametrize("client", ["boto", "s3"])
@pytest.mark.parametrize("value", ["Zoë", "two\nlines"])
def test_metadata_that_no_header_can_carry_is_not_put(client: str, value: str) -> None:
    with a_store_that_answers(200) as (settings, requests):
        with pytest.raises(StorageUnavailableError):
            client_of(client, settings).put("a/b", b"x", metadata={"name": value})

        assert requests == []


@pytest.mark.parametrize("client", ["boto", "s3"])
def test_a_listing_has_every_key_even_unusual_ones(client: str) -> None:
    keys = ["a//b", "a/1", "a/x/../2"]
    found = "".join(
        f"<Contents><Key>{key}</Key><LastModified>2026-11-01T12:00:00Z</LastModified><ETag>e</ETag><Size>1</Size></Contents>"
        for key in keys
    )
    listing = f"<ListBucketResult><Name>bucket</Name><IsTruncated>false</IsTruncated>{found}</ListBucketResult>"

    with a_store_that_answers(200, listing.encode()) as (settings, _):
        assert list(client_of(client, settings).list_keys("a/")) == keys
