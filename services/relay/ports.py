"""The ports of the relay: HTTP calls to servers outside, and leases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from shared.runtime.errors import RetryableError


class UndeliveredError(RetryableError):
    """The server gave no answer, or may not be called at its address; the text has the reason for the operator."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's answer: its status, the wait that it requests, and the first kilobyte of its body."""

    status: int
    retry_after_seconds: float | None = None
    excerpt: str = ""


class PostOutside(Protocol):
    """Sends a request to a server outside."""

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """POST a body; follow no redirect.

        Raises:
            UndeliveredError: no answer came, or the URL's host has no address that may be called.
        """
        ...


@dataclass(frozen=True, slots=True)
class Fetched:
    """A server's answer to a GET: the whole body, decompressed, and the headers with lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    retry_after_seconds: float | None = None


class FetchOutside(Protocol):
    """Gets a document from a server outside."""

    def __call__(self, url: str, headers: Mapping[str, str]) -> Fetched:
        """GET a document; follow up to three redirects, each to an address that may be called.

        Raises:
            UndeliveredError: no answer came in time, the body is too large or broken, or an address may not be called.
        """
        ...


class Lease(Protocol):
    """The right to run a job; one process has it at a time."""

    def acquire(self, job: str) -> bool:
        """Acquire or prolong the lease of a job; return False while another process has it.

        Raises:
            RedisUnavailableError: Redis does not answer.
        """
        ...

    def release(self, job: str) -> None:
        """Release the lease if this process has it.

        Raises:
            RedisUnavailableError: Redis does not answer.
        """
        ...
