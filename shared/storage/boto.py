"""The S3 object store through boto3, for the operations that `s3.py` cannot do with its client (ADR 4).

Errors of boto3 are translated here. A call costs 1.3 to 2.4 ms of CPU, during which other Python threads wait.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache, cached_property, partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from shared.runtime.errors import ObjectMissingError
from shared.storage import Etag, ListedObject, ObjectHead, StoredObject
from shared.storage.calls import StoreCalls, paged

if TYPE_CHECKING:
    from boto3 import Session
    from types_boto3_s3.client import S3Client

    from shared.runtime.settings import ServiceSettings

_CLIENT_LOCK = Lock()


def s3_client(settings: ServiceSettings) -> S3Client:
    """Return a client that tries each call once: after a hidden retry, a 412 may come from an own success."""
    from botocore.config import Config  # noqa: PLC0415 -- with boto3 13 MB, which a worker's parent process does not need

    secret = settings.s3_secret_key
    return _session().client(
        "s3",
        endpoint_url=settings.s3_endpoint,
        region_name=settings.s3_region,
        aws_access_key_id=settings.s3_access_key,
        aws_secret_access_key=secret.get_secret_value() if secret else None,
        config=Config(
            connect_timeout=settings.storage_timeout_seconds,
            read_timeout=settings.storage_timeout_seconds,
            retries={"total_max_attempts": 1},
            max_pool_connections=32,
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path"},
        ),
    )


@cache
def _session() -> Session:
    """Return the only session of the process: each session reads the description of S3, 10 MB."""
    import boto3  # noqa: PLC0415
    import botocore.session  # noqa: PLC0415

    session = botocore.session.get_session()
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_instant)
    return boto3.Session(botocore_session=session)


def _instant(text: str) -> datetime:
    """Return a timestamp; botocore's own parser would take most of the time of a LIST, which has one for each key."""
    from botocore.utils import parse_timestamp  # noqa: PLC0415

    try:
        return datetime.fromisoformat(text)
    except ValueError:  # from a header
        return parse_timestamp(text)


class BotoObjectStorage:
    """One bucket of an S3-compatible store, or the part of it whose keys begin with a prefix.

    Failed reads are retried for two seconds; writes never. The client is made at the first call: most processes rarely
    need it, and it takes 20 MB.
    """

    def __init__(self, settings: ServiceSettings, bucket: str, *, prefix: str = "") -> None:
        self._settings = settings
        self.bucket = bucket
        self._prefix = prefix
        self._calls = StoreCalls(settings, bucket, (ClientError, BotoCoreError, OSError), _status_and_text)

    @cached_property
    def _client(self) -> S3Client:
        with _CLIENT_LOCK:  # a session is not thread-safe
            return s3_client(self._settings)

    def ensure_bucket(self) -> None:
        """Create the bucket if it is missing."""
        try:
            self._calls.once("HEAD", "", lambda: self._client.head_bucket(Bucket=self.bucket))
        except ObjectMissingError:
            self._calls.once("PUT", "", lambda: self._client.create_bucket(Bucket=self.bucket))

    def find(self, key: str) -> StoredObject | None:
        """Return the object, or None if there is none."""
        try:
            return self.get(key)
        except ObjectMissingError:
            return None

    def get(self, key: str) -> StoredObject:
        """Return the object."""

        def read() -> StoredObject:
            answer = self._client.get_object(Bucket=self.bucket, Key=self._prefix + key)
            return StoredObject(_head(key, answer), answer["Body"].read())

        return self._calls.read("GET", key, read)

    def find_head(self, key: str) -> ObjectHead | None:
        """Return the head of the object, or None if there is none."""
        call = partial(self._client.head_object, Bucket=self.bucket, Key=self._prefix + key)
        try:
            return _head(key, self._calls.read("HEAD", key, call))
        except ObjectMissingError:
            return None

    def put(
        self,
        key: str,
        body: bytes,
        *,
        content_type: str = "application/json",
        cache_control: str | None = None,
        metadata: Mapping[str, str] | None = None,
        unless_exists: bool = False,
        if_etag: Etag | None = None,
    ) -> Etag:
        """Store the bytes under at most one precondition, in one try."""
        options: dict[str, Any] = {"ContentType": content_type, "Metadata": dict(metadata or {})}
        if cache_control:
            options["CacheControl"] = cache_control
        if unless_exists:
            options["IfNoneMatch"] = "*"
        if if_etag:
            options["IfMatch"] = if_etag
        answer = self._calls.put(
            key,
            lambda: self._client.put_object(Bucket=self.bucket, Key=self._prefix + key, Body=body, **options),
            if_etag=if_etag,
        )
        return Etag(answer["ETag"])

    def delete(self, key: str) -> None:
        """Delete the object; a missing object is no error."""
        self._calls.read("DELETE", key, lambda: self._client.delete_object(Bucket=self.bucket, Key=self._prefix + key))

    def list_keys(self, prefix: str, *, start_after: str = "", limit: int | None = None) -> Iterator[str]:
        """Yield the keys that begin with `prefix` and sort after `start_after`, in order, at most `limit`."""
        return (found.key for found in self.list_heads(prefix, start_after=start_after, limit=limit))

    def list_heads(self, prefix: str, *, start_after: str = "", limit: int | None = None) -> Iterator[ListedObject]:
        """Yield (key, ETag, size) of the same objects, in the same order."""
        return paged(partial(self._page, prefix), start_after, limit)

    def list_folders(self, prefix: str, *, start_after: str = "", page_size: int = 1000) -> Iterator[str]:
        """Yield the folder names below `prefix` (up to the next slash), each once, in order."""
        while True:
            found, is_all = self._calls.read("LIST", prefix, partial(self._folders, prefix, start_after, page_size))
            yield from found
            if is_all:
                return
            start_after = found[-1]

    def date(self) -> str:
        """Return the time of the store: the `Date` header of its response."""
        answer = self._calls.read("HEAD", "", lambda: self._client.head_bucket(Bucket=self.bucket))
        return answer["ResponseMetadata"]["HTTPHeaders"]["date"]

    def _page(self, prefix: str, start_after: str, size: int) -> list[ListedObject]:
        answer = self._calls.read(
            "LIST",
            prefix,
            lambda: self._client.list_objects_v2(
                Bucket=self.bucket,
                Prefix=self._prefix + prefix,
                StartAfter=self._prefix + start_after if start_after else "",
                MaxKeys=size,
            ),
        )
        return [
            ListedObject(each["Key"].removeprefix(self._prefix), Etag(each["ETag"]), each["Size"])
            for each in answer.get("Contents", [])
        ]

    def _folders(self, prefix: str, start_after: str, page_size: int) -> tuple[list[str], bool]:
        """Return a page of folders, and whether it is the last; `{folder}0` sorts after all keys of a folder."""
        full_prefix = self._prefix + prefix
        answer = self._client.list_objects_v2(
            Bucket=self.bucket,
            Prefix=full_prefix,
            Delimiter="/",
            StartAfter=f"{full_prefix}{start_after}0" if start_after else "",
            MaxKeys=page_size,
        )
        found = [each["Prefix"].removeprefix(full_prefix)[:-1] for each in answer.get("CommonPrefixes", [])]
        return found, not answer["IsTruncated"] or not found


def _status_and_text(error: Exception) -> tuple[int, str]:
    """Return the HTTP status and the store's error code; 0 and the client's text if there was no answer."""
    if not isinstance(error, ClientError):
        return 0, str(error)
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return status, str(error.response["Error"].get("Code", status))


def _head(key: str, answer: Any) -> ObjectHead:  # noqa: ANN401 -- the responses of GetObject and HeadObject share these fields
    return ObjectHead(
        key=key,
        etag=Etag(answer["ETag"]),
        size_bytes=answer["ContentLength"],
        content_type=answer.get("ContentType", ""),
        metadata=answer["Metadata"],
    )
