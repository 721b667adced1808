"""The object store over the S3 protocol, as every process uses it: by obstore, a client in Rust (ADR 4).

A call costs 0.2 ms of this process instead of boto3's 1.3 to 2.4, and leaves the interpreter to other threads
meanwhile. What it cannot do stays boto3's: folders, deletes, buckets, keys and metadata that it would change.
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

_CONFLICT = "409 Conflict"  # the client has no error of its own for it: it says that the key exists already
_NO_BUCKET = "status code: 404"  # nor for a listing where there is no bucket
_LARGE_BYTES = 4 * 1024**2  # sent by boto3: here the time-out counts all of the sending, there each part of it
_KEYS_GOOD_FOR = timedelta(minutes=10)  # what botocore gives is good for as long, for it asks for new ones by then
_IDLE = timedelta(seconds=15)  # stores and what stands before them close what idles for 20 s or more


def public_storage(settings: ServiceSettings, site: Site) -> S3ObjectStorage:
    """Return where a site's pages lie: its own bucket or the one of the settings, and there behind its prefix."""
    return S3ObjectStorage(settings, site.bucket or settings.public_bucket, prefix=site.prefix)


class S3ObjectStorage:
    """One bucket by obstore, or the part of it whose keys begin with a prefix; the rest goes to a fallback by boto3.

    Never made in a process that forks: the client starts threads.
    """

    def __init__(self, settings: ServiceSettings, bucket: str, *, prefix: str = "") -> None:
        from obstore.exceptions import BaseError  # noqa: PLC0415 -- as in `_store`

        self.bucket = bucket
        self._prefix = prefix
        self._store = _store(settings, bucket)
        self._calls = StoreCalls(settings, bucket, (FileNotFoundError, BaseError), _told)
        self._fallback = BotoObjectStorage(settings, bucket, prefix=prefix)

    def ensure_bucket(self) -> None:
        """Make the bucket where there is none."""
        self._fallback.ensure_bucket()

    def find(self, key: str) -> StoredObject | None:
        """Return the object, or None where there is none."""
        try:
            return self.get(key)
        except ObjectMissingError:
            return None

    def get(self, key: str) -> StoredObject:
        """Return the object."""
        if not _takes(self._prefix + key):
            return self._fallback.get(key)

        def read() -> StoredObject:
            answer = self._store.get(self._prefix + key)
            return StoredObject(_head(key, answer), bytes(answer.bytes()))

        return self._calls.read("GET", key, read)

    def find_head(self, key: str) -> ObjectHead | None:
        """Return what is known of the object, or None where there is none."""
        if not _takes(self._prefix + key):
            return self._fallback.find_head(key)
        ask = partial(self._store.get, self._prefix + key, options={"head": True})
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
        """Store the bytes under one of the two preconditions, in one try."""
        attributes: Attributes = {"Content-Type": content_type, **(metadata or {})}
        if cache_control:
            attributes["Cache-Control"] = cache_control
        if len(body) > _LARGE_BYTES or not _takes(self._prefix + key) or not _are_headers(attributes):
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
        """Remove the object; one that is not there is no error."""
        self._fallback.delete(key)

    def list_keys(self, prefix: str, *, start_after: str = "", limit: int | None = None) -> Iterator[str]:
        """Yield the keys that begin with `prefix` and sort after `start_after`, in order, at most `limit`."""
        return (found.key for found in self.list_heads(prefix, start_after=start_after, limit=limit))

    def list_heads(self, prefix: str, *, start_after: str = "", limit: int | None = None) -> Iterator[ListedObject]:
        """Yield (key, ETag, size) of the same objects, in the same order."""
        return paged(partial(self._page, prefix), start_after, limit)

    def list_folders(self, prefix: str, *, start_after: str = "", at_once: int = 1000) -> Iterator[str]:
        """Yield what stands between `prefix` and the next slash in any key, once each, in order."""
        return self._fallback.list_folders(prefix, start_after=start_after, at_once=at_once)

    def date(self) -> str:
        """Return the store's own clock: the `Date` header of its answer."""
        return self._fallback.date()

    def _page(self, prefix: str, start_after: str, size: int) -> list[ListedObject]:
        """Return a page of a listing; a whole bucket's is the fallback's, for it may hold keys that others put."""
        whole, after = self._prefix + prefix, self._prefix + start_after if start_after else None
        found = None
        if prefix.endswith("/") and _takes(whole[:-1]) and (after is None or _takes(after)):
            found = self._calls.read("LIST", prefix, partial(self._tidy_page, whole, after, size))
        return list(self._fallback.list_heads(prefix, start_after=start_after, limit=size)) if found is None else found

    def _tidy_page(self, whole: str, after: str | None, size: int) -> list[ListedObject] | None:
        """Return a page of a listing, None where the client cannot name a key in it."""
        from obstore.exceptions import InvalidPathError  # noqa: PLC0415 -- as in `_store`

        try:
            found = next(self._store.list(whole, offset=after, chunk_size=size), ())
        except InvalidPathError:  # of somebody else
            return None
        return [
            ListedObject(each["path"].removeprefix(self._prefix), Etag(each["e_tag"] or ""), each["size"])
            for each in found
        ]


def _told(error: Exception) -> tuple[int, str]:
    """Return the status that an error of the client stands for, 0 for an outage, and what the client says."""
    from obstore import exceptions  # noqa: PLC0415 -- as in `_store`

    text = str(error)
    said = text.partition("Debug source")[0].strip()
    if isinstance(error, (exceptions.PreconditionError, exceptions.AlreadyExistsError)):
        return HTTPStatus.CONFLICT if _CONFLICT in text else HTTPStatus.PRECONDITION_FAILED, said
    return HTTPStatus.NOT_FOUND if isinstance(error, FileNotFoundError) or _NO_BUCKET in text else 0, said


def _store(settings: ServiceSettings, bucket: str) -> S3Store:
    """Return a client of one bucket that tries each call once, as `s3_client` does."""
    from obstore.store import S3Store  # noqa: PLC0415 -- it starts threads, which no process may have that forks

    patience = timedelta(seconds=settings.storage_timeout_seconds)
    where: S3Config = {"region": settings.s3_region, "virtual_hosted_style_request": False}
    if settings.s3_endpoint:
        where["endpoint"] = settings.s3_endpoint
    options: ClientConfig = {
        "allow_http": True,
        "connect_timeout": patience,
        "read_timeout": patience,
        "timeout": 2 * patience,
        "pool_idle_timeout": _IDLE,
    }
    if bundle := os.environ.get("AWS_CA_BUNDLE"):  # boto3 knows it by itself
        options["root_certificate"] = Path(bundle).read_bytes()
    return S3Store(
        bucket,
        config=where,
        client_options=options,
        retry_config={"max_retries": 0},
        credential_provider=_credentials(settings),
    )


def _credentials(settings: ServiceSettings) -> Callable[[], S3Credential]:
    """Return what tells the keys: ours, whatever else the environment holds, or boto3's own chain."""
    if settings.s3_access_key is None:
        return lambda: _chain()()  # noqa: PLW0108 -- looked for with the first call, not now
    secret = settings.s3_secret_key.get_secret_value() if settings.s3_secret_key else ""
    ours: S3Credential = {
        "access_key_id": settings.s3_access_key,
        "secret_access_key": secret,
        "token": None,
        "expires_at": None,
    }
    return lambda: ours


@cache
def _chain() -> Boto3CredentialProvider:
    """Return boto3's chain; where it finds nothing now, the next call looks again.

    Raises:
        ValueError: it finds nothing, which the client says as an error of its own.
    """
    from obstore.auth.boto3 import Boto3CredentialProvider  # noqa: PLC0415 -- as above

    return Boto3CredentialProvider(ttl=_KEYS_GOOD_FOR)


def _takes(key: str) -> bool:
    """Tell whether the client takes a key as it is: it refuses or mends what is no tidy path."""
    return key.isprintable() and not {"", ".", ".."}.intersection(key.split("/"))


def _are_headers(attributes: Attributes) -> bool:
    """Tell whether all can be sent as it is; what cannot, boto3 refuses in words, and this client by a panic."""
    text = "".join((*attributes, *attributes.values()))
    return text.isascii() and text.isprintable()


def _head(key: str, answer: GetResult) -> ObjectHead:
    attributes = dict(answer.attributes)
    content_type = attributes.pop("Content-Type", "")
    attributes.pop("Cache-Control", None)
    return ObjectHead(key, Etag(answer.meta["e_tag"] or ""), answer.meta["size"], content_type, attributes)
