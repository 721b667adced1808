"""What was accepted and did not reach the public is emitted again: its event was lost, or is still on its way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

import structlog
from pydantic import AwareDatetime, BaseModel, ValidationError

from services.scheduler.handler.clockwork import Clockwork
from services.scheduler.metrics import UNMATCHED_REMOVALS
from shared import keys
from shared.bundles import delete_old_bundles
from shared.drift import ArticleEvent, messages_of
from shared.history import unmatched_removals
from shared.inbox import without_outcome
from shared.messages import MAX_BATCH_ITEMS, Lane, Message, SubmitArticles
from shared.sites import Site

log = structlog.get_logger()

_OLDEST = datetime(1970, 1, 1, tzinfo=UTC)
_CHECKPOINT_EVERY = timedelta(minutes=1)
_READ_AGAIN = timedelta(minutes=15)  # of the journal before the checkpoint, in every sweep
_COMMITTED_BY_THEN = timedelta(minutes=2)  # a marker comes before its revision, by a minute at most


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
    lane: Lane


Journal = Mapping[str, list[Entry]]
"""The markers of each article, oldest first."""


def sweep(site: Site, clockwork: Clockwork) -> Iterator[Message]:
    """Yield the events of the recent journal's articles of which the public is behind, while their lane is short.

    The checkpoint stays before every item that is not settled, re-emitted or not, so that no outage is too long for
    it to be found again.
    """
    now = clockwork.clock()
    checkpoint = _checkpoint(site, clockwork)
    since = checkpoint - _READ_AGAIN if checkpoint else _OLDEST
    journal: dict[str, list[Entry]] = defaultdict(list)
    for entry in recent(site, since, clockwork):
        journal[entry.article].append(entry)
    unsettled = _unsettled(site, journal, clockwork)
    for lane in Lane:
        yield from _lost(site, lane, unsettled, clockwork)
    for lane in (Lane.LIVE, Lane.BULK):
        yield from _unread(site, lane, clockwork)
    UNMATCHED_REMOVALS.labels(site.id).set(len(unmatched_removals(clockwork.content, site.id)))
    settled_until = min((entries[0].at for entries in unsettled.values()), default=now)
    clockwork.index.set_whole(site, settled_until)
    if checkpoint is None or settled_until - checkpoint >= _CHECKPOINT_EVERY:
        _save(site, settled_until, clockwork)
        delete_old_bundles(clockwork.content, now)


def _lost(site: Site, lane: Lane, unsettled: dict[str, list[Entry]], clockwork: Clockwork) -> Iterator[Message]:
    """Yield the events of a lane whose wait is over: the oldest batch, and more while the lane is short.

    What turns out to be settled leaves `unsettled`.
    """
    now = clockwork.clock()
    ages = {article: now - last.at for article, (*_, last) in unsettled.items() if last.lane is lane}
    due = [article for article, age in ages.items() if age >= clockwork.first_wait]
    waiting = clockwork.backoff.waiting(site.id, due)
    left = (article for article in due if article not in waiting)
    has_emitted = False
    while not has_emitted or clockwork.is_short(lane):
        some = list(islice(left, MAX_BATCH_ITEMS))
        if not some:
            return
        events = _events(site, some, unsettled, clockwork)
        won = clockwork.backoff.begin(site.id, {article: clockwork.wait_after(ages[article]) for article in events})
        emitted = [event for article, event in events.items() if article in won]
        for event in emitted:
            log.info("article.reemitted", site=site.id, article=event.article, message=event.kind.__name__)
        yield from messages_of(emitted, site)
        has_emitted = has_emitted or bool(won)


def _events(
    site: Site, articles: list[str], unsettled: dict[str, list[Entry]], clockwork: Clockwork
) -> dict[str, ArticleEvent]:
    """Return what has to be emitted of the articles; those that are settled leave `unsettled`.

    So do those in quarantine: their outcome is stated, and a replay journals them anew.
    """
    found: dict[str, ArticleEvent] = {}
    for article in articles:
        try:
            event = clockwork.find_event(site, article)
        except ValidationError as error:  # one that cannot be read holds up no other
            log.error("article.unreadable", site=site.id, article=article, reason=str(error))  # noqa: TRY400
            del unsettled[article]
            continue
        if event is not None:
            found[article] = event
            continue
        entries = unsettled.pop(article)
        if clockwork.clock() - entries[-1].at > _COMMITTED_BY_THEN:
            clockwork.settled[site.id, article] = _times(entries)
    for article in clockwork.marks.parked(site.id, {article: event.revision for article, event in found.items()}):
        del unsettled[article], found[article]
    return found


def recent(site: Site, since: datetime, clockwork: Clockwork) -> Iterator[Entry]:
    """Yield each journal marker since a minute, oldest first."""
    start = keys.journal_minute(site.id, since) if since > _OLDEST else ""
    for key in clockwork.content.list_keys(keys.journal_prefix(site.id), start_after=start):
        try:
            yield Entry(*keys.journal_entry(key))
        except ValueError:
            log.warning("journal.strange", key=key)  # not of our making


def _unsettled(site: Site, journal: Journal, clockwork: Clockwork) -> dict[str, list[Entry]]:
    """Return the articles of which nobody knows yet that they are settled, with their markers.

    The index answers for an article with one recent revision, which it has: anew each time, for a Redis that was lost
    since answers otherwise. Where there are several, one may have come late and be older than what the index shows; a
    removal enters the index before it is done, and an expiry has no revision of its own (both are urgent). There the
    bucket is asked, once.
    """
    times = {article: _times(entries) for article, entries in journal.items()}
    forgotten = [key for key, known in clockwork.settled.items() if key[0] == site.id and times.get(key[1]) != known]
    for key in forgotten:
        del clockwork.settled[key]
    left = {article: entries for article, entries in journal.items() if (site.id, article) not in clockwork.settled}
    known = clockwork.index.revisions(site, list(left))
    return {article: entries for article, entries in left.items() if not _is_indexed(entries, known.get(article))}


def _is_indexed(entries: list[Entry], known: str | None) -> bool:
    return {entry.revision for entry in entries} == {known} and all(x.lane is not Lane.URGENT for x in entries)


def _times(entries: list[Entry]) -> tuple[datetime, ...]:
    return tuple(entry.at for entry in entries)


def _unread(site: Site, lane: Lane, clockwork: Clockwork) -> Iterator[Message]:
    """Yield a lane's submissions without an outcome, the oldest first: one batch, and more while the lane is short.

    An entry whose submissions all have an outcome is deleted. The others of a full lane, and young ones, are not read.
    """
    entries = {keys.inbox_entry(key): key for key in clockwork.content.list_keys(keys.inbox_prefix(site.id, lane))}
    waiting = clockwork.backoff.waiting(site.id, entries)
    has_emitted = False
    for entry, key in entries.items():
        if has_emitted and not clockwork.is_short(lane):
            return
        found = clockwork.content.find(key) if entry not in waiting else None
        if found is None:
            continue  # it waits, or was settled meanwhile
        try:
            message = SubmitArticles.model_validate_json(found.body)
        except ValidationError as error:
            log.error("submission.unreadable", key=key, reason=str(error))  # noqa: TRY400
            continue
        age = clockwork.clock() - min(each.received_at for each in message.submissions)
        if age < clockwork.first_wait:
            return
        left = without_outcome(clockwork.content, message)
        if left is None:
            clockwork.content.delete(key)
        elif clockwork.backoff.begin(site.id, {entry: clockwork.wait_after(age)}):
            has_emitted = True
            log.info("submission.reemitted", site=site.id, batch=entry, items=len(left.items))
            yield left


def _checkpoint(site: Site, clockwork: Clockwork) -> datetime | None:
    found = clockwork.content.find(keys.checkpoint_key(site.id))
    return Checkpoint.model_validate_json(found.body).minute if found else None


def _save(site: Site, now: datetime, clockwork: Clockwork) -> None:
    """Move the checkpoint; another scheduler may move it too, and either's minute is true."""
    clockwork.content.put(keys.checkpoint_key(site.id), Checkpoint(minute=now).model_dump_json().encode())
