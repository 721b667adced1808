"""What the workers report of a rebuild. Losing it costs a repetition: a piece that nobody heard of is sent again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from pydantic import BaseModel, ConfigDict

PIECE = 50
"""So many articles' pages that are behind are rendered and put together."""

_SHELF, _MOST = 100, 128  # articles lie on a new shelf, and on any: with more it is parted, so that both have room


class Tally(BaseModel):
    """What became of the articles of a piece, or of several."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    changed: int = 0
    unchanged: int = 0  # the same bytes were there
    skipped: int = 0  # not live, or not meant
    handed_over: int = 0  # went the ordinary way, article by article: something about them was not ordinary

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
        )


class Rebuilds(Protocol):
    """The pieces of runs that are done."""

    def report(self, site: str, run: str, number: int, tally: Tally) -> None:
        """Note what became of a piece; said again it counts once."""
        ...

    def reported(self, site: str, run: str, numbers: Iterable[int]) -> dict[int, Tally]:
        """Return the tallies of those of the pieces that were reported."""
        ...


def grouped(articles: Iterable[str], shelves: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield (shelf, articles) of each piece: of `articles`, in order, what belongs on each of `shelves`, in order.

    A shelf is named after the last article that it was made for, and those behind the one before it belong there.
    Where too many have come it is parted; behind the last one there are new ones.
    """
    bounds, group = iter(shelves), list[str]()
    bound = next(bounds, None)
    for article in articles:
        while bound is not None and bound < article:
            if group:
                yield bound, group
                group = []
            bound = next(bounds, None)
        if len(group) == (_SHELF if bound is None else _MOST):
            part = _SHELF if bound is None else _MOST // 2
            yield group[part - 1], group[:part]
            group = group[part:]
        group.append(article)
    if group:
        yield bound or group[-1], group
