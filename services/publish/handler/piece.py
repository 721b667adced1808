"""A page of a piece on its way, what is recorded of its article, and how it is recorded what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from services.publish.domain import claims
from services.publish.domain.pages import Page
from services.publish.handler.article import article_of, is_recorded, missing_redirects, pictures_of, went_live
from services.publish.handler.fence import Outcome, Put
from services.publish.handler.publisher import Publisher
from shared import keys
from shared.live import LiveRecord, PageRecord, Rested, Shelf
from shared.messages import PagesRendered
from shared.packs import PackedPage
from shared.storage import Etag


@dataclass(slots=True, eq=False)
class Copy:
    """A page on its way, what is recorded of its article, and what became of it."""

    message: PackedPage
    page: Page
    record: LiveRecord
    etag: Etag | None
    lying: Rested | None  # the record as it rests on the piece's shelf
    line: bytes  # its line there, left or not; empty: none
    put: Put | None = None
    is_late: bool = False  # something newer is live or claimed, or nothing is any more: left to its own message
    is_odd: bool = False  # to go the ordinary way
    is_overtaken: bool = False  # somebody newer was here while it was put

    @property
    def article(self) -> str:
        """Return whose page it is."""
        return self.record.article

    @property
    def mark(self) -> bytes:
        """Return the line that says that we have taken it off its shelf."""
        return Rested(article=self.article, base=self.etag or Etag(""), record=self.record, is_left=True).line

    @property
    def is_plain(self) -> bool:
        """Tell whether nothing about it is left to another message."""
        return not self.is_late and not self.is_odd

    @property
    def is_shown(self) -> bool:
        """Tell whether it is before readers."""
        return self.is_plain and self.put is not None

    @property
    def has_changed(self) -> bool:
        """Tell whether readers see other bytes than before."""
        return self.put is not None and self.put.outcome is Outcome.PUT

    def look_again(self, recorded: LiveRecord) -> None:
        """Note whether somebody newer was here while the page was put, as its record says now."""
        is_outdated = claims.is_outdated(recorded, self.message.revision or "", self.page.order)
        self.is_overtaken = self.is_overtaken or is_outdated or not is_recorded(recorded, self.page)


def copy_of(message: PackedPage, body: bytes, shelf: Shelf, publisher: Publisher) -> Copy:
    """Return a page beside the record of its article: is it that revision's turn, and is all as it was?

    The record may be some seconds old: what has changed since is met when it is written, with If-Match.
    """
    lying = shelf.resting(message.article or "")
    record, etag = (lying.record, lying.base) if lying else (message.record, message.etag)
    if record is None:  # it rested when it was rendered, or the worker that rendered it did not send it
        record, etag = publisher.records.find(message.site, message.article or "")
    revision, page = message.revision or "", article_of(message, body)
    copy = Copy(message, page, record, etag, lying, shelf.lines.get(message.article or "", b""))
    copy.is_late = record.revision != revision or claims.is_outdated(record, revision, page.order)
    paths, media = (page.path, *message.former), (each.path for each in pictures_of(message))
    copy.is_odd = not copy.is_late and (
        record.path != page.path
        or not claims.is_claimed(record, revision, paths, media=media)
        or bool(missing_redirects(record, page))
    )
    return copy


def record_all(
    copies: Sequence[Copy], message: PagesRendered, known: tuple[Shelf, Etag | None], publisher: Publisher
) -> None:
    """Record what was put, and look again by that: whoever claimed or took down meanwhile has changed the record.

    What rests on the piece's shelf (`known`: as it was read before anything was put) is recorded there by one call:
    whoever means to change any of it marks it there first. All else is recorded for itself, and then laid there.
    """
    doubtful = [each for each in copies if each.lying and not (each.put and each.is_plain and each.put.is_as_known)]
    is_astray = publisher.writers.map(partial(_is_astray, publisher=publisher), doubtful)
    astray = [each for each, is_so in zip(doubtful, is_astray, strict=True) if is_so]
    for each in astray:
        each.is_odd, each.is_late = not each.is_shown, False
    shown = [each for each in copies if each.is_shown]
    renewed = {each.article: _went_live(each.record, each, publisher) for each in shown if each.lying}
    resting = [each for each in shown if each.lying and each not in astray and _is_but_put(each, renewed[each.article])]
    alone = _record_alone([each for each in shown if each not in resting], message.shelf, publisher)
    if not message.shelf:
        return
    recorded: dict[str, LiveRecord] = {}

    def step(shelf: Shelf) -> Shelf:
        recorded.clear()
        laid: list[Rested] = []
        for each in resting:
            is_as_read = shelf.lines.get(each.article) == each.line
            there = each.lying if is_as_read else shelf.resting(each.article)
            if there is not None:
                record = renewed[each.article] if is_as_read else _went_live(there.record, each, publisher)
                recorded[each.article] = record
                laid += [there.model_copy(update={"record": record})] if record != there.record else []
        for copy, record, etag in alone:
            if etag and record.shelf == message.shelf:
                new = Rested(article=copy.article, base=etag, record=record)
                laid += [new] if shelf.is_free(new, copy.line, copy.mark) else []
        gone = [each.article for each in astray if shelf.lines.get(each.article) == each.line]
        return shelf.holding(laid, without=[*gone, *_left_behind(shelf, message)])

    publisher.records.change_shelf(message.site, message.shelf, step, known=known)
    for each in resting:
        if each.article in recorded:
            each.look_again(recorded[each.article])
    _record_alone([each for each in resting if each.article not in recorded], "", publisher)


def _record_alone(
    copies: Sequence[Copy], shelf: str, publisher: Publisher
) -> list[tuple[Copy, LiveRecord, Etag | None]]:
    """Record pages in their articles' own records, which name the shelf that they are about to be laid on."""
    shelved = ((each.record, each.etag) for each in copies if each.record.shelf)
    off = publisher.records.take_off((record, etag) for record, etag in shelved if etag)

    def record(copy: Copy) -> tuple[Copy, LiveRecord, Etag | None]:
        recorded, etag = publisher.records.change(
            copy.record.site,
            copy.article,
            partial(_went_live, copy=copy, publisher=publisher),
            known=(copy.record, copy.etag),
            shelf=shelf,
            is_off=copy.article in off,
        )
        copy.look_again(recorded)
        return copy, recorded, etag

    return list(publisher.writers.map(record, copies))


def _is_but_put(copy: Copy, record: LiveRecord) -> bool:
    """Tell whether nothing but its page is to be recorded: all else an article's own record has to know too."""
    return record is copy.record or record.model_copy(update={"pages": copy.record.pages}) == copy.record


def _went_live(record: LiveRecord, copy: Copy, publisher: Publisher) -> LiveRecord:
    page = copy.page
    pages = {page.path: PageRecord(order=page.order, sha256=page.sha256, etag=copy.put.etag)} if copy.put else {}
    put = (page.path,) if copy.has_changed else ()
    return went_live(record, message=copy.message, pages=pages, put=put, publisher=publisher)


def _left_behind(shelf: Shelf, message: PagesRendered) -> Iterator[str]:
    """Yield the articles that have left a shelf for that of another piece: it was parted, and their marks stayed."""
    others = (article for article in shelf.lines if not message.after < article <= message.shelf)
    yield from (article for article in others if shelf.resting(article) is None)


def _is_astray(copy: Copy, publisher: Publisher) -> bool:
    """Tell whether what lies on the shelf is the state of no record: its `live.json` was changed by who marked nothing.

    A release that knew no shelves did, or a hand that put an older version of it back.
    """
    there = publisher.content.find_head(keys.live_key(copy.record.site, copy.article))
    return there is None or there.etag != copy.etag
