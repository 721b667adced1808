"""Quarantine of dead-lettered items: up to a version, no process emits them again by itself.

If Redis loses an entry, the item is emitted once more and becomes one more dead letter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Quarantine(Protocol):
    """The subjects in quarantine: an article up to a revision, or `listing:{name}` up to a wanted version."""

    def add(self, site: str, subject: str, version: str | int, seconds: int) -> None:
        """Put a subject into quarantine up to this version, for some seconds; a higher version in force stays."""
        ...

    def is_quarantined(self, site: str, subject: str, version: str | int) -> bool:
        """Tell whether this version of a subject is in quarantine; a newer one may be emitted."""
        ...

    def find_quarantined(self, site: str, subjects: Mapping[str, str | int]) -> set[str]:
        """Return the quarantined ones of these subjects and versions, in one exchange with Redis."""
        ...

    def release(self, site: str, subject: str) -> None:
        """Release a subject from quarantine."""
        ...
