"""Articles at rest are laid on their shelves, so that the first rebuild of an archive is as quick as the next ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import structlog

from services.scheduler.handler.clockwork import Clockwork
from services.scheduler.handler.turns import envelope
from shared import keys
from shared.live import read_standings
from shared.messages import Lane, RebuildPages
from shared.rebuilds import grouped
from shared.sites import Site

log = structlog.get_logger()

_WORTH = 64  # articles: with fewer to a shelf there is nothing to gain
_SHARE = 8  # where less than one in so many is missing, a shelf is left as it is
_LOOK_EVERY_SECONDS = 1.0


def shelve(site: Site, clockwork: Clockwork, *, wait: Callable[[float], bool]) -> Iterator[RebuildPages]:
    """Yield what lays articles on each shelf that lacks many, each when nothing else waits anywhere in the line.

    `wait` (seconds) says whether to stop in the middle. An article costs two reads and a PUT, once; one that is not
    live is looked at again each time.
    """
    content, after = clockwork.content, ""
    articles, shelves = (
        content.list_folders(prefix) for prefix in (keys.articles_prefix(site.id), keys.shelves_prefix(site.id))
    )
    for shelf, group in grouped(articles, shelves):
        resting = read_standings(content, site.id, shelf)
        missing = sum(article not in resting for article in group)
        if len(group) >= _WORTH and missing * _SHARE >= len(group):
            while clockwork.backlog.total():
                if wait(_LOOK_EVERY_SECONDS):
                    return
            log.info("shelf.filled", site=site.id, shelf=shelf, missing=missing)
            yield RebuildPages(
                **envelope(Lane.BULK, clockwork),
                site=site.id,
                run="",
                number=0,
                after=after,
                upto=group[-1],
                articles=tuple(group),
                shelf=shelf,
                is_to_rest=True,
            )
        after = group[-1]
