"""Restores the index from the content bucket: Redis may lose all of it, or its last second."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from time import monotonic

import structlog

from services.scheduler.handler.deps import SchedulerDeps
from services.scheduler.handler.sweep import read_journal
from shared.index import Restore
from shared.model.live_record import read_records
from shared.site import keys
from shared.site.sites import Site

log = structlog.get_logger()

_JOURNAL_OVERLAP = timedelta(minutes=5)
_ARTICLES_PER_BATCH = 200
_READER_THREADS = 8
_MAX_ROUND_SECONDS = 5.0


def restore_index(site: Site, deps: SchedulerDeps) -> None:
    """If the index is incomplete in this Redis process, load records from the bucket and set the completeness mark.

    * A Redis that restarted from its own file lacks only changes after its last completeness mark: read the articles
      of the journal from five minutes before that mark.
    * A Redis without a mark lacks all articles: read every `live.json`.

    A round ends after 5 seconds; the next round, of any scheduler, continues after the last batch. Articles that go
    live meanwhile enter the index as usual: the index refuses a record that is older than its own. The sweep advances
    the mark.
    """
    index = deps.index
    if index.complete_until(site) is not None:
        return
    restore = index.begin_restore(site, deps.clock())
    if restore is None:
        return  # another scheduler restores now
    round_ends, remaining = monotonic() + _MAX_ROUND_SECONDS, _articles(site, restore, deps)
    with ThreadPoolExecutor(_READER_THREADS) as readers:
        while batch := list(islice(remaining, _ARTICLES_PER_BATCH)):
            index.load(site, read_records(deps.content, site.id, batch, readers))
            restore = replace(restore, cursor=batch[-1], done=restore.done + len(batch))
            if not index.advance_restore(site, restore):
                # Redis was flushed again, or a reindex began.
                log.info("restore.overtaken", site=site.id, articles=restore.done)
                return
            if monotonic() > round_ends:
                log.info("restore.progressed", site=site.id, articles=restore.done)
                return
    is_complete = index.mark_complete(site, restore.minute, restore.token)
    log.info("index.restored", site=site.id, articles=restore.done, since=str(restore.since), is_complete=is_complete)


def _articles(site: Site, restore: Restore, deps: SchedulerDeps) -> Iterator[str]:
    """Yield the articles that a restore has not loaded yet, in order."""
    if restore.since is None:
        yield from deps.content.list_folders(keys.articles_prefix(site.id), start_after=restore.cursor)
    else:
        articles = {entry.article for entry in read_journal(site, restore.since - _JOURNAL_OVERLAP, deps)}
        yield from sorted(article for article in articles if article > restore.cursor)
