"""What publishing needs from outside: the edge's cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class EdgeCache(Protocol):
    """The CDN: it keeps what it served until it is told that something has changed."""

    def purge(self, surrogate_keys: Sequence[str], *, soft: bool = False) -> None:
        """Forget every response that bears one of the keys; softly: keep it for when the store is down.

        An edge that knows no soft purge forgets.

        Raises:
            EdgeUnavailableError: the edge did not confirm, or asked us to wait; the same call may succeed later.
            EdgeRefusedError: the edge will never take it: the token or the name of our service there is wrong.
        """
        ...

    def find_status(self, url: str) -> int | None:
        """Return the HTTP status that a reader gets at a public address, or None where no edge is asked.

        Raises:
            EdgeUnavailableError: the edge does not answer.
        """
        ...

    def close(self) -> None:
        """End the connections."""
        ...
