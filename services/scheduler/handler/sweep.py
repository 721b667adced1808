"""What was accepted and never announced, or announced to a Redis that forgot it, is announced again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from pydantic import AwareDatetime, BaseModel, ValidationError

from services.scheduler.handler.clockwork import Clockwork
from shared import keys
from shared.history import unmatched_removals
from shared.messages import Message, SubmitArticle
from shared.observability import UNMATCHED_REMOVALS
from shared.sites import Site

log = structlog.get_logger()

_OLDEST = datetime(1970, 1, 1, tzinfo=UTC)
_CHECKPOINT_EVERY = timedelta(minutes=1)
_COMMITTED_BY_THEN = timedelta(minutes=2)  # a marker comes before its revision, by a minute at most
_HELD_BACK_AT_MOST = timedelta(hours=24)
_LOST_AFTER = timedelta(hours=1)


class Checkpoint(BaseModel):
    """The journal minute up to which everything is settled: public, or not to be public."""

    schema_version: int = 1
    minute: AwareDatetime


@dataclass(frozen=True, slots=True)
class Entry:
    """A journal marker."""

    at: datetime
    article: str
    revision: str


def sweep(site: Site, clockwork: Clockwork) -> Iterator[Message]:
    """Yield an event for each article of the recent journal that the public is behind of and nobody speaks of now.

    What is not settled holds the checkpoint back, so that no outage is too long for it to be found again.
    """
    now = clockwork.clock()
    checkpoint = _checkpoint(site, clockwork)
    since = checkpoint - timedelta(minutes=clockwork.sweep_minutes) if checkpoint else _OLDEST
    journal: dict[str, list[Entry]] = {}
    for entry in recent(site, since, clockwork):
        journal.setdefault(entry.article, []).append(entry)
    unsettled = _unsettled(site, journal, clockwork)
    settled_until = now
    turns = clockwork.may_tell(site, unsettled)
    for article in unsettled:
        if article in turns:
            try:
                event = clockwork.find_event(site, article)
            except ValidationError as error:  # one that cannot be read holds up no other
                log.error("article.unreadable", site=site.id, article=article, reason=str(error))  # noqa: TRY400
                continue
            if event is None:
                if now - journal[article][-1].at > _COMMITTED_BY_THEN:
                    clockwork.settled[site.id, article] = _named(journal[article])
                continue
            if clockwork.is_parked(site, event):
                continue  # its outcome is stated; who replays it says so in the journal
            if clockwork.marks.tell(site.id, article, event.lane, turns[article]):
                log.info("article.said_again", site=site.id, article=article, message=type(event).__name__)
                yield event
        settled_until = min(settled_until, journal[article][0].at)  # on its way, as far as anybody knows
    yield from _unread(site, clockwork)
    UNMATCHED_REMOVALS.labels(site.id).set(len(unmatched_removals(clockwork.content, site.id)))
    settled_until = max(settled_until, now - _HELD_BACK_AT_MOST)
    clockwork.index.set_whole(site, settled_until)
    if checkpoint is None or settled_until - checkpoint >= _CHECKPOINT_EVERY:
        _save(site, settled_until, clockwork)
        _clear_away(site, clockwork)


def recent(site: Site, since: datetime, clockwork: Clockwork) -> Iterator[Entry]:
    """Yield each journal marker since a minute, oldest first."""
    start = keys.journal_minute(site.id, since) if since > _OLDEST else ""
    for key in clockwork.content.list_keys(keys.journal_prefix(site.id), start_after=start):
        try:
            yield Entry(*keys.journal_entry(key))
        except ValueError:
            log.warning("journal.strange", key=key)  # not of our making


def _unsettled(site: Site, journal: dict[str, list[Entry]], clockwork: Clockwork) -> list[str]:
    """Return the articles of which nobody knows yet that they are settled.

    The index answers for an article with one recent revision, which it has: anew each time, for it bears a removal
    before that is done, and a Redis that was lost since answers otherwise. Where there are several, one may have come
    late and be older than what the index shows: the bucket is asked, once.
    """
    seen = {article: _named(entries) for article, entries in journal.items()}
    forgotten = [key for key, names in clockwork.settled.items() if key[0] == site.id and seen.get(key[1]) != names]
    for key in forgotten:
        del clockwork.settled[key]
    unsettled = [article for article in journal if (site.id, article) not in clockwork.settled]
    known = clockwork.index.revisions(site, unsettled)
    return [article for article in unsettled if seen[article] != (known.get(article),)]


def _named(entries: list[Entry]) -> tuple[str, ...]:
    return tuple(sorted({entry.revision for entry in entries}))


def _unread(site: Site, clockwork: Clockwork) -> Iterator[Message]:
    """Yield the submissions that were answered and not yet read."""
    receipts = {keys.receipt_of(key): key for key in clockwork.content.list_keys(keys.inbox_prefix(site.id))}
    for receipt, token in clockwork.may_tell(site, receipts).items():
        found = clockwork.content.find(receipts[receipt])
        if found is None:
            continue  # read meanwhile
        try:
            message = SubmitArticle.model_validate_json(found.body)
        except ValidationError as error:
            log.error("submission.unreadable", key=receipts[receipt], reason=str(error))  # noqa: TRY400
            continue
        is_fresh = clockwork.clock() - message.received_at < timedelta(seconds=10)
        if not is_fresh and clockwork.marks.tell(site.id, receipt, message.lane, token):
            log.info("submission.said_again", site=site.id, receipt=receipt)
            yield message


def _checkpoint(site: Site, clockwork: Clockwork) -> datetime | None:
    found = clockwork.content.find(keys.checkpoint_key(site.id))
    return Checkpoint.model_validate_json(found.body).minute if found else None


def _clear_away(site: Site, clockwork: Clockwork) -> None:
    """Remove the pages that wait for a publisher whose message was lost long ago: they were sent again since."""
    first_kept = keys.behind_key(site.id, clockwork.clock() - _LOST_AFTER)
    for key in clockwork.content.list_keys(keys.behind_prefix(site.id)):
        if key >= first_kept:
            return  # the keys sort by when they were begun
        clockwork.content.delete(key)


def _save(site: Site, now: datetime, clockwork: Clockwork) -> None:
    """Move the checkpoint; another scheduler may move it too, and either's minute is true."""
    clockwork.content.put(keys.checkpoint_key(site.id), Checkpoint(minute=now).model_dump_json().encode())
