"""What stays stale is said again, and a listing that was never published is published for the first time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from services.scheduler.handler.articles import say_articles
from services.scheduler.handler.clockwork import Clockwork
from services.scheduler.handler.turns import envelope, say
from shared.listings import standing
from shared.messages import ArticleAccepted, Lane, ListingsStale, ListingStale, RebuildPages
from shared.pages import Behind, find_free, fronts_of
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
    fronts = fronts_of(site, names)
    yield from say(site, _free(site, fronts, len(fronts), clockwork), Lane.LIVE, clockwork)
    others = [page for page in index.stale(site, most=_MOST_LOOKED_AT) if page not in set(fronts)]
    waiting = clockwork.backlog.total()
    at_a_tick = _MOST_AT_A_TICK if waiting * _TOGETHER < _MOST_AT_A_TICK else _TOGETHER
    room = min(_MOST_IN_BULK - waiting, at_a_tick)
    at_once = _MOST_AT_ONCE if room > 0 else 1
    yield from say(site, _free(site, others[:at_once], at_once, clockwork), Lane.LIVE, clockwork)
    yield from _say_together(site, _free(site, others[at_once:], room, clockwork), clockwork)
    yield from say_articles(site, min(room - len(others), _QUIET - waiting), clockwork)


def _say_together(site: Site, listings: Mapping[str, Behind], clockwork: Clockwork) -> Iterator[ListingsStale]:
    """Yield what is said of the listings whose turn it is, by the handful."""
    turns = iter(clockwork.index.take_turns(site, list(listings)))
    while some := list(islice(turns, _TOGETHER)):
        numbers = {name: listings[name].number for name in some}
        yield ListingsStale(**envelope(Lane.BULK, clockwork), site=site.id, listings=numbers)


def _free(site: Site, pages: list[str], most: int, clockwork: Clockwork) -> dict[str, Behind]:
    """Return those of the pages that may be said, no more than `most`."""
    if most <= 0:
        return {}
    return dict(islice(find_free(site, pages, clockwork.index, clockwork.marks).items(), most))
