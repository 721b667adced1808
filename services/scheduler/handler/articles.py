"""Articles' pages that are behind: a few are said one by one, many go by the fifty, as those of a rebuild do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import islice

from services.scheduler.handler.clockwork import Clockwork
from services.scheduler.handler.turns import envelope, say
from shared.listings import find_article
from shared.messages import ArticleAccepted, Lane, ListingStale, RebuildPages
from shared.pages import Behind, find_free
from shared.rebuilds import PIECE
from shared.sites import Site

_MOST_LOOKED_AT = 500
_MANY = 25  # from so many on they go in pieces
_MOST_PIECES = 4  # on their way at a time: listings that are touched meanwhile wait behind no more
_MOST_AT_ONCE = 4  # one by one; of a few, in the lane of the news
_MOST_TRIES = 2  # in a piece: what it brings down, or does not bring about, is said alone
_PATIENCE = timedelta(minutes=1)


def say_articles(
    site: Site, room: int, clockwork: Clockwork
) -> Iterator[ListingStale | ArticleAccepted | RebuildPages]:
    """Yield what renews the articles' pages that are behind, those first that were touched longest ago.

    Without `room` (messages) an import is under way, or listings are behind: each neighbour that comes in would have a
    page rendered once more. So they wait, but for one at a time that nobody has touched for a minute.
    """
    stale = clockwork.index.stale_articles(site, most=_MOST_LOOKED_AT)
    free = find_free(site, stale, clockwork.index, clockwork.marks)
    _forget_tries(site, free, clockwork)
    if room <= 0:
        since = (clockwork.clock() - _PATIENCE).timestamp() * 1_000_000  # numbers are Redis's clock, in microseconds
        settled = {page: behind for page, behind in free.items() if behind.number < since}
        yield from say(site, _first(settled, 1), Lane.LIVE, clockwork)
    elif len(free) < _MANY:
        yield from say(site, _first(free, _MOST_AT_ONCE), Lane.LIVE, clockwork)
        yield from say(site, _first(free, room), Lane.BULK, clockwork)
    else:
        due = _first(free, min(room, _MOST_PIECES) * PIECE)
        tries = clockwork.tries
        alone = {page: at for page, at in due.items() if tries[site.id, page, at.number] >= _MOST_TRIES}
        yield from say(site, _first(alone, _MOST_AT_ONCE), Lane.BULK, clockwork)
        yield from _pieces(site, {page: due[page] for page in due if page not in alone}, clockwork)


def _pieces(site: Site, pages: Mapping[str, Behind], clockwork: Clockwork) -> Iterator[RebuildPages]:
    turns = clockwork.index.take_turns(site, list(pages))
    clockwork.tries.update((site.id, page, pages[page].number) for page in turns)
    articles = iter(filter(None, map(find_article, turns)))
    while piece := tuple(islice(articles, PIECE)):
        yield RebuildPages(**envelope(Lane.BULK, clockwork), site=site.id, run="", number=0, upto="", articles=piece)


def _forget_tries(site: Site, free: Mapping[str, Behind], clockwork: Clockwork) -> None:
    """Forget the tries of pages that are not behind any more, or for another reason."""
    now = {(site.id, page, behind.number) for page, behind in free.items()}
    over = [known for known in clockwork.tries if known[0] == site.id and known not in now]
    for known in over:
        del clockwork.tries[known]


def _first(pages: Mapping[str, Behind], most: int) -> dict[str, Behind]:
    return dict(islice(pages.items(), most))
