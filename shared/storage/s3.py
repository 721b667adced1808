"""The S3 object store of all processes, through obstore, a client in Rust (ADR 4).

A call costs 0.2 ms of CPU instead of boto3's 1.3 to 2.4, and other Python threads run meanwhile. boto3 does the rest:
folders, deletes, buckets, and keys or metadata that obstore would change.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import cache, partial
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from shared.runtime.errors import ObjectMissingError
from shared.storage import Etag, ListedObject, ObjectHead, StoredObject
from shared.storage.boto import BotoObjectStorage
from shared.storage.calls import StoreCalls, paged

if TYPE_CHECKING:
    from obstore import Attributes, GetResult, PutMode
    from obstore.auth.boto3 import Boto3CredentialProvider
    from obstore.store import ClientConfig, S3Config, S3Credential, S3Store

    from shared.runtime.settings import ServiceSettings
    from shared.site.sites import Site

_CONFLICT = "409 Conflict"  # in the text: obstore raises AlreadyExistsError for a 409 too
_NO_BUCKET = "status code: 404"  # in the text: obstore has no error for a LIST of a missing bucket
_MAX_OBSTORE_PUT_BYTES = 4 * 1024**2  # obstore's time-out includes the whole upload, boto3's only each socket operation
_CREDENTIALS_TTL = timedelta(minutes=10)  # botocore renews credentials at least 10 minutes before their end
_POOL_IDLE_TIMEOUT = timedelta(seconds=15)  # stores and proxies close connections after 20 s or more


def public_storage(settings: ServiceSettings, site: Site) -> S3ObjectStorage:
    """Return a site's part of its public bucket (its own or the shared one): the keys with its prefix."""
    return S3ObjectStorage(settings, site.bucket or settings.public_bucket, prefix=site.prefix)


class S3ObjectStorage:
    """One bucket through obstore, or the part of it whose keys begin with a prefix; with boto3 as fallback.

    Never make one in a process that forks: the client starts threads.
    """

    def __init__(self, settings: ServiceSettings, bucket: str, *, prefix: str = "") -> None:
        from obstore.exceptions import BaseError  # noqa: PLC0415 -- as in `_store`

        self.bucket = bucket
        self._prefix = prefix
        self._store = _store(settings, bucket)
        self._calls = StoreCalls(settings, bucket, (FileNotFoundError, BaseError), _status_and_text)
        self._fallback = BotoObjectStorage(settings, bucket, prefix=prefix)

    def ensure_bucket(self) -> None:
        """Create the bucket if it is missing."""
        self._fallback.ensure_bucket()

    def find(self, key: str) -> StoredObject | None:
        """Return the object, or None if there is none."""
        try:
            return self.get(key)
        except ObjectMissingError:
            return None

    def get(self, key: str) -> StoredObject:
        """Return the object."""
        if not _is_supported_key(self._prefix + key):
            return self._fallback.get(key)

        def read() -> StoredObject:
            answer = self._store.get(self._prefix + key)
            return StoredObject(_head(key, answer), bytes(answer.bytes()))

        return self._calls.read("GET", key, read)

    def find_head(self, key: str) -> ObjectHead | None:
        """Return the head of the object, or None if there is none."""
        if not _is_supported_key(self._prefix + key):
            return self._fallback.find_head(key)
        call = partial(self._store.get, self._prefix + key, options={"head": True})
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
        attributes: Attributes = {"Content-Type": content_type, **(metadata or {})}
        if cache_control:
            attributes["Cache-Control"] = cache_control
        if (
            len(body) > _MAX_OBSTORE_PUT_BYTES
            or not _is_supported_key(self._prefix + key)
            or not _are_valid_headers(attributes)
        ):
            return self._fallback.put(
                key,
                body,
                content_type=content_type,
                cache_control=cache_control,
                metadata=metadata,
                unless_exists=unless_exists,
                if_etag=if_etag,
            )
        mode: PutMode = {"e_tag": if_etag} if if_etag else "create" if unless_exists else "overwrite"

        def write() -> Etag:
            answer = self._store.put(self._prefix + key, body, attributes=attributes, mode=mode, use_multipart=False)
            return Etag(answer["e_tag"] or "")

        return self._calls.put(key, write, if_etag=if_etag)

    def delete(self, key: str) -> None:
        """Delete the object; a missing object is no error."""
        self._fallback.delete(key)

    def list_keys(self, prefix: str, *, start_after: str = "", limit: int | None = None) -> Iterator[str]:
        """Yield the keys that begin with `prefix` and sort after `start_after`, in order, at most `limit`."""
        return (found.key for found in self.list_heads(prefix, start_after=start_after, limit=limit))

    def list_heads(self, prefix: str, *, start_after: str = "", limit: int | None = None) -> Iterator[ListedObject]:
        """Yield (key, ETag, size) of the same objects, in the same order."""
        return paged(partial(self._page, prefix), start_after, limit)

    def list_folders(self, prefix: str, *, start_after: str = "", page_size: int = 1000) -> Iterator[str]:
        """Yield the folder names below `prefix` (up to the next slash), each once, in order."""
        return self._fallback.list_folders(prefix, start_after=start_after, page_size=page_size)

    def date(self) -> str:
        """Return the time of the store: the `Date` header of its response."""
        return self._fallback.date()

    def _page(self, prefix: str, start_after: str, size: int) -> list[ListedObject]:
        """Return a page of a LIST; boto3 lists whole buckets, because they may have keys of other programs."""
        full_prefix, after = self._prefix + prefix, self._prefix + start_after if start_after else None
        found = None
        if prefix.endswith("/") and _is_supported_key(full_prefix[:-1]) and (after is None or _is_supported_key(after)):
            found = self._calls.read("LIST", prefix, partial(self._obstore_page, full_prefix, after, size))
        return list(self._fallback.list_heads(prefix, start_after=start_after, limit=size)) if found is None else found

    def _obstore_page(self, full_prefix: str, after: str | None, size: int) -> list[ListedObject] | None:
        """Return a page of a LIST; None if it has a key that obstore does not support."""
        from obstore.exceptions import InvalidPathError  # noqa: PLC0415 -- as in `_store`

        try:
            found = next(self._store.list(full_prefix, offset=after, chunk_size=size), ())
        except InvalidPathError:  # a key of another program
            return None
        return [
            ListedObject(each["path"].removeprefix(self._prefix), Etag(each["e_tag"] or ""), each["size"])
            for each in found
        ]


def _status_and_text(error: Exception) -> tuple[int, str]:
    """Return the HTTP status of a client's error (0 for an outage) and its text."""
    from obstore import exceptions  # noqa: PLC0415 -- as in `_store`

    details = str(error)
    text = details.partition("Debug source")[0].strip()
    if isinstance(error, (exceptions.PreconditionError, exceptions.AlreadyExistsError)):
        return HTTPStatus.CONFLICT if _CONFLICT in details else HTTPStatus.PRECONDITION_FAILED, text
    return HTTPStatus.NOT_FOUND if isinstance(error, FileNotFoundError) or _NO_BUCKET in details else 0, text


def _store(settings: ServiceSettings, bucket: str) -> S3Store:
    """Return a client of one bucket that tries each call once, as `s3_client` does."""
    from obstore.store import S3Store  # noqa: PLC0415 -- it starts threads, and a process with threads must not fork

    timeout = timedelta(seconds=settings.storage_timeout_seconds)
    config: S3Config = {"region": settings.s3_region, "virtual_hosted_style_request": False}
    if settings.s3_endpoint:
        config["endpoint"] = settings.s3_endpoint
    options: ClientConfig = {
        "allow_http": True,
        "connect_timeout": timeout,
        "read_timeout": timeout,
        "timeout": 2 * timeout,
        "pool_idle_timeout": _POOL_IDLE_TIMEOUT,
    }
    if bundle := os.environ.get("AWS_CA_BUNDLE"):  # boto3 reads it by itself
        options["root_certificate"] = Path(bundle).read_bytes()
    return S3Store(
        bucket,
        config=config,
        client_options=options,
        retry_config={"max_retries": 0},
        credential_provider=_credentials(settings),
    )


def _credentials(settings: ServiceSettings) -> Callable[[], S3Credential]:
    """Return the provider of credentials: those of the settings if set, else boto3's credential chain."""
    if settings.s3_access_key is None:
        return lambda: _chain()()  # noqa: PLW0108 -- made at the first call, not now
    secret = settings.s3_secret_key.get_secret_value() if settings.s3_secret_key else ""
    configured: S3Credential = {
        "access_key_id": settings.s3_access_key,
        "secret_access_key": secret,
        "token": None,
        "expires_at": None,
    }
    return lambda: configured


@cache
def _chain() -> Boto3CredentialProvider:
    """Return boto3's credential chain; if it finds no credentials, the next call tries again.

    Raises:
        ValueError: the chain finds no credentials; the client raises an error of its own for this.
    """
    from obstore.auth.boto3 import Boto3CredentialProvider  # noqa: PLC0415 -- as above

    return Boto3CredentialProvider(ttl=_CREDENTIALS_TTL)


def _is_supported_key(key: str) -> bool:
    """Tell whether obstore uses a key unchanged: it refuses or normalises other keys."""
    return key.isprintable() and not {"", ".", ".."}.intersection(key.split("/"))


def _are_valid_headers(attributes: Attributes) -> bool:
    """Tell whether all attributes are valid HTTP headers; obstore panics at invalid ones, boto3 raises an error."""
    text = "".join((*attributes, *attributes.values()))
    return text.isascii() and text.isprintable()


def _head(key: str, answer: GetResult) -> ObjectHead:
    attributes = dict(answer.attributes)
    content_type = attributes.pop("Content-Type", "")
    attributes.pop("Cache-Control", None)
    return ObjectHead(key, Etag(answer.meta["e_tag"] or ""), answer.meta["size"], content_type, attributes)
