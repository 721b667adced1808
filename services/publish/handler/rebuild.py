"""Pages by the piece: of a rebuild, or of what is behind, put behind the same fence as a single page.

Only what is ordinary is done here: the article's live revision, rendered again at its place. Whatever else has happened
to an article meanwhile is left to its own message, or goes the ordinary way.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

import structlog

from services.publish.handler.article import is_recorded, may_show, told_again
from services.publish.handler.fence import Outcome, is_overtaken, known_of, put_page
from services.publish.handler.piece import Copy, copy_of, record_all
from services.publish.handler.publisher import Publisher
from shared import keys
from shared.errors import AddressTakenError, ObjectMissingError, StorageConflictError
from shared.history import Since
from shared.listings import article_page
from shared.live import Shelf
from shared.messages import ArticleAccepted, ArticlePublished, Message, PagesRendered, follow_up
from shared.packs import unpacked
from shared.rebuilds import Tally
from shared.sites import Site

log = structlog.get_logger()


def publish_pages(message: PagesRendered, publisher: Publisher) -> tuple[Message, ...]:
    """Put a piece's pages before readers where they differ from what is there, and report what became of them.

    The pages stay where they wait: a repetition needs them, and whoever runs the rebuild clears them away. Those of no
    run go (`clear_away`) when all that follows was said.
    """
    site, started = publisher.site(message.site), perf_counter()
    try:
        pages = list(unpacked(publisher.content.get(message.content_key).body)) if message.content_key else []
    except ObjectMissingError:
        log.info("piece.known", run=message.run, piece=message.number)  # it was cleared away: this came once more
        return ()
    is_shelved = bool(message.shelf and pages)
    shelf = publisher.records.find_shelf(site.id, message.shelf) if is_shelved else (Shelf(), None)
    copies = [copy_of(packed, body, shelf[0], publisher) for packed, body in pages]
    plain = [each for each in copies if each.is_plain]
    publisher.copy_out({asset.path: asset for each in plain for asset in each.message.attachments}.values())
    decisions = {each.page.path: (each.page.order, each.page.sha256) for each in plain}
    publisher.marks.decide_all(site.id, decisions)
    list(publisher.writers.map(lambda each: _put(each, publisher), plain))
    decided = publisher.marks.decided_all(site.id, list(decisions))
    for each in plain:
        each.is_overtaken = is_overtaken(each.page, decided.get(each.page.path))
    _purge(plain, publisher)  # before anything says that it was done
    record_all(copies, message, shelf, publisher)
    for each in copies:
        if each.is_shown and each.message.changed:
            publisher.index.set_published(site, article_page(each.article), each.message.changed)
    follows = [follow for each in copies for follow in _follow_ups(each, site, publisher)]
    changed = sum(each.has_changed for each in copies)
    late, odd = sum(each.is_late for each in copies), sum(each.is_odd for each in copies)
    tally = Tally(
        changed=changed,
        unchanged=len(copies) - changed - late - odd,
        skipped=message.skipped + late,
        handed_over=message.handed_over + odd,
        unrendered=message.unrendered,
    )
    if message.run:
        publisher.rebuilds.report(site.id, message.run, message.number, tally)
    else:
        _end_turns(copies, site, publisher)
    milliseconds = round((perf_counter() - started) * 1000, 1)
    log.info("piece.published", run=message.run, piece=message.number, duration_ms=milliseconds, **tally.model_dump())
    return tuple(follows)


def clear_away(message: PagesRendered, publisher: Publisher) -> None:
    """Remove the pages of a piece of no run: its publisher has come to the very end."""
    if message.content_key and not message.run:
        publisher.content.delete(message.content_key)


def _end_turns(copies: list[Copy], site: Site, publisher: Publisher) -> None:
    """Let the pages be queued again whose turns nobody else ends: no number was recorded, and no message follows."""
    for each in copies:
        if each.is_late or (each.is_plain and not each.message.changed):
            publisher.index.end_turn(site, article_page(each.article))


def _put(copy: Copy, publisher: Publisher) -> None:
    """Put a page, if it differs, in the place of the one that the record knows: of the very same revision.

    At the first try the bucket is not asked whether it may be shown: it is shown. Whoever takes it down, or shows a
    newer one, changes what is there, so that this try fails; then it is asked as for any page.
    """
    first = iter([Since()])
    try:
        copy.put = put_page(
            copy.page,
            known_of(copy.record, copy.page.path),
            site=copy.message.site,
            public=publisher.public,
            marks=_Decided(),
            may_put=lambda: may_show(copy.message, publisher, next(first, None)),
        )
    except (AddressTakenError, StorageConflictError):
        copy.is_odd = True
        return
    if copy.put is None or copy.put.outcome is Outcome.STALE:
        copy.is_late = True


class _Decided:
    """Stands in for the marks while a piece is put: all its pages were noted before, and are looked up after."""

    def decide(self, *_: str) -> bool:
        """Do nothing, as if nothing higher were noted."""
        return True

    def decided(self, site: str, path: str) -> None:
        """Return None."""


def _purge(copies: list[Copy], publisher: Publisher) -> None:
    """Tell the edge of what was put, and of what is not recorded: the others it was told of before."""
    shown = [each for each in copies if each.is_shown]
    told = [each for each in shown if each.has_changed or not is_recorded(each.record, each.page)]
    if told:
        articles = (keys.article_surrogate_key(each.article) for each in told)
        publisher.edge.purge([*articles, *(keys.path_surrogate_key(each.page.path) for each in told)])


def _follow_ups(copy: Copy, site: Site, publisher: Publisher) -> Iterator[Message]:
    message, article, revision = copy.message, copy.article, copy.message.revision or ""
    if copy.is_odd:
        envelope = follow_up(message, "ordinary way")
        yield ArticleAccepted(**envelope, site=site.id, article=article, revision=revision)
        return
    if copy.is_shown and copy.record.card != message.card:
        yield ArticlePublished(**follow_up(message, "published"), site=site.id, article=article, revision=revision)
    if copy.is_overtaken:
        yield from told_again(message, publisher, even_if_latest=True)
