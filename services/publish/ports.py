"""What publishing needs from outside: the edge's cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class EdgeCache(Protocol):
    """The CDN: it keeps what it served until it is told that something has changed."""

    def purge(self, surrogate_keys: Sequence[str], *, soft: bool = False) -> None:
        """Forget every response that bears one of the keys; softly: keep it for when the store is down.

        Raises:
            EdgeUnavailableError: the edge did not confirm.
        """
        ...

    def find_status(self, path: str) -> int | None:
        """Return the HTTP status that a reader gets for a key of the public bucket, or None where no edge is asked.

        Raises:
            EdgeUnavailableError: the edge does not answer.
        """
        ...
