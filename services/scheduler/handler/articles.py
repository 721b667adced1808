"""Articles' pages that are stale, for a card that they show has changed: rendered again while the pipeline is idle."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice

from services.scheduler.handler.clockwork import Clockwork
from shared.messages import MAX_BATCH_ITEMS, ArticlesEnriched, Lane, first_envelope
from shared.pages import articles_stale, find_free
from shared.sites import Site

_MAX_LOOKED_AT = 500
_MAX_BATCHES = 4  # on their way at a time: listings that are touched meanwhile wait behind no more
_BUSY_EVERY = timedelta(minutes=1)


def stale_articles(site: Site, room: int, clockwork: Clockwork) -> Iterator[ArticlesEnriched]:
    """Yield batches of the articles' pages that have been stale for longest.

    Without `room` (messages) an import is under way, or listings are stale: each neighbour that comes in would have a
    page rendered once more. So they wait, but for one batch a minute.
    """
    if room <= 0:
        if clockwork.clock() - clockwork.busy_batch_at.get(site.id, clockwork.clock() - _BUSY_EVERY) < _BUSY_EVERY:
            return
        room = 1
    stale = clockwork.index.stale_articles(site, most=_MAX_LOOKED_AT)
    free = find_free(site, stale, clockwork.index, clockwork.marks)
    wanted = list(islice(free, min(room, _MAX_BATCHES) * MAX_BATCH_ITEMS))
    pages = iter(clockwork.index.take_turns(site, wanted))
    while some := list(islice(pages, MAX_BATCH_ITEMS)):
        clockwork.busy_batch_at[site.id] = clockwork.clock()
        yield articles_stale(first_envelope(Lane.BULK), site, {page: free[page] for page in some})
