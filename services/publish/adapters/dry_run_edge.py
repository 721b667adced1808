"""The edge of a dry run: no purge is sent, and no page is asked for."""

from __future__ import annotations

from collections.abc import Sequence

from shared.runtime.dry_run import Report


class DryRunEdgeCache:
    """Reports purges instead of sending them."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def purge(self, surrogate_keys: Sequence[str], *, soft: bool = False) -> None:
        """Report the keys."""
        self._report(f"would purge {'softly ' if soft else ''}{' '.join(surrogate_keys)}")

    def find_status(self, url: str) -> int | None:
        """Return None: the edge still shows the page, for nothing was purged."""
        self._report(f"would look at {url}")
        return None

    def close(self) -> None:
        """Do nothing."""
