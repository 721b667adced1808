"""Articles' pages that are stale, for a card that they show has changed: rendered again while the pipeline is idle."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice

from services.scheduler.handler.deps import SchedulerDeps
from shared.index.stale_pages import articles_stale, find_emittable
from shared.messaging.messages import MAX_BATCH_ITEMS, ArticlesEnriched, first_envelope
from shared.model.lane import Lane
from shared.site.sites import Site

_MAX_CANDIDATES = 500
_MAX_BATCHES = 4  # on their way at a time: listings that are touched meanwhile wait behind no more
_BUSY_INTERVAL = timedelta(minutes=1)


def stale_articles(site: Site, room: int, deps: SchedulerDeps) -> Iterator[ArticlesEnriched]:
    """Yield batches of the articles' pages that have been stale for longest.

    Without `room` (messages) an import is under way, or listings are stale: each neighbour that comes in would have a
    page rendered once more. So they wait, but for one batch a minute.
    """
    if room <= 0:
        if deps.clock() - deps.busy_batch_at.get(site.id, deps.clock() - _BUSY_INTERVAL) < _BUSY_INTERVAL:
            return
        room = 1
    stale = deps.index.stale_articles(site, limit=_MAX_CANDIDATES)
    free = find_emittable(site, stale, deps.index, deps.quarantine)
    wanted = list(islice(free, min(room, _MAX_BATCHES) * MAX_BATCH_ITEMS))
    pages = iter(deps.index.acquire_leases(site, wanted))
    while some := list(islice(pages, MAX_BATCH_ITEMS)):
        deps.busy_batch_at[site.id] = deps.clock()
        yield articles_stale(first_envelope(Lane.BULK), site, {page: free[page] for page in some})
