"""The object store over the S3 protocol, as every process uses it: by obstore, a client in Rust (ADR 0022).

A call costs 0.2 ms of this process instead of boto3's 1.3 to 2.4, and leaves the interpreter to other threads
meanwhile. What it cannot do stays boto3's: folders, deletes, buckets, keys and metadata that it would change.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from shared.errors import (
    ObjectMissingError,
    PreconditionFailedError,
    StorageConflictError,
    StorageUnavailableError,
)
from shared.storage import Etag, ListedObject, ObjectHead, StoredObject
from shared.storage.boto import BotoObjectStorage
from shared.storage.faults import no_bucket

if TYPE_CHECKING:
    from obstore import Attributes, GetResult, PutMode
    from obstore.auth.boto3 import Boto3CredentialProvider
    from obstore.store import ClientConfig, S3Config, S3Credential, S3Store

    from shared.settings import ServiceSettings
    from shared.sites import Site

_T = TypeVar("_T")
_CONFLICT = "409 Conflict"  # the client has no error of its own for it: it says that the key exists already
_NO_BUCKET = "status code: 404"  # nor for a listing where there is no bucket
_LARGE_BYTES = 4 * 1024**2  # sent by boto3: here the time-out counts all of the sending, there each part of it
_KEYS_GOOD_FOR = timedelta(minutes=10)  # what botocore gives is good for as long, for it asks for new ones by then
_IDLE = timedelta(seconds=15)  # stores and what stands before them close what idles for 20 s or more


class _UntidyKeyError(Exception):
    """A listing met a key that the client cannot name."""


def public_storage(settings: ServiceSettings, site: Site) -> S3ObjectStorage:
    """Return where a site's pages lie: its own bucket or the one of the settings, and there behind its prefix."""
    return S3ObjectStorage(settings, site.bucket or settings.public_bucket, prefix=site.prefix)


class S3ObjectStorage(BotoObjectStorage):
    """The same promises as its parent's, several times cheaper.

    Never made in a process that forks: the client starts threads.
    """

    def __init__(self, settings: ServiceSettings, bucket: str, *, prefix: str = "") -> None:
        super().__init__(settings, bucket, prefix=prefix)
        self._store = _store(settings, bucket)

    def get(self, key: str) -> StoredObject:
        """Return the object."""
        if not _takes(self._prefix + key):
            return super().get(key)

        def read() -> StoredObject:
            answer = self._store.get(self._prefix + key)
            return StoredObject(_head(key, answer), bytes(answer.bytes()))

        return self._read("GET", key, self._translated(key, read))

    def find_head(self, key: str) -> ObjectHead | None:
        """Return what is known of the object, or None where there is none."""
        if not _takes(self._prefix + key):
            return super().find_head(key)
        ask = self._translated(key, lambda: _head(key, self._store.get(self._prefix + key, options={"head": True})))
        try:
            return self._read("HEAD", key, ask)
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
            return super().put(
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

        try:
            return self._call("PUT", key, self._translated(key, write))
        except ObjectMissingError as error:  # no such bucket (yet)
            raise StorageUnavailableError(no_bucket(self._settings, self.bucket)) from error

    def _page(self, prefix: str, start_after: str, page: int) -> list[ListedObject]:
        """Return a page of a listing; a whole bucket's is boto3's, for it may hold keys that others put."""
        whole, after = self._prefix + prefix, self._prefix + start_after
        if not prefix.endswith("/") or not _takes(whole[:-1]) or not (_takes(after) or not start_after):
            return super()._page(prefix, start_after, page)

        def ask() -> list[ListedObject]:
            found = self._store.list(whole, offset=after if start_after else None, chunk_size=page)
            return [
                ListedObject(each["path"].removeprefix(self._prefix), Etag(each["e_tag"] or ""), each["size"])
                for each in next(found, ())
            ]

        try:
            return self._translated(prefix, ask)()
        except _UntidyKeyError:  # of somebody else
            return super()._page(prefix, start_after, page)

    def _translated(self, key: str, call: Callable[[], _T]) -> Callable[[], _T]:
        from obstore import exceptions  # noqa: PLC0415 -- as in `_store`

        name = f"{self.bucket}/{key}"

        def translate() -> _T:
            try:
                return call()
            except FileNotFoundError as error:
                raise ObjectMissingError(name) from error
            except exceptions.PreconditionError as error:
                raise PreconditionFailedError(name) from error
            except exceptions.AlreadyExistsError as error:
                raise (StorageConflictError if _CONFLICT in str(error) else PreconditionFailedError)(name) from error
            except exceptions.InvalidPathError as error:
                raise _UntidyKeyError(name) from error
            except exceptions.BaseError as error:
                if _NO_BUCKET in str(error):
                    raise ObjectMissingError(no_bucket(self._settings, self.bucket)) from error
                text = str(error).partition("Debug source")[0].strip()
                raise StorageUnavailableError(self._fault(key, text)) from error

        return translate


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
