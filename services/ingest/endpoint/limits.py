"""Limits the rate of requests of a token, and tells it in `RateLimit` and `RateLimit-Policy`.

The fields have the form of draft-ietf-httpapi-ratelimit-headers-10 and later: `"token";q=6000;w=60` and
`"token";r=5999;t=1`. Redis holds the rates. Without Redis no request is limited (ADR 1).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from services.ingest.endpoint.problems import ProblemError
from services.ingest.ports import Allowance

_POLICY = "token"
_REMOVALS = frozenset(f"/v1/articles/{{article}}/{kind}" for kind in ("kill", "withdraw", "restore"))
_FEEDS = "/v1/feeds/"

LIMIT_HEADERS: dict[str, Any] = {
    "RateLimit-Policy": {
        "schema": {"type": "string", "example": '"token";q=6000;w=60'},
        "description": "The token's limit: `q` requests in `w` seconds. Absent while Redis is down.",
    },
    "RateLimit": {
        "schema": {"type": "string", "example": '"token";r=5999;t=1'},
        "description": "`r`: the requests that are left now. `t`: the seconds until the whole quota is left again; of "
        "a refused request, until the next one is accepted.",
    },
}


def is_limited(route: str) -> bool:
    """Return whether requests of a route count. Actions never count: a kill must pass."""
    return route not in _REMOVALS


def status_over_limit(route: str) -> HTTPStatus:
    """Return the status of a refused request of a route.

    A feed's sender gets 503. Superdesk's HTTP push repeats after a 5xx only; a 429 ends its attempts, and the item
    would be lost.
    """
    return HTTPStatus.SERVICE_UNAVAILABLE if route.startswith(_FEEDS) else HTTPStatus.TOO_MANY_REQUESTS


def limit_headers(allowance: Allowance) -> dict[str, str]:
    """Return the two fields of an answer."""
    return {
        "RateLimit-Policy": f'"{_POLICY}";q={allowance.quota};w={allowance.window_seconds}',
        "RateLimit": f'"{_POLICY}";r={allowance.left};t={allowance.seconds}',
    }


def over_limit(allowance: Allowance, status: HTTPStatus) -> ProblemError:
    """Return the refusal of a request over the limit."""
    detail = (
        f"the sender has sent more than {allowance.quota} requests in {allowance.window_seconds} seconds; nothing was "
        "accepted: send the same request again after the seconds in Retry-After"
    )
    wait = {"Retry-After": str(allowance.seconds)}
    return ProblemError(status, detail, title="Too Many Requests", headers=wait)
