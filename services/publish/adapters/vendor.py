"""What the vendors' edges have in common: purges in pieces, the wait that a vendor asks for, and a reader's look."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx

from shared.runtime.deadline import peer_call
from shared.runtime.errors import EdgeRefusedError, EdgeUnavailableError

_USUAL_WAIT_SECONDS = 5.0  # where a vendor that wants fewer calls does not say when
_MAX_WAIT_SECONDS = 60.0
_RETRYABLE_STATUSES = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_MAX_MESSAGE_CHARS = 300


def chunked(items: Sequence[str], size: int) -> Iterator[list[str]]:
    """Yield the items in order, each once, `size` at a time."""
    once = list(dict.fromkeys(items))
    for start in range(0, len(once), size):
        yield once[start : start + size]


class Pause:
    """The time in which a vendor wants no call: spent without one, so that it does not grow."""

    def __init__(self, vendor: str, clock: Callable[[], float]) -> None:
        self._vendor, self._clock = vendor, clock
        self._ends = 0.0

    def begin(self, seconds: float = _USUAL_WAIT_SECONDS) -> None:
        """Call nobody for so long, a minute at most."""
        self._ends = self._clock() + min(seconds, _MAX_WAIT_SECONDS)

    def check(self) -> None:
        """Return where a call may be made.

        Raises:
            EdgeUnavailableError: not yet.
        """
        if (left := self._ends - self._clock()) > 0:
            raise EdgeUnavailableError(f"{self._vendor} asked us to wait; {left:.0f} s are left")


class PurgeCall:
    """One vendor's purge over HTTP: JSON there and back, and its refusals in our words."""

    def __init__(
        self, vendor: str, url: str, headers: Mapping[str, str], *, timeout_seconds: float, clock: Callable[[], float]
    ) -> None:
        self._vendor, self._url = vendor, url
        self._client = httpx.Client(headers=dict(headers), timeout=timeout_seconds, trust_env=False)
        self._pause = Pause(vendor, clock)

    def post(self, body: Mapping[str, object], headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return the vendor's answer to a body.

        Raises:
            EdgeUnavailableError: no answer, or one that promises a better one later.
            EdgeRefusedError: the vendor says no, and would again.
        """
        self._pause.check()
        try:
            with peer_call():
                answer = self._client.post(self._url, json=body, headers=dict(headers or {}))
        except httpx.HTTPError as error:
            raise EdgeUnavailableError(self._told(error)) from error
        status = answer.status_code
        if status == HTTPStatus.TOO_MANY_REQUESTS or "retry-after" in answer.headers:
            self._pause.begin(_seconds(answer.headers.get("retry-after", "")))
        if status in _RETRYABLE_STATUSES or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise EdgeUnavailableError(self._told(f"{status} {answer.text[:_MAX_MESSAGE_CHARS]}"))
        if status != HTTPStatus.OK:
            raise EdgeRefusedError(self._told(f"{status} {answer.text[:_MAX_MESSAGE_CHARS]}"))
        try:
            told = answer.json()
        except ValueError as error:
            raise EdgeUnavailableError(self._told("200 and no JSON")) from error
        if not isinstance(told, dict):
            raise EdgeUnavailableError(self._told("200 and no JSON object"))
        return told

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def _told(self, what: object) -> str:
        return f"{self._vendor} answered a purge: {what}"


class VendorEdge:
    """What all vendors' edges have: the site as a reader meets it, through whichever part of the edge is near."""

    def __init__(self, timeout_seconds: float, call: PurgeCall | None = None) -> None:
        """Take the vendor's purge, where it is a call over HTTP."""
        self._readers = httpx.Client(timeout=timeout_seconds, trust_env=False, follow_redirects=False)
        self._purges = call

    def find_status(self, url: str) -> int | None:
        """Return the HTTP status of a (percent-encoded) address, asked for as a reader does: nothing past the cache.

        Raises:
            EdgeUnavailableError: nobody answers.
        """
        parts = urlsplit(url)
        address = f"{parts.scheme}://{parts.netloc}{parts.path}"
        try:
            with peer_call(), self._readers.stream("GET", address) as answer:
                return answer.status_code
        except httpx.HTTPError as error:
            raise EdgeUnavailableError(f"GET {address}: {error}") from error

    def close(self) -> None:
        """End the connections."""
        self._readers.close()
        if self._purges is not None:
            self._purges.close()


def _seconds(retry_after: str) -> float:
    """Return the seconds that a Retry-After header asks for; the usual wait where it names none (a date, nothing)."""
    return float(retry_after) if retry_after.isdecimal() else _USUAL_WAIT_SECONDS
