"""Short-lived marks that spare work: who was told already, and what was last decided for a page.

Losing them costs a repetition, never an article.
"""

from __future__ import annotations

from typing import Protocol


class Marks(Protocol):
    """Marks in Redis."""

    def set_pending(self, site: str, article: str) -> None:
        """Note that an event of the article is on its way: the sweep need not say it again yet."""
        ...

    def take_pending(self, site: str, article: str) -> bool:
        """Tell whether the sweep may emit for the article again now; if so the next time is twice as far off."""
        ...

    def decide(self, site: str, path: str, order: str, sha256: str) -> None:
        """Note that a publisher decided to show these bytes at this path; a lower order than the noted is ignored."""
        ...

    def decided(self, site: str, path: str) -> tuple[str, str] | None:
        """Return (order, SHA-256) of the highest decision for a path, or None where none is remembered."""
        ...
