"""Two ways to fetch a public page: from the edge as readers do, with its cache, and from the bucket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import httpx
from botocore.exceptions import ClientError
from pydantic import SecretStr

from infra.local.state import StackFile
from shared.runtime.settings import ServiceSettings
from shared.storage.boto import s3_client
from tests.chaos.oracle import Fetch, Fetched

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

_INDEX = "index.html"


def store_of(stack: StackFile) -> S3Client:
    """Return a client of the stack's store with all rights."""
    s3 = stack.s3
    return s3_client(
        ServiceSettings(s3_endpoint=s3.endpoint, s3_access_key=s3.access_key, s3_secret_key=SecretStr(s3.secret_key))
    )


def edge_fetcher(edge: httpx.Client) -> Fetch:
    """Return a function that fetches from the edge; status 0 means no answer."""

    def fetch(url: str) -> Fetched:
        try:
            answer = edge.get(url)
        except httpx.TransportError:
            return Fetched(0)
        return Fetched(answer.status_code, answer.headers.get("location", ""), answer.text)

    return fetch


def bucket_fetcher(store: S3Client, bucket: str) -> Fetch:
    """Return a function that fetches from the bucket; status and location are those of the metadata."""

    def fetch(url: str) -> Fetched:
        key = url.removeprefix("/") + (_INDEX if url.endswith("/") else "")
        try:
            found = store.get_object(Bucket=bucket, Key=key)
        except ClientError as error:
            return Fetched(int(error.response["ResponseMetadata"]["HTTPStatusCode"]))
        metadata = found["Metadata"]
        body = found["Body"].read().decode(errors="replace")
        return Fetched(int(metadata.get("status", "200")), metadata.get("location", ""), body)

    return fetch


def keys_in(store: S3Client, bucket: str, prefix: str = "") -> Iterator[str]:
    """Yield every key of a bucket below a prefix."""
    for page in store.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for found in page.get("Contents", []):
            yield found["Key"]
