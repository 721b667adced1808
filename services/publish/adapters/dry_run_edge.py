"""The edge of a dry run: it sends no purge and requests no page."""

from __future__ import annotations

from collections.abc import Sequence

from services.publish.ports import ServedPage
from shared.runtime.dry_run import Report


class DryRunEdgeCache:
    """Reports purges instead of sending them."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def purge(self, surrogate_keys: Sequence[str], *, soft: bool = False) -> None:
        """Report the keys."""
        self._report(f"would purge {'softly ' if soft else ''}{' '.join(surrogate_keys)}")

    def find_status(self, url: str) -> int | None:
        """Report the URL and return None: the edge still shows the page, because nothing was purged."""
        self._report(f"would request {url}")
        return None

    def find_page(self, url: str) -> ServedPage | None:
        """Report the URL and return None: nothing was put or purged."""
        self._report(f"would read back {url}")
        return None

    def close(self) -> None:
        """Do nothing."""
