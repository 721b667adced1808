"""Calls to one bucket, whichever client makes them: counted, within a task's time, their errors in our words."""

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

_PAGE = 1000
_RETRY_SECONDS = 2.0


class StoreCalls:
    """Calls to one bucket. Reads are repeated for a moment when the store fails; writes never.

    `errors` are those of the client. `told` returns the HTTP status of one, 0 where it has none, and its text.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        bucket: str,
        errors: tuple[type[Exception], ...],
        told: Callable[[Any], tuple[int, str]],
    ) -> None:
        self._settings = settings
        self._bucket = bucket
        self._errors = errors
        self._told = told

    def read(self, operation: str, key: str, call: Callable[[], _T]) -> _T:
        """Return the result of a call that may be repeated; raises as `once` does."""
        started = monotonic()
        try:
            return self.once(operation, key, call)  # nearly always; what follows costs as much as the call itself
        except StorageUnavailableError:
            if monotonic() - started > _RETRY_SECONDS:
                raise
        for attempt in stamina.retry_context(
            on=StorageUnavailableError, attempts=2, timeout=_RETRY_SECONDS, wait_initial=0.05, wait_max=0.5
        ):
            with attempt:
                return self.once(operation, key, call)
        raise StorageUnavailableError(key)  # pragma: no cover -- the loop returns or raises

    def put(self, key: str, call: Callable[[], _T], *, if_etag: Etag | None) -> _T:
        """Return the result of a PUT in one try; a 404 says that the object of `if_etag` is gone, or the bucket."""
        try:
            return self.once("PUT", key, call)
        except ObjectMissingError as error:
            if if_etag:  # AWS answers 404 where others say 412
                raise PreconditionFailedError(key) from error
            raise StorageUnavailableError(no_bucket(self._settings, self._bucket)) from error

    def once(self, operation: str, key: str, call: Callable[[], _T]) -> _T:
        """Return the result of a call in one try. Without a key it is about the bucket.

        Raises:
            ObjectMissingError: there is no such object, or no such bucket.
            PreconditionFailedError: the store refuses a conditional write.
            StorageConflictError: the store met two writers at once.
            StorageUnavailableError: all else.
        """
        STORE_CALLS.labels(operation).inc()
        try:
            with peer_call():
                return call()
        except self._errors as error:
            raise self._named(operation, key, *self._told(error)) from error

    def _named(self, operation: str, key: str, status: int, text: str) -> PresslineError:
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
    """Yield the objects of a listing, at most `limit`; `read_page` takes a key to start after and a size."""
    left = limit
    while left is None or left > 0:
        size = _PAGE if left is None else min(left, _PAGE)
        found = read_page(start_after, size)
        yield from found
        if len(found) < size:
            return
        start_after = found[-1].key
        left = None if left is None else left - len(found)
