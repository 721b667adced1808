"""Runs of `pressline rebuild`: which one is a site's latest, and what became of each of its articles.

It lives in Redis. Losing it costs a repetition: an article that nobody reported is sent again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Protocol

from pydantic import BaseModel, ConfigDict


class RunOutcome(StrEnum):
    """What became of one article in a run."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"  # the same bytes were there
    SKIPPED = "skipped"  # there is nothing to see of it, or something newer was published
    FAILED = "failed"  # dead-lettered


class RunCounts(BaseModel):
    """How many articles of a run came to each outcome."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    changed: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0

    @property
    def articles(self) -> int:
        """Return how many articles were reported."""
        return self.changed + self.unchanged + self.skipped + self.failed

    def plus(self, outcomes: Iterable[RunOutcome]) -> RunCounts:
        """Return the counts with more outcomes."""
        new = Counter(outcomes)
        return RunCounts(**{each.value: getattr(self, each.value) + new[each] for each in RunOutcome})


class Runs(Protocol):
    """The latest run of each site, and the reports of runs."""

    def begin(self, site: str, run: str) -> None:
        """Make a run its site's latest: publishers drop what comes of an earlier one."""
        ...

    def keep(self, site: str, run: str) -> bool:
        """Tell whether no newer run of a site has begun; make it the latest again where Redis has forgotten that.

        A run's name sorts after those of all before it.
        """
        ...

    def is_latest(self, site: str, run: str) -> bool:
        """Tell whether a run is its site's latest; False too where Redis has forgotten which one is."""
        ...

    def report(self, site: str, run: str, outcomes: Mapping[str, RunOutcome]) -> None:
        """Note what became of articles; nothing is noted where `run` is empty."""
        ...

    def reported(self, site: str, run: str, articles: Iterable[str]) -> dict[str, RunOutcome]:
        """Return the outcomes of those of the articles that were reported."""
        ...
