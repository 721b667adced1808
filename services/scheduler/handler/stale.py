"""Emits pages that stay stale, and each permanent listing that was never published."""

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

_MAX_CANDIDATE_LISTINGS = 1000
_PRIORITY_LISTINGS = 4  # calendar listings that go to the listings lane in a tick; the others go to bulk
_MAX_LISTINGS_PER_TICK = 8 * MAX_LISTINGS_PER_BATCH  # one batch only if as many are queued: leases are short
_MAX_QUEUED_MESSAGES = 200  # with more in all queues, the calendar waits: one rendering then covers many changes
_IDLE_QUEUE_LENGTH = 10  # with more messages in all queues, articles' pages wait: each message may bring an article


def emit_stale_pages(site: Site, deps: SchedulerDeps) -> Iterator[ListingsStale | ArticlesEnriched]:
    """Yield batches of the stale pages that may be queued; none while the index is incomplete.

    The order is: fronts, the calendar, articles' pages. After an import many pages are stale, but few are in the
    pipeline at a time. So one rendering covers many changes, and live news does not wait.
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
    others = [page for page in index.stale_listings(site, limit=_MAX_CANDIDATE_LISTINGS) if page not in set(fronts)]
    queued = deps.backlog.total()
    max_listings = (
        _MAX_LISTINGS_PER_TICK if queued * MAX_LISTINGS_PER_BATCH < _MAX_LISTINGS_PER_TICK else MAX_LISTINGS_PER_BATCH
    )
    free_places = min(_MAX_QUEUED_MESSAGES - queued, max_listings)
    article_places = min(free_places - len(others), _IDLE_QUEUE_LENGTH - queued)
    priority_count = _PRIORITY_LISTINGS if free_places > 0 else 1
    for batch in _batches(site, others, priority_count, Lane.LISTINGS, deps):
        yield batch
        others = [page for page in others if page not in batch.listings]
    yield from _batches(site, others, free_places, Lane.BULK, deps)
    yield from stale_articles(site, article_places, deps)


def _batches(site: Site, pages: list[str], limit: int, lane: Lane, deps: SchedulerDeps) -> Iterator[ListingsStale]:
    """Yield batches of the listings that may be queued, the longest stale first, at most `limit` listings."""
    emittable = find_emittable(site, pages, deps.index, deps.quarantine) if limit > 0 else {}
    candidates, names = list(emittable), list[str]()
    while candidates and len(names) < limit:  # a leased listing takes no other listing's place
        tried = candidates[: limit - len(names)]
        names += deps.index.acquire_leases(site, tried)
        del candidates[: len(tried)]
    leased = iter(names)
    while batch := list(islice(leased, MAX_LISTINGS_PER_BATCH)):
        yield listings_stale(first_envelope(lane), site, {name: emittable[name] for name in batch})
