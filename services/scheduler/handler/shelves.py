"""Articles at rest are laid on their shelves, so that the first rebuild of an archive is as quick as the next ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import takewhile

from services.scheduler.handler.clockwork import Clockwork
from services.scheduler.handler.turns import envelope
from shared import keys
from shared.live import grouped, read_standings
from shared.messages import KeepTexts, Lane
from shared.sites import Site

_WORTH = 64  # articles, as many as either part of a shelf that is parted: with fewer there is little to gain
_SHARE = 8  # where less than one in so many is missing, a shelf is left as it is
_LOOK_EVERY_SECONDS = 1.0


def shelve(site: Site, clockwork: Clockwork, *, wait: Callable[[float], bool]) -> Iterator[KeepTexts]:
    """Yield what lays articles on each shelf that lacks many, each when nothing else waits anywhere in the line.

    `wait` (seconds) says whether to stop in the middle. An article costs its record's PUT, and a few reads, each time
    that it was taken off; one that is not live is looked at again each time.
    """
    content, prefix = clockwork.content, keys.shelves_prefix(site.id)
    known, before = list(content.list_folders(prefix)), ""
    for shelf, group in grouped(content.list_folders(keys.articles_prefix(site.id)), known):
        if len(group) >= _WORTH and _lacks_many(site, shelf, group, clockwork):
            while clockwork.backlog.total():
                if wait(_LOOK_EVERY_SECONDS):
                    return
            there = content.list_folders(prefix, start_after=before)
            if _upto(shelf, there) != _upto(shelf, (name for name in known if name > before)):
                return  # others have made shelves meanwhile: the next round goes by those
            if _lacks_many(site, shelf, group, clockwork):
                yield KeepTexts(**envelope(Lane.BULK, clockwork), site=site.id, shelf=shelf, articles=tuple(group))
        before = shelf


def _lacks_many(site: Site, shelf: str, group: list[str], clockwork: Clockwork) -> bool:
    resting = read_standings(clockwork.content, site.id, shelf)
    return sum(article not in resting for article in group) * _SHARE >= len(group)


def _upto(shelf: str, names: Iterable[str]) -> list[str]:
    return list(takewhile(lambda name: name <= shelf, names))
