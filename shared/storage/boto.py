"""The object store over the S3 protocol by boto3: for what the client that carries the news cannot do (ADR 4).

Vendor errors end here. A call costs 1.3 to 2.4 ms of the process, and holds the interpreter meanwhile.
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

_MAKING = Lock()


def s3_client(settings: ServiceSettings) -> S3Client:
    """Return a client that tries each call once: who retries must know that it did (a 412 may be our own success)."""
    from botocore.config import Config  # noqa: PLC0415 -- with boto3 13 MB that a worker's parent can do without

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
    """Return the one session of a process: each would read the service's whole description again, 10 MB of it."""
    import boto3  # noqa: PLC0415
    import botocore.session  # noqa: PLC0415

    session = botocore.session.get_session()
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_instant)
    return boto3.Session(botocore_session=session)


def _instant(text: str) -> datetime:
    """Return a time of the store's; what botocore does takes most of the time of a listing, which has one a key."""
    from botocore.utils import parse_timestamp  # noqa: PLC0415

    try:
        return datetime.fromisoformat(text)
    except ValueError:  # a header's
        return parse_timestamp(text)


class BotoObjectStorage:
    """One bucket of an S3-compatible store, or the part of it whose keys begin with a prefix.

    Reads are repeated for a moment when the store stumbles; writes never. The client is made with its first call:
    most processes need it seldom or never, and it takes 20 MB of each.
    """

    def __init__(self, settings: ServiceSettings, bucket: str, *, prefix: str = "") -> None:
        self._settings = settings
        self.bucket = bucket
        self._prefix = prefix
        self._calls = StoreCalls(settings, bucket, (ClientError, BotoCoreError, OSError), _told)

    @cached_property
    def _client(self) -> S3Client:
        with _MAKING:  # a session is not to be asked by two threads at once
            return s3_client(self._settings)

    def ensure_bucket(self) -> None:
        """Make the bucket where there is none."""
        try:
            self._calls.once("HEAD", "", lambda: self._client.head_bucket(Bucket=self.bucket))
        except ObjectMissingError:
            self._calls.once("PUT", "", lambda: self._client.create_bucket(Bucket=self.bucket))

    def find(self, key: str) -> StoredObject | None:
        """Return the object, or None where there is none."""
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
        """Return what is known of the object, or None where there is none."""
        ask = partial(self._client.head_object, Bucket=self.bucket, Key=self._prefix + key)
        try:
            return _head(key, self._calls.read("HEAD", key, ask))
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
        """Store the bytes under the two preconditions, in one try."""
        wanted: dict[str, Any] = {"ContentType": content_type, "Metadata": dict(metadata or {})}
        if cache_control:
            wanted["CacheControl"] = cache_control
        if unless_exists:
            wanted["IfNoneMatch"] = "*"
        if if_etag:
            wanted["IfMatch"] = if_etag
        answer = self._calls.put(
            key,
            lambda: self._client.put_object(Bucket=self.bucket, Key=self._prefix + key, Body=body, **wanted),
            if_etag=if_etag,
        )
        return Etag(answer["ETag"])

    def delete(self, key: str) -> None:
        """Remove the object; one that is not there is no error."""
        self._calls.read("DELETE", key, lambda: self._client.delete_object(Bucket=self.bucket, Key=self._prefix + key))

    def list_keys(self, prefix: str, *, start_after: str = "", limit: int | None = None) -> Iterator[str]:
        """Yield the keys that begin with `prefix` and sort after `start_after`, in order, at most `limit`."""
        return (found.key for found in self.list_heads(prefix, start_after=start_after, limit=limit))

    def list_heads(self, prefix: str, *, start_after: str = "", limit: int | None = None) -> Iterator[ListedObject]:
        """Yield (key, ETag, size) of the same objects, in the same order."""
        return paged(partial(self._page, prefix), start_after, limit)

    def list_folders(self, prefix: str, *, start_after: str = "", at_once: int = 1000) -> Iterator[str]:
        """Yield what stands between `prefix` and the next slash in any key, once each, in order."""
        while True:
            found, is_all = self._calls.read("LIST", prefix, partial(self._folders, prefix, start_after, at_once))
            yield from found
            if is_all:
                return
            start_after = found[-1]

    def date(self) -> str:
        """Return the store's own clock: the `Date` header of its answer."""
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

    def _folders(self, prefix: str, start_after: str, at_once: int) -> tuple[list[str], bool]:
        """Return a page of folders, and whether it is the last; behind all of a folder's keys comes `{folder}0`."""
        whole = self._prefix + prefix
        answer = self._client.list_objects_v2(
            Bucket=self.bucket,
            Prefix=whole,
            Delimiter="/",
            StartAfter=f"{whole}{start_after}0" if start_after else "",
            MaxKeys=at_once,
        )
        found = [each["Prefix"].removeprefix(whole)[:-1] for each in answer.get("CommonPrefixes", [])]
        return found, not answer["IsTruncated"] or not found


def _told(error: Exception) -> tuple[int, str]:
    """Return the status and the store's code; 0 and the client's text where there was no answer."""
    if not isinstance(error, ClientError):
        return 0, str(error)
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return status, str(error.response["Error"].get("Code", status))


def _head(key: str, answer: Any) -> ObjectHead:  # noqa: ANN401 -- GetObject's and HeadObject's answers share these
    return ObjectHead(
        key=key,
        etag=Etag(answer["ETag"]),
        size_bytes=answer["ContentLength"],
        content_type=answer.get("ContentType", ""),
        metadata=answer["Metadata"],
    )
