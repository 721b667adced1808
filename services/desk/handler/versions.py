"""Counts pages by their version of theme and settings, for `verify` and after `rebuild --theme`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from shared.site import page_versions
from shared.site.page_versions import VersionCount, VersionCounts
from shared.site.sites import Site
from shared.storage import ObjectStorage

_READER_THREADS = 16


def count_pages(count: VersionCount) -> Iterator[int]:
    """Run all steps of a count in parallel; yield the number of pages counted so far."""
    with ThreadPoolExecutor(_READER_THREADS) as readers:
        for _ in count.steps(readers):
            yield count.pages.total()


def recheck_pages(count: VersionCount) -> None:
    """Check the pages of another version again: some were just being published."""
    with ThreadPoolExecutor(_READER_THREADS) as readers:
        count.recheck(readers)


def store_counts(content: ObjectStorage, site: Site, count: VersionCount, at: datetime) -> VersionCounts:
    """Store the counts for `pressline status`; return them."""
    counts = count.counts(at)
    page_versions.store_counts(content, site, counts)
    return counts


def version_lines(sites: Iterable[Site], content: ObjectStorage) -> Iterator[str]:
    """Yield one line per site: the number of pages of another version. Costs two GETs per site."""
    for site in sites:
        current, counts = page_versions.find_version(content, site), page_versions.find_counts(content, site)
        if current is None:
            yield f"{site.id}: no render worker has stored the current version of theme and settings yet"
        elif counts is None:
            yield f"{site.id}: pages are not counted by version yet; the scheduler will count them"
        elif counts.current == current:
            yield f"{summary(site, counts)} (counted {_minute(counts)})"
        else:
            yield (
                f"{summary(site, counts, current)} (counted {_minute(counts)}, before the latest change of theme or "
                "settings; the scheduler will count again)"
            )


def summary(site: Site, counts: VersionCounts, current: str | None = None) -> str:
    """Return one line: the number of pages of another version, and the command that renews them."""
    others = counts.others(current or counts.current)
    if not others:
        return f"{site.id}: none of {counts.total:,} pages carries another version of theme and settings"
    return (
        f"{site.id}: {others:,} of {counts.total:,} pages carry another version of theme and settings; "
        f"run `pressline rebuild --site {site.id} --theme`"
    )


def _minute(counts: VersionCounts) -> str:
    return f"{counts.counted_at:%Y-%m-%d %H:%M} UTC"
