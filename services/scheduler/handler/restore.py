"""The index is made whole again from the bucket: Redis may lose all of it, or its last second."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from time import monotonic

import structlog

from services.scheduler.handler.deps import SchedulerDeps
from services.scheduler.handler.sweep import recent
from shared.index import Restore
from shared.model.live_record import read_records
from shared.site import keys
from shared.site.sites import Site

log = structlog.get_logger()

_OVERLAP = timedelta(minutes=5)
_BATCH = 200
_READERS = 8
_SLICE_SECONDS = 5.0


def restore_index(site: Site, deps: SchedulerDeps) -> None:
    """Make the index whole where this very Redis never was: apply what the bucket says, then mark it.

    A Redis that restarted from its own file lacks at most what came after its last mark: the journal from five
    minutes before that. One without a mark lacks everything: each article's `live.json` is read. A round ends after
    some seconds and the next one, of whichever scheduler, goes on behind the last batch. What goes live meanwhile
    enters the index by itself; the index refuses what is older than it knows. The sweep moves the mark on.
    """
    index = deps.index
    if index.complete_until(site) is not None:
        return
    restore = index.begin_restore(site, deps.clock())
    if restore is None:
        return  # another scheduler is at it
    round_ends, left = monotonic() + _SLICE_SECONDS, _articles(site, restore, deps)
    with ThreadPoolExecutor(_READERS) as readers:
        while batch := list(islice(left, _BATCH)):
            index.load(site, read_records(deps.content, site.id, batch, readers))
            restore = replace(restore, cursor=batch[-1], done=restore.done + len(batch))
            if not index.move_restore(site, restore):
                log.info("restore.overtaken", site=site.id, articles=restore.done)  # by another flush, or a reindex
                return
            if monotonic() > round_ends:
                log.info("restore.progressed", site=site.id, articles=restore.done)
                return
    is_whole = index.mark_complete(site, restore.minute, restore.token)
    log.info("index.restored", site=site.id, articles=restore.done, since=str(restore.since), is_whole=is_whole)


def _articles(site: Site, restore: Restore, deps: SchedulerDeps) -> Iterator[str]:
    """Yield the articles that a restore has not come to, in order."""
    if restore.since is None:
        yield from deps.content.list_folders(keys.articles_prefix(site.id), start_after=restore.cursor)
    else:
        named = {entry.article for entry in recent(site, restore.since - _OVERLAP, deps)}
        yield from sorted(article for article in named if article > restore.cursor)
