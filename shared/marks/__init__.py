"""Quarantine of dead-lettered items: up to a version, nobody emits them again.

Losing it costs a repetition and one more dead letter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Marks(Protocol):
    """The subjects in quarantine: an article up to a revision, or `listing:{name}` up to a wanted version."""

    def park(self, site: str, subject: str, moment: str | int, seconds: int) -> None:
        """Put a subject into quarantine up to this version, for some seconds; a higher version in force stays."""
        ...

    def is_parked(self, site: str, subject: str, moment: str | int) -> bool:
        """Tell whether this version of a subject is in quarantine; a newer one may be emitted."""
        ...

    def parked(self, site: str, subjects: Mapping[str, str | int]) -> set[str]:
        """Return those of the subjects (with their versions) of which `is_parked` is true: one exchange for all."""
        ...

    def unpark(self, site: str, subject: str) -> None:
        """Release a subject from quarantine."""
        ...
