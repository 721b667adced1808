"""Pages by the version of theme and settings that they carry: counted for `verify` and after `rebuild --theme`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from shared.site import page_versions
from shared.site.page_versions import VersionCount, VersionCounts
from shared.site.sites import Site
from shared.storage import ObjectStorage

_READERS = 16


def count_pages(count: VersionCount) -> Iterator[int]:
    """Take all steps of a count, many pages side by side; yield how many pages were counted so far."""
    with ThreadPoolExecutor(_READERS) as readers:
        for _ in count.steps(readers):
            yield count.pages.total()


def look_again(count: VersionCount) -> None:
    """Look once more at the pages that carried another version: some were just being published."""
    with ThreadPoolExecutor(_READERS) as readers:
        count.look_again(readers)


def keep_counts(content: ObjectStorage, site: Site, count: VersionCount, at: datetime) -> VersionCounts:
    """Store the counts, so that `pressline status` knows them; return them."""
    counts = count.counts(at)
    page_versions.keep_counts(content, site, counts)
    return counts


def version_lines(sites: Iterable[Site], content: ObjectStorage) -> Iterator[str]:
    """Yield how many of each site's pages carry another version: two GETs a site, however many pages there are."""
    for site in sites:
        current, counts = page_versions.find_version(content, site), page_versions.find_counts(content, site)
        if current is None:
            yield f"{site.id}: no render worker has noted the version of theme and settings yet"
        elif counts is None:
            yield f"{site.id}: pages were not counted by their version yet; the scheduler counts them"
        elif counts.current == current:
            yield f"{summary(site, counts)} (counted {_minute(counts)})"
        else:
            yield (
                f"{summary(site, counts, current)} (counted {_minute(counts)}, before the latest change of theme or "
                "settings; the scheduler counts again)"
            )


def summary(site: Site, counts: VersionCounts, current: str | None = None) -> str:
    """Return how many pages carry another version than the current one, and the command that renews them."""
    others = counts.others(current or counts.current)
    if not others:
        return f"{site.id}: none of {counts.total:,} pages carries another version of theme and settings"
    return (
        f"{site.id}: {others:,} of {counts.total:,} pages carry another version of theme and settings; "
        f"run `pressline rebuild --site {site.id} --theme`"
    )


def _minute(counts: VersionCounts) -> str:
    return f"{counts.counted_at:%Y-%m-%d %H:%M} UTC"
