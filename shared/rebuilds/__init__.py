"""What the workers report of a rebuild. Losing it costs a repetition: a piece that nobody heard of is sent again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from pydantic import BaseModel, ConfigDict

PIECE = 50
"""So many articles' pages that are behind are rendered and put together."""


class Tally(BaseModel):
    """What became of the articles of a piece, or of several."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    changed: int = 0
    unchanged: int = 0  # the same bytes were there
    skipped: int = 0  # not live, or not meant
    handed_over: int = 0  # went the ordinary way, article by article: something about them was not ordinary
    unrendered: int = 0  # of those handed over: could not be rendered, so the theme may be broken

    @property
    def articles(self) -> int:
        """Return how many articles were looked at."""
        return self.changed + self.unchanged + self.skipped + self.handed_over

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            changed=self.changed + other.changed,
            unchanged=self.unchanged + other.unchanged,
            skipped=self.skipped + other.skipped,
            handed_over=self.handed_over + other.handed_over,
            unrendered=self.unrendered + other.unrendered,
        )


class Rebuilds(Protocol):
    """The pieces of runs that are done."""

    def report(self, site: str, run: str, number: int, tally: Tally) -> None:
        """Note what became of a piece; said again it counts once."""
        ...

    def reported(self, site: str, run: str, numbers: Iterable[int]) -> dict[int, Tally]:
        """Return the tallies of those of the pieces that were reported."""
        ...
