"""The common part of the vendors' edges: purges in chunks, the wait that a vendor asks for, a reader's request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx

from services.publish.adapters.reader import read_page
from services.publish.ports import ServedPage
from shared.runtime.deadline import peer_call
from shared.runtime.errors import EdgeRefusedError, EdgeUnavailableError

_DEFAULT_WAIT_SECONDS = 5.0  # if a vendor throttles and names no wait
_MAX_WAIT_SECONDS = 60.0
_RETRYABLE_STATUSES = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_MAX_ANSWER_CHARS = 300


def chunked(items: Sequence[str], size: int) -> Iterator[list[str]]:
    """Yield the distinct items in order, `size` per list."""
    distinct = list(dict.fromkeys(items))
    for start in range(0, len(distinct), size):
        yield distinct[start : start + size]


class Pause:
    """The wait that a vendor asked for. No call is made in it, so that the vendor does not extend it."""

    def __init__(self, vendor: str, clock: Callable[[], float]) -> None:
        self._vendor, self._clock = vendor, clock
        self._ends = 0.0

    def begin(self, seconds: float = _DEFAULT_WAIT_SECONDS) -> None:
        """Forbid calls for so many seconds, 60 at most."""
        self._ends = self._clock() + min(seconds, _MAX_WAIT_SECONDS)

    def check(self) -> None:
        """Return if a call may be made now.

        Raises:
            EdgeUnavailableError: the wait is not over.
        """
        if (left := self._ends - self._clock()) > 0:
            raise EdgeUnavailableError(f"{self._vendor} asked us to wait; {left:.0f} s are left")


class PurgeCall:
    """One vendor's purge over HTTP with JSON; it translates the vendor's refusals into our errors."""

    def __init__(
        self, vendor: str, url: str, headers: Mapping[str, str], *, timeout_seconds: float, clock: Callable[[], float]
    ) -> None:
        self._vendor, self._url = vendor, url
        self._client = httpx.Client(headers=dict(headers), timeout=timeout_seconds, trust_env=False)
        self._pause = Pause(vendor, clock)

    def post(self, body: Mapping[str, object], headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Send a body; return the vendor's JSON answer.

        Raises:
            EdgeUnavailableError: no answer, or a status for which the same call may succeed later.
            EdgeRefusedError: the vendor refuses the call and would refuse it again.
        """
        self._pause.check()
        try:
            with peer_call():
                answer = self._client.post(self._url, json=body, headers=dict(headers or {}))
        except httpx.HTTPError as error:
            raise EdgeUnavailableError(self._error_text(error)) from error
        status = answer.status_code
        if status == HTTPStatus.TOO_MANY_REQUESTS or "retry-after" in answer.headers:
            self._pause.begin(_wait_seconds(answer.headers.get("retry-after", "")))
        if status in _RETRYABLE_STATUSES or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise EdgeUnavailableError(self._error_text(f"{status} {answer.text[:_MAX_ANSWER_CHARS]}"))
        if status != HTTPStatus.OK:
            raise EdgeRefusedError(self._error_text(f"{status} {answer.text[:_MAX_ANSWER_CHARS]}"))
        try:
            document = answer.json()
        except ValueError as error:
            raise EdgeUnavailableError(self._error_text("200 and no JSON")) from error
        if not isinstance(document, dict):
            raise EdgeUnavailableError(self._error_text("200 and no JSON object"))
        return document

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def _error_text(self, details: object) -> str:
        return f"{self._vendor} answered a purge: {details}"


class VendorEdge:
    """The common part of all vendors' edges: requests as a reader makes them, through the nearest edge server."""

    def __init__(self, timeout_seconds: float, call: PurgeCall | None = None) -> None:
        """Close `call` with the edge; None for a vendor whose purge is not an HTTP call of ours."""
        self._reader_client = httpx.Client(timeout=timeout_seconds, trust_env=False, follow_redirects=False)
        self._purge_call = call

    def find_status(self, url: str) -> int | None:
        """Return the HTTP status of a (percent-encoded) address, requested as a reader does: the cache may answer.

        Raises:
            EdgeUnavailableError: the edge does not answer.
        """
        parts = urlsplit(url)
        address = f"{parts.scheme}://{parts.netloc}{parts.path}"
        try:
            with peer_call(), self._reader_client.stream("GET", address) as answer:
                return answer.status_code
        except httpx.HTTPError as error:
            raise EdgeUnavailableError(f"GET {address}: {error}") from error

    def find_page(self, url: str) -> ServedPage:
        """Return the page that a reader gets, requested as in `find_status`.

        Raises:
            EdgeUnavailableError: the edge does not answer.
        """
        parts = urlsplit(url)
        address = f"{parts.scheme}://{parts.netloc}{parts.path}"
        try:
            with peer_call():
                return read_page(self._reader_client, address)
        except httpx.HTTPError as error:
            raise EdgeUnavailableError(f"GET {address}: {error}") from error

    def close(self) -> None:
        """End the connections."""
        self._reader_client.close()
        if self._purge_call is not None:
            self._purge_call.close()


def _wait_seconds(retry_after: str) -> float:
    """Return the seconds that a Retry-After header names; the default wait if it names none (a date, no header)."""
    return float(retry_after) if retry_after.isdecimal() else _DEFAULT_WAIT_SECONDS
