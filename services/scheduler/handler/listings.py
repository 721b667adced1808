"""What stays stale is said again, and a listing that was never published is published for the first time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from uuid import uuid4

from services.scheduler.handler.clockwork import Clockwork
from shared.listings import find_article, standing
from shared.messages import ArticleAccepted, Envelope, Lane, ListingsStale, ListingStale
from shared.pages import fronts_of, page_stale, page_subject
from shared.sites import Site

_MOST_LOOKED_AT = 1000
_MOST_AT_ONCE = 4  # of the calendar, however much waits: a message lost with a Redis only delays
_MOST_AT_A_TICK = 100  # listings in bulk: about what one worker makes meanwhile
_TOGETHER = 25  # listings, in a message: a hop costs as much as making and putting one
_MOST_IN_BULK = 200  # while so much waits anywhere in the line, the calendar waits too: once for many changes


def say_stale_pages(site: Site, clockwork: Clockwork) -> Iterator[ListingsStale | ListingStale | ArticleAccepted]:
    """Yield a message for each page that is behind and whose turn it is, while the index is whole: fronts first.

    However many are behind after an import, few of them are on their way at a time, so that each is rendered once for
    many changes and live news passes them by.
    """
    index = clockwork.index
    if index.whole_until(site) is None:
        return
    index.touch_due(site, clockwork.clock())
    names = list(standing(site))
    behind = index.behind(site, names)
    published = index.published(site, names)
    for name in names:
        if name not in published and name not in behind:
            index.touch(site, name)
    fronts = [*fronts_of(site, names)]
    yield from _say(site, fronts, Lane.LIVE, len(fronts), clockwork)
    others = [page for page in index.stale(site, most=_MOST_LOOKED_AT) if page not in set(fronts)]
    room = _MOST_IN_BULK - clockwork.backlog.total()
    at_once = _MOST_AT_ONCE if room > 0 else 1
    yield from _say(site, others[:at_once], Lane.LIVE, at_once, clockwork)
    yield from _together(_say(site, others[at_once:], Lane.BULK, min(room, _MOST_AT_A_TICK), clockwork))


def _together(
    messages: Iterable[ListingStale | ArticleAccepted],
) -> Iterator[ListingsStale | ListingStale | ArticleAccepted]:
    """Yield the messages, the listings among them by the handful."""
    listings: list[ListingStale] = []
    for message in messages:
        if isinstance(message, ListingStale):
            listings.append(message)
        else:
            yield message
    rest = iter(listings)
    while some := list(islice(rest, _TOGETHER)):
        first, names = some[0], {each.listing: each.changed for each in some}
        envelope = _envelope(first.lane, first.begun_at)
        yield first if len(some) == 1 else ListingsStale(**envelope, site=first.site, listings=names)


def _say(
    site: Site, pages: list[str], lane: Lane, most: int, clockwork: Clockwork
) -> Iterator[ListingStale | ArticleAccepted]:
    if most <= 0:
        return
    behind = clockwork.index.behind(site, pages)
    parked = clockwork.marks.parked(site.id, {page_subject(page): number for page, number in behind.items()})
    free = [page for page in behind if page_subject(page) not in parked]
    turns = clockwork.index.take_turns(site, free[:most])
    shown = clockwork.index.revisions(site, [article for page in turns if (article := find_article(page))])
    for page in turns:
        yield page_stale(_envelope(lane, clockwork.clock()), site, page, behind[page], shown)


def _envelope(lane: Lane, begun_at: datetime | None) -> Envelope:
    return Envelope(message_id=uuid4(), causation_id=None, trace_parent=None, lane=lane, begun_at=begun_at)
