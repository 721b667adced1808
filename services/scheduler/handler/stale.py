"""What stays stale is emitted again, and a listing that was never published is published for the first time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from services.scheduler.handler.articles import stale_articles
from services.scheduler.handler.deps import SchedulerDeps
from shared.index.stale_pages import find_emittable, fronts_of, listings_stale
from shared.messaging.messages import MAX_LISTINGS_PER_BATCH, ArticlesEnriched, ListingsStale, first_envelope
from shared.model.lane import Lane
from shared.site.listings import permanent_listings
from shared.site.sites import Site

_MAX_CANDIDATES = 1000
_FIRST = 4  # of the calendar, before the rest of it
_MAX_PER_TICK = 8 * MAX_LISTINGS_PER_BATCH  # in bulk, and one batch while as many wait: leases do not last long
_MAX_WAITING = 200  # while so much waits anywhere in the pipeline, the calendar waits too: once for many changes
_QUIET = 10  # while so much waits, articles' pages wait: two hundred messages may be as many articles to come


def emit_stale_pages(site: Site, deps: SchedulerDeps) -> Iterator[ListingsStale | ArticlesEnriched]:
    """Yield batches of the pages that are stale and may be queued, while the index is complete.

    Fronts first, then the calendar, by which readers find what has come in, then articles' pages for what they link
    to. However many are stale after an import, few of them are on their way at a time, so that each is rendered once
    for many changes and live news passes them by.
    """
    index = deps.index
    if index.complete_until(site) is None:
        return
    index.mark_due_stale(site, deps.clock())
    names = list(permanent_listings(site))
    stale, published = index.stale_versions(site, names), index.published_versions(site, names)
    for name in names:
        if name not in published and name not in stale:
            index.mark_stale(site, name)
    fronts = fronts_of(site, names)
    yield from _batches(site, fronts, len(fronts), Lane.LISTINGS, deps)
    others = [page for page in index.stale(site, limit=_MAX_CANDIDATES) if page not in set(fronts)]
    waiting = deps.backlog.total()
    at_a_tick = _MAX_PER_TICK if waiting * MAX_LISTINGS_PER_BATCH < _MAX_PER_TICK else MAX_LISTINGS_PER_BATCH
    room = min(_MAX_WAITING - waiting, at_a_tick)
    left = min(room - len(others), _QUIET - waiting)
    first = _FIRST if room > 0 else 1
    for batch in _batches(site, others, first, Lane.LISTINGS, deps):
        yield batch
        others = [page for page in others if page not in batch.listings]
    yield from _batches(site, others, room, Lane.BULK, deps)
    yield from stale_articles(site, left, deps)


def _batches(site: Site, pages: list[str], limit: int, lane: Lane, deps: SchedulerDeps) -> Iterator[ListingsStale]:
    """Yield batches of those of the listings that may be queued, the longest stale first, no more than `limit`."""
    left = list(find_emittable(site, pages, deps.index, deps.quarantine).items()) if limit > 0 else []
    free, names = dict(left), list[str]()
    while left and len(names) < limit:  # a leased one holds up no other
        some = [name for name, _ in left[: limit - len(names)]]
        names += deps.index.acquire_leases(site, some)
        del left[: len(some)]
    leased = iter(names)
    while some := list(islice(leased, MAX_LISTINGS_PER_BATCH)):
        yield listings_stale(first_envelope(lane), site, {name: free[name] for name in some})
