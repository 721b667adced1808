"""Short-lived marks that spare work: who was told already, and what was last decided for a page.

Losing them costs a repetition, never an article.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from shared.messages import Lane


class Marks(Protocol):
    """Marks in Redis. A subject is an article, a submission or an entry of the schedule."""

    def set_pending(self, site: str, subject: str, lane: Lane) -> None:
        """Note that an event of the subject is on its way in a lane: nobody need tell of it again yet."""
        ...

    def may_tell(self, site: str, subjects: Sequence[str], waits_since: Mapping[Lane, datetime]) -> dict[str, str]:
        """Return those subjects that may be told of (again) now, each with the token that `tell` asks for.

        Not those whose wait is not over, nor those that may still be in a queue: told after the oldest of what waits
        in their lane began (`Backlog.waits_since`). The token of what nobody told of yet is empty.
        """
        ...

    def tell(self, site: str, subject: str, lane: Lane, token: str) -> bool:
        """Note that an event is sent again, and double the wait; false where somebody was quicker since `may_tell`."""
        ...

    def decide(self, site: str, path: str, order: str, sha256: str) -> bool:
        """Note that a publisher decided to show these bytes at this path; without a digest, to show nothing there.

        A lower order than the noted is ignored, and told by False.
        """
        ...

    def decided(self, site: str, path: str) -> tuple[str, str] | None:
        """Return (order, SHA-256) of the highest decision for a path, or None where none is remembered."""
        ...

    def decide_all(self, site: str, decisions: Mapping[str, tuple[str, str]]) -> None:
        """Note for each path (order, SHA-256), as `decide` does: one exchange for all."""
        ...

    def decided_all(self, site: str, paths: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Return what `decided` does for those of the paths of which something is remembered: one exchange for all."""
        ...

    def park(self, site: str, subject: str, moment: str | int, seconds: int) -> None:
        """Note that a message about a subject lies among the dead letters: up to this moment it is not said again.

        `subject` is an article (then `moment` is its revision) or `listing:{name}` (its `changed` number).
        """
        ...

    def is_parked(self, site: str, subject: str, moment: str | int) -> bool:
        """Tell whether what was said of a subject up to this moment lies among the dead letters; newer may be said."""
        ...

    def parked(self, site: str, subjects: Mapping[str, str | int]) -> set[str]:
        """Return those of the subjects (with their moments) of which `is_parked` is true: one exchange for all."""
        ...

    def unpark(self, site: str, subject: str) -> None:
        """Let a subject be said again."""
        ...
