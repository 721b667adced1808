"""Articles' pages that are stale because a card on them changed: emitted while the pipeline is idle."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice

from services.scheduler.handler.deps import SchedulerDeps
from shared.index.stale_pages import articles_stale, find_emittable
from shared.messaging.messages import MAX_BATCH_ITEMS, ArticlesEnriched, first_envelope
from shared.model.lane import Lane
from shared.site.sites import Site

_MAX_CANDIDATE_PAGES = 500
_MAX_BATCHES = 4  # in the pipeline at a time, so that a listing that becomes stale waits for no more than these
_BUSY_INTERVAL = timedelta(minutes=1)


def stale_articles(site: Site, max_messages: int, deps: SchedulerDeps) -> Iterator[ArticlesEnriched]:
    """Yield batches of the articles' pages that have been stale for longest, at most `max_messages` of them.

    If `max_messages` is 0 or less, an import is running or listings are stale. Each imported neighbour would render a
    page once more, so only one batch per minute is yielded.
    """
    if max_messages <= 0:
        if deps.clock() - deps.busy_batch_at.get(site.id, deps.clock() - _BUSY_INTERVAL) < _BUSY_INTERVAL:
            return
        max_messages = 1
    stale = deps.index.stale_articles(site, limit=_MAX_CANDIDATE_PAGES)
    emittable = find_emittable(site, stale, deps.index, deps.quarantine)
    wanted = list(islice(emittable, min(max_messages, _MAX_BATCHES) * MAX_BATCH_ITEMS))
    pages = iter(deps.index.acquire_leases(site, wanted))
    while batch := list(islice(pages, MAX_BATCH_ITEMS)):
        deps.busy_batch_at[site.id] = deps.clock()
        yield articles_stale(first_envelope(Lane.BULK), site, {page: emittable[page] for page in batch})
