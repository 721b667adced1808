"""A rebuild, run from outside the workers: pieces are cut, few are on their way at a time, the lost are sent again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from uuid import uuid4

import structlog

from services.desk.domain.rebuild import Run
from shared import keys
from shared.index import Index
from shared.listings import Listing, find_article, find_listing
from shared.live import grouped
from shared.messages import Lane, Message, RebuildPages
from shared.rebuilds import Rebuilds, Tally
from shared.sites import Site
from shared.storage import ObjectStorage

log = structlog.get_logger()

_MOST_ON_THEIR_WAY = 16  # pieces: enough for a dozen workers, and few to wait for when it is paused
_SILENT_FOR = timedelta(seconds=60)  # a killed worker's message comes back after 35 s
_MOST_TRIES = 3
_KEEP_EVERY = timedelta(seconds=2)


@dataclass(slots=True)
class _Piece:
    number: int
    after: str
    articles: list[str]
    shelf: str
    sent_at: datetime
    tries: int = 1
    tally: Tally | None = None

    @property
    def upto(self) -> str:
        return self.articles[-1]


@dataclass(slots=True)
class Rebuild:
    """A run under way: `go_on` does one round of it. Nothing of it is known only here for longer than two seconds."""

    run: Run
    content: ObjectStorage
    rebuilds: Rebuilds
    emit: Callable[[Iterable[Message]], None]
    waiting: Callable[[], int]  # how many messages wait in the lane: who waits was not lost
    clock: Callable[[], datetime]
    on_their_way: list[_Piece] = field(default_factory=list)  # in order; the done ones wait for those before them
    _groups: Iterator[tuple[str, list[str]]] | None = None
    _kept_at: datetime | None = None

    @property
    def tally(self) -> Tally:
        """Return what the pieces came to so far, those too that others before them hold up."""
        return sum((each.tally for each in self.on_their_way if each.tally), start=self.run.tally)

    def go_on(self) -> bool:
        """Hear what is done, send what is lost again and what fits of the rest; tell whether there is any left."""
        self._hear()
        self._send_again()
        fresh = list(islice(self._cut(), max(0, _MOST_ON_THEIR_WAY - len(self.on_their_way))))
        self.on_their_way += fresh
        self.emit(map(self._message, fresh))
        is_done = not self.on_their_way
        self.keep(is_done=is_done)
        return not is_done

    def keep(self, *, is_done: bool = False, now: bool = False) -> None:
        """Write down how far it has come; every now and then, or at once."""
        at = self.clock()
        if not (is_done or now) and self._kept_at is not None and at - self._kept_at < _KEEP_EVERY:
            return
        self._kept_at = at
        self.run = self.run.model_copy(update={"is_done": is_done})
        self.content.put(keys.rebuild_key(self.run.site, self.run.run), self.run.model_dump_json(indent=1).encode())
        if is_done and self.run.trial is None:
            self.clear_away()

    def _hear(self) -> None:
        open_pieces = {each.number: each for each in self.on_their_way if each.tally is None}
        for number, tally in self.rebuilds.reported(self.run.site, self.run.run, open_pieces).items():
            open_pieces[number].tally = tally
            if self.run.trial is None:
                self.content.delete(keys.rebuilt_key(self.run.site, self.run.run, number))
        while self.on_their_way and (done := self.on_their_way[0].tally) is not None:
            piece = self.on_their_way.pop(0)
            moved = {"cursor": piece.upto, "number": piece.number, "tally": self.run.tally + done}
            self.run = self.run.model_copy(update=moved)

    def _send_again(self) -> None:
        now = self.clock()
        silent = [each for each in self.on_their_way if each.tally is None and now - each.sent_at > _SILENT_FOR]
        if not silent or self.waiting():
            return
        for piece in silent:
            if piece.tries == _MOST_TRIES:
                log.error("piece.lost", run=self.run.run, piece=piece.number, articles=len(piece.articles))
                piece.tally = Tally()
                self.run = self.run.model_copy(update={"failed": self.run.failed + len(piece.articles)})
            else:
                piece.tries, piece.sent_at = piece.tries + 1, now
                self.emit([self._message(piece)])

    def _cut(self) -> Iterator[_Piece]:
        if self._groups is None:
            found = self.content.list_folders(keys.articles_prefix(self.run.site), start_after=self.run.cursor)
            shelves = self.content.list_folders(keys.shelves_prefix(self.run.site), start_after=self.run.cursor)
            self._groups = grouped(islice(found, self.run.most), shelves)
        after, number = (
            (self.on_their_way[-1].upto, self.on_their_way[-1].number)
            if self.on_their_way
            else (self.run.cursor, self.run.number)
        )
        for shelf, articles in self._groups:
            number += 1
            yield _Piece(number, after, articles, shelf, self.clock())
            after = articles[-1]

    def _message(self, piece: _Piece) -> RebuildPages:
        run = self.run
        return RebuildPages(
            message_id=uuid4(),
            lane=Lane.BULK,
            begun_at=self.clock(),
            site=run.site,
            run=run.run,
            number=piece.number,
            articles=tuple(piece.articles),
            after=piece.after,
            upto=piece.upto,
            section=run.section,
            since=run.since,
            is_by_theme=run.is_by_theme,
            trial=run.trial,
            shelf=piece.shelf,
        )

    def clear_away(self) -> None:
        """Remove what waited for a publisher, or was tried."""
        for key in list(self.content.list_keys(keys.rebuilt_prefix(self.run.site, self.run.run))):
            self.content.delete(key)


def count_articles(content: ObjectStorage, site: str) -> int:
    """Return how many articles a site has, live or not: a call for a thousand of them."""
    return sum(1 for _ in content.list_folders(keys.articles_prefix(site)))


def find_run(content: ObjectStorage, site: str, run: str) -> Run:
    """Return a run as it was kept last.

    Raises:
        ObjectMissingError: there is none of that name.
    """
    return Run.model_validate_json(content.get(keys.rebuild_key(site, run)).body)


def touch_listings(index: Index, site: Site, run: Run) -> int:
    """Have every listing rendered again that the run means and that was ever published; return how many."""
    names = [name for name in index.published(site) if find_article(name) is None]
    meant = [name for name in names if (listing := find_listing(site, name)) and _is_meant(listing, run)]
    for name in meant:
        index.touch(site, name)
    return len(meant)


def _is_meant(listing: Listing, run: Run) -> bool:
    is_of_section = run.section is None or listing.section == run.section
    day = listing.value if listing.value[:2].isdigit() else ""
    is_late_enough = run.since is None or not day or day >= f"{run.since:%Y-%m-%d}"[: len(day)]
    return is_of_section and is_late_enough
