"""Calls to one bucket by any client: counted, within the task's deadline, with translated errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

import stamina

from shared.runtime.deadline import peer_call
from shared.runtime.errors import (
    ObjectMissingError,
    PreconditionFailedError,
    PresslineError,
    StorageConflictError,
    StorageUnavailableError,
)
from shared.runtime.observability import STORE_CALLS
from shared.storage import Etag, ListedObject
from shared.storage.faults import no_bucket, store_fault

if TYPE_CHECKING:
    from shared.runtime.settings import ServiceSettings

_T = TypeVar("_T")

_KEYS_PER_PAGE = 1000
_MAX_RETRY_SECONDS = 2.0


class StoreCalls:
    """Calls to one bucket. Failed reads are retried for two seconds; writes never.

    `errors` are the client's errors. `status_and_text` returns an error's HTTP status (0 if it has none) and its text.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        bucket: str,
        errors: tuple[type[Exception], ...],
        status_and_text: Callable[[Any], tuple[int, str]],
    ) -> None:
        self._settings = settings
        self._bucket = bucket
        self._errors = errors
        self._status_and_text = status_and_text

    def read(self, operation: str, key: str, call: Callable[[], _T]) -> _T:
        """Return the result of a call that may be retried; raises the same errors as `once`."""
        started = monotonic()
        try:
            return self.once(operation, key, call)  # the usual case; a retry context costs as much as the call itself
        except StorageUnavailableError:
            if monotonic() - started > _MAX_RETRY_SECONDS:
                raise
        for attempt in stamina.retry_context(
            on=StorageUnavailableError, attempts=2, timeout=_MAX_RETRY_SECONDS, wait_initial=0.05, wait_max=0.5
        ):
            with attempt:
                return self.once(operation, key, call)
        raise StorageUnavailableError(key)  # pragma: no cover -- the loop returns or raises

    def put(self, key: str, call: Callable[[], _T], *, if_etag: Etag | None) -> _T:
        """Return the result of a PUT in one try; a 404 means that the object of `if_etag` or the bucket is missing."""
        try:
            return self.once("PUT", key, call)
        except ObjectMissingError as error:
            if if_etag:  # AWS answers 404, other stores 412
                raise PreconditionFailedError(key) from error
            raise StorageUnavailableError(no_bucket(self._settings, self._bucket)) from error

    def once(self, operation: str, key: str, call: Callable[[], _T]) -> _T:
        """Return the result of a call in one try. An empty key stands for the bucket.

        Raises:
            ObjectMissingError: the object or the bucket is missing.
            PreconditionFailedError: the store refuses a conditional write.
            StorageConflictError: the store saw two writers at once.
            StorageUnavailableError: any other error.
        """
        STORE_CALLS.labels(operation).inc()
        try:
            with peer_call():
                return call()
        except self._errors as error:
            raise self._translated(operation, key, *self._status_and_text(error)) from error

    def _translated(self, operation: str, key: str, status: int, text: str) -> PresslineError:
        name = f"{self._bucket}/{key}"
        if status == HTTPStatus.NOT_FOUND:
            is_of_bucket = operation == "LIST" or not key
            return ObjectMissingError(no_bucket(self._settings, self._bucket) if is_of_bucket else name)
        if status == HTTPStatus.PRECONDITION_FAILED:
            return PreconditionFailedError(name)
        if status == HTTPStatus.CONFLICT:
            return StorageConflictError(name)
        return StorageUnavailableError(f"{key or self._bucket}: {store_fault(self._settings, self._bucket, text)}")


def paged(
    read_page: Callable[[str, int], list[ListedObject]], start_after: str, limit: int | None
) -> Iterator[ListedObject]:
    """Yield the objects of a LIST, at most `limit`; `read_page` takes the key to start after and a page size."""
    remaining = limit
    while remaining is None or remaining > 0:
        size = _KEYS_PER_PAGE if remaining is None else min(remaining, _KEYS_PER_PAGE)
        found = read_page(start_after, size)
        yield from found
        if len(found) < size:
            return
        start_after = found[-1].key
        remaining = None if remaining is None else remaining - len(found)
