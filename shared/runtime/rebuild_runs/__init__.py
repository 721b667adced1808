"""Runs of `pressline rebuild`: the latest run of each site, and the outcome of each article in a run.

The data lies in Redis. If it is lost, articles without an outcome are rendered again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Protocol

from pydantic import BaseModel, ConfigDict


class RunOutcome(StrEnum):
    """The outcome of one article in a run."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"  # the public page had the same bytes
    SKIPPED = "skipped"  # no visible revision, or a newer page was published
    FAILED = "failed"  # dead-lettered


class RunCounts(BaseModel):
    """The number of a run's articles with each outcome."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    changed: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0

    @property
    def articles(self) -> int:
        """Return the number of articles with an outcome."""
        return self.changed + self.unchanged + self.skipped + self.failed

    def plus(self, outcomes: Iterable[RunOutcome]) -> RunCounts:
        """Return the counts with these outcomes added."""
        added = Counter(outcomes)
        return RunCounts(**{each.value: getattr(self, each.value) + added[each] for each in RunOutcome})


class Runs(Protocol):
    """The latest run of each site, and the outcomes of runs."""

    def begin(self, site: str, run: str) -> None:
        """Make a run the latest of its site: publishers drop pages of earlier runs."""
        ...

    def ensure_latest(self, site: str, run: str) -> bool:
        """Tell whether no newer run of a site has begun; if Redis lost the latest run, store this one.

        Names of runs sort by their begin.
        """
        ...

    def is_latest(self, site: str, run: str) -> bool:
        """Tell whether a run is the latest of its site; False also if Redis lost the latest run."""
        ...

    def report(self, site: str, run: str, outcomes: Mapping[str, RunOutcome]) -> None:
        """Store outcomes of articles; does nothing if `run` is empty."""
        ...

    def reported(self, site: str, run: str, articles: Iterable[str]) -> dict[str, RunOutcome]:
        """Return the stored outcomes of these articles."""
        ...
