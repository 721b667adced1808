"""Two ways to look at what is public: as a reader at the edge, cache included, and straight from the bucket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import httpx
from botocore.exceptions import ClientError
from pydantic import SecretStr

from infra.local.state import StackFile
from shared.runtime.settings import ServiceSettings
from shared.storage.boto import s3_client
from tests.chaos.oracle import Look, Seen

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

_INDEX = "index.html"


def store_of(stack: StackFile) -> S3Client:
    """Return a client of the stack's store that may do everything there."""
    s3 = stack.s3
    return s3_client(
        ServiceSettings(s3_endpoint=s3.endpoint, s3_access_key=s3.access_key, s3_secret_key=SecretStr(s3.secret_key))
    )


def at_edge(edge: httpx.Client) -> Look:
    """Return what reads as a reader does; an edge that does not answer has status 0."""

    def look(url: str) -> Seen:
        try:
            answer = edge.get(url)
        except httpx.TransportError:
            return Seen(0)
        return Seen(answer.status_code, answer.headers.get("location", ""), answer.text)

    return look


def in_bucket(store: S3Client, bucket: str) -> Look:
    """Return what reads an object and what its metadata tells the edge."""

    def look(url: str) -> Seen:
        key = url.removeprefix("/") + (_INDEX if url.endswith("/") else "")
        try:
            found = store.get_object(Bucket=bucket, Key=key)
        except ClientError as error:
            return Seen(int(error.response["ResponseMetadata"]["HTTPStatusCode"]))
        metadata = found["Metadata"]
        body = found["Body"].read().decode(errors="replace")
        return Seen(int(metadata.get("status", "200")), metadata.get("location", ""), body)

    return look


def keys_in(store: S3Client, bucket: str, prefix: str = "") -> Iterator[str]:
    """Yield every key of a bucket below a prefix."""
    for page in store.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for found in page.get("Contents", []):
            yield found["Key"]
