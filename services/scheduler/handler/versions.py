"""Counts a site's pages by page version, slowly, for `pressline status`."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import structlog

from services.scheduler.handler.deps import SchedulerDeps
from shared.site.page_versions import VersionCount, find_counts, find_version, store_counts
from shared.site.sites import Site
from shared.storage import ObjectStorage

log = structlog.get_logger()

_CALLS_PER_SECOND = 100.0  # a HEAD is the store's cheapest call


def count_versions(
    site: Site, deps: SchedulerDeps, *, public: ObjectStorage, every: timedelta, wait: Callable[[float], bool]
) -> None:
    """Count a site's pages if theme or settings changed since the last count, or if that count is older than `every`.

    `wait(seconds)` returns True if the count must stop.
    """
    current, counted = find_version(deps.content, site), find_counts(deps.content, site)
    if current is None:
        return
    if counted and counted.current == current and deps.clock() - counted.counted_at < every:
        return
    count = VersionCount(site, current, public=public, sites=deps.sites.values())
    with ThreadPoolExecutor(1) as reader:
        for calls in count.steps(reader):
            if wait(calls / _CALLS_PER_SECOND):
                return
    counts = count.counts(deps.clock())
    store_counts(deps.content, site, counts)
    log.info("versions.counted", site=site.id, pages=counts.total, others=counts.others(current))
