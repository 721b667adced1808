"""Decides when a feed is polled again, from the answer of its server."""

from __future__ import annotations

import re
from datetime import timedelta

_MAX_BACKOFF = timedelta(hours=1)
_MAX_FRESHNESS = timedelta(hours=1)  # a server may say that a document stays fresh for a year
_MAX_REQUESTED_WAIT = timedelta(days=1)
_MAX_DOUBLINGS = 12
_SPREAD = 0.1  # of a wait, so that feeds with equal intervals are not polled together
_MAX_AGE = re.compile(r"(?:^|,)\s*max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)
_NOT_STORED = re.compile(r"(?:^|,)\s*(?:no-cache|no-store)\s*(?:,|=|$)", re.IGNORECASE)


def wait_after_success(interval: timedelta, cache_control: str, jitter: float) -> timedelta:
    """Return the wait after an answer: the interval, or longer while the document is fresh (RFC 9111), up to an hour.

    `jitter` (0 to 1) prolongs it by up to a tenth.
    """
    return max(interval, _freshness(cache_control)) * (1 + _SPREAD * jitter)


def wait_after_failure(interval: timedelta, failures: int, requested_seconds: float | None, jitter: float) -> timedelta:
    """Return the wait after so many failures in a row (1 or more).

    The interval doubles with each failure up to an hour, or stays if it is longer. A longer wait that the server
    requests (Retry-After) counts, up to a day.
    """
    doublings = min(failures - 1, _MAX_DOUBLINGS)
    wait = min(interval * (1 << doublings), max(interval, _MAX_BACKOFF)) * (1 + _SPREAD * jitter)
    requested = min(timedelta(seconds=requested_seconds or 0), _MAX_REQUESTED_WAIT)
    return max(wait, requested)


def _freshness(cache_control: str) -> timedelta:
    if _NOT_STORED.search(cache_control):
        return timedelta()
    found = _MAX_AGE.search(cache_control)
    return min(timedelta(seconds=int(found[1])), _MAX_FRESHNESS) if found else timedelta()
