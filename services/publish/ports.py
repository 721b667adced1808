"""The port of publishing: the edge's cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

MAX_SERVED_BYTES = 16 * 1024 * 1024
"""The largest part of an answer that is read; a page has at most 8 MiB, and its ESI parts are small."""


@dataclass(frozen=True, slots=True)
class ServedPage:
    """The edge's answer to a reader: its status and its (uncompressed) body."""

    status: int
    body: bytes


class EdgeCache(Protocol):
    """The CDN: it caches a response until a purge names one of the response's keys."""

    def purge(self, surrogate_keys: Sequence[str], *, soft: bool = False) -> None:
        """Purge every response that carries one of the keys; a soft purge keeps it, as stale, while the store is down.

        An edge without soft purges deletes the responses.

        Raises:
            EdgeUnavailableError: the edge did not confirm, or asked us to wait; the same call may succeed later.
            EdgeRefusedError: the edge will never accept the purge: the token or our service's id is wrong.
        """
        ...

    def find_status(self, url: str) -> int | None:
        """Return the HTTP status that a reader gets at a public address, or None if there is no edge to ask.

        Raises:
            EdgeUnavailableError: the edge does not answer.
        """
        ...

    def find_page(self, url: str) -> ServedPage | None:
        """Return the page that a reader gets at a public address, or None if there is no edge to ask.

        Raises:
            EdgeUnavailableError: the edge does not answer.
        """
        ...

    def close(self) -> None:
        """Close the connections."""
        ...
