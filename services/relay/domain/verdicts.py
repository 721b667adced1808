"""Decides from an answer whether an event was delivered, is tried again, or is given up."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from http import HTTPStatus

_RETRYABLE_REFUSALS = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
_FIRST_WAIT = timedelta(seconds=5)
_MAX_WAIT = timedelta(hours=1)
_MAX_DOUBLINGS = 12
_MAX_REQUESTED_WAIT = timedelta(days=1)


class Verdict(StrEnum):
    """The result of one attempt."""

    DELIVERED = "delivered"
    RETRY = "retry"
    REFUSED = "refused"  # the same request would be refused for ever
    GONE = "gone"  # the subscriber wants no more events


def verdict_of(status: int) -> Verdict:
    """Return the verdict on an HTTP status. A redirect is not followed: the operator changes the URL meanwhile."""
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Verdict.DELIVERED
    if status == HTTPStatus.GONE:
        return Verdict.GONE
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in _RETRYABLE_REFUSALS:
        return Verdict.REFUSED
    return Verdict.RETRY


def wait_after(attempts: int, requested_seconds: float | None, jitter: float) -> timedelta:
    """Return the wait after so many failed attempts (1 or more).

    The wait doubles from 5 s to one hour. `jitter` (0 to 1) shortens it by up to half, so that retries spread. A longer
    wait that the server requests (Retry-After) counts, up to a day.
    """
    doublings = min(attempts - 1, _MAX_DOUBLINGS)
    wait = min(_FIRST_WAIT * (1 << doublings), _MAX_WAIT) * (1 - jitter / 2)
    requested = min(timedelta(seconds=requested_seconds or 0), _MAX_REQUESTED_WAIT)
    return max(wait, requested)
