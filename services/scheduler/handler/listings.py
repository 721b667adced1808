"""What stays stale is said again, and a listing that was never published is published for the first time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from services.scheduler.handler.articles import say_articles
from services.scheduler.handler.clockwork import Clockwork
from services.scheduler.handler.turns import envelope, find_free, say
from shared.listings import standing
from shared.messages import ArticleAccepted, Lane, ListingsStale, ListingStale, RebuildPages
from shared.pages import fronts_of
from shared.sites import Site

_MOST_LOOKED_AT = 1000
_MOST_AT_ONCE = 4  # of the calendar, however much waits: a message lost with a Redis only delays
_TOGETHER = 25  # listings, in a message: a hop costs as much as making and putting one
_MOST_AT_A_TICK = 8 * _TOGETHER  # listings in bulk, and a handful while as many messages wait: turns do not last long
_MOST_IN_BULK = 200  # while so much waits anywhere in the line, the calendar waits too: once for many changes
_QUIET = 10  # while so much waits, articles' pages wait: two hundred messages may be as many articles to come


def say_stale_pages(
    site: Site, clockwork: Clockwork
) -> Iterator[ListingsStale | ListingStale | ArticleAccepted | RebuildPages]:
    """Yield a message for each page that is behind and whose turn it is, while the index is whole.

    Fronts first, then the calendar, by which readers find what has come in, then articles' pages for what they lead on
    to. However many are behind after an import, few of them are on their way at a time, so that each is rendered once
    for many changes and live news passes them by.
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
    stale, articles = index.stale_apart(site, most=_MOST_LOOKED_AT)
    others = [page for page in stale if page not in set(fronts)]
    waiting = clockwork.backlog.total()
    at_a_tick = _MOST_AT_A_TICK if waiting * _TOGETHER < _MOST_AT_A_TICK else _TOGETHER
    room = min(_MOST_IN_BULK - waiting, at_a_tick)
    at_once = _MOST_AT_ONCE if room > 0 else 1
    yield from _say(site, others[:at_once], Lane.LIVE, at_once, clockwork)
    yield from _together(_say(site, others[at_once:], Lane.BULK, room, clockwork), clockwork)
    yield from say_articles(site, articles, min(room - len(others), _QUIET - waiting), clockwork)


def _together(
    messages: Iterable[ListingStale | ArticleAccepted], clockwork: Clockwork
) -> Iterator[ListingsStale | ListingStale]:
    """Yield what is said of listings, by the handful."""
    rest = (message for message in messages if isinstance(message, ListingStale))
    while some := list(islice(rest, _TOGETHER)):
        first, names = some[0], {each.listing: each.changed for each in some}
        together = ListingsStale(**envelope(first.lane, clockwork), site=first.site, listings=names)
        yield first if len(some) == 1 else together


def _say(
    site: Site, pages: list[str], lane: Lane, most: int, clockwork: Clockwork
) -> Iterator[ListingStale | ArticleAccepted]:
    if most > 0:
        free = find_free(site, pages, clockwork)
        yield from say(site, dict(islice(free.items(), most)), lane, clockwork)
