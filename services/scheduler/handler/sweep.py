"""What was accepted and did not reach the public is emitted again: its event was lost, or is still on its way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

import structlog
from pydantic import AwareDatetime, BaseModel, ValidationError

from services.scheduler.handler.deps import SchedulerDeps
from services.scheduler.metrics import UNMATCHED_REMOVALS
from shared.messaging.messages import MAX_BATCH_ITEMS, Message, SubmitArticles
from shared.messaging.page_bundle import delete_old_bundles
from shared.model.history import unmatched_removals
from shared.model.lane import Lane
from shared.reconcile.drift import ArticleEvent, messages_of
from shared.runtime.inbox import without_outcome
from shared.site import keys
from shared.site.sites import Site

log = structlog.get_logger()

_OLDEST = datetime(1970, 1, 1, tzinfo=UTC)
_CHECKPOINT_INTERVAL = timedelta(minutes=1)
_READ_AGAIN = timedelta(minutes=15)  # of the journal before the checkpoint, in every sweep
_MAX_COMMIT_TIME = timedelta(minutes=2)  # a marker comes before its revision, by a minute at most


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


def sweep(site: Site, deps: SchedulerDeps) -> Iterator[Message]:
    """Yield the events of the recent journal's articles of which the public is behind, while their lane is short.

    The checkpoint stays before every item that is not settled, re-emitted or not, so that no outage is too long for
    it to be found again.
    """
    now = deps.clock()
    checkpoint = _checkpoint(site, deps)
    since = checkpoint - _READ_AGAIN if checkpoint else _OLDEST
    journal: dict[str, list[Entry]] = defaultdict(list)
    for entry in recent(site, since, deps):
        journal[entry.article].append(entry)
    unreconciled = _unreconciled(site, journal, deps)
    for lane in Lane:
        yield from _lost(site, lane, unreconciled, deps)
    for lane in (Lane.LIVE, Lane.BULK):
        yield from _unread(site, lane, deps)
    UNMATCHED_REMOVALS.labels(site.id).set(len(unmatched_removals(deps.content, site.id)))
    settled_until = min((entries[0].at for entries in unreconciled.values()), default=now)
    deps.index.mark_complete(site, settled_until)
    if checkpoint is None or settled_until - checkpoint >= _CHECKPOINT_INTERVAL:
        _save(site, settled_until, deps)
        delete_old_bundles(deps.content, now)


def _lost(site: Site, lane: Lane, unreconciled: dict[str, list[Entry]], deps: SchedulerDeps) -> Iterator[Message]:
    """Yield the events of a lane whose wait is over: the oldest batch, and more while the lane is short.

    What turns out to be settled leaves `unreconciled`.
    """
    now = deps.clock()
    ages = {article: now - last.at for article, (*_, last) in unreconciled.items() if last.lane is lane}
    due = [article for article, age in ages.items() if age >= deps.first_wait]
    waiting = deps.backoff.waiting(site.id, due)
    left = (article for article in due if article not in waiting)
    has_emitted = False
    while not has_emitted or deps.is_short(lane):
        some = list(islice(left, MAX_BATCH_ITEMS))
        if not some:
            return
        events = _events(site, some, unreconciled, deps)
        won = deps.backoff.begin(site.id, {article: deps.wait_after(ages[article]) for article in events})
        emitted = [event for article, event in events.items() if article in won]
        for event in emitted:
            log.info("article.reemitted", site=site.id, article=event.article, message=event.kind.__name__)
        yield from messages_of(emitted, site)
        has_emitted = has_emitted or bool(won)


def _events(
    site: Site, articles: list[str], unreconciled: dict[str, list[Entry]], deps: SchedulerDeps
) -> dict[str, ArticleEvent]:
    """Return what has to be emitted of the articles; those that are settled leave `unreconciled`.

    So do those in quarantine: their outcome is stated, and a replay journals them anew.
    """
    found: dict[str, ArticleEvent] = {}
    for article in articles:
        try:
            event = deps.find_event(site, article)
        except ValidationError as error:  # one that cannot be read holds up no other
            log.error("article.unreadable", site=site.id, article=article, reason=str(error))  # noqa: TRY400
            del unreconciled[article]
            continue
        if event is not None:
            found[article] = event
            continue
        entries = unreconciled.pop(article)
        if deps.clock() - entries[-1].at > _MAX_COMMIT_TIME:
            deps.reconciled[site.id, article] = _times(entries)
    for article in deps.quarantine.find_quarantined(
        site.id, {article: event.revision for article, event in found.items()}
    ):
        del unreconciled[article], found[article]
    return found


def recent(site: Site, since: datetime, deps: SchedulerDeps) -> Iterator[Entry]:
    """Yield each journal marker since a minute, oldest first."""
    start = keys.journal_minute(site.id, since) if since > _OLDEST else ""
    for key in deps.content.list_keys(keys.journal_prefix(site.id), start_after=start):
        try:
            yield Entry(*keys.journal_entry(key))
        except ValueError:
            log.warning("journal.strange", key=key)  # not of our making


def _unreconciled(site: Site, journal: Journal, deps: SchedulerDeps) -> dict[str, list[Entry]]:
    """Return the articles of which nobody knows yet that they are settled, with their markers.

    The index answers for an article with one recent revision, which it has: anew each time, for a Redis that was lost
    since answers otherwise. Where there are several, one may have come late and be older than what the index shows; a
    removal enters the index before it is done, and an expiry has no revision of its own (both are urgent). There the
    bucket is asked, once.
    """
    times = {article: _times(entries) for article, entries in journal.items()}
    forgotten = [key for key, known in deps.reconciled.items() if key[0] == site.id and times.get(key[1]) != known]
    for key in forgotten:
        del deps.reconciled[key]
    left = {article: entries for article, entries in journal.items() if (site.id, article) not in deps.reconciled}
    known = deps.index.revisions(site, list(left))
    return {article: entries for article, entries in left.items() if not _is_indexed(entries, known.get(article))}


def _is_indexed(entries: list[Entry], known: str | None) -> bool:
    return {entry.revision for entry in entries} == {known} and all(x.lane is not Lane.URGENT for x in entries)


def _times(entries: list[Entry]) -> tuple[datetime, ...]:
    return tuple(entry.at for entry in entries)


def _unread(site: Site, lane: Lane, deps: SchedulerDeps) -> Iterator[Message]:
    """Yield a lane's submissions without an outcome, the oldest first: one batch, and more while the lane is short.

    An entry whose submissions all have an outcome is deleted. The others of a full lane, and young ones, are not read.
    """
    entries = {keys.inbox_entry(key): key for key in deps.content.list_keys(keys.inbox_prefix(site.id, lane))}
    waiting = deps.backoff.waiting(site.id, entries)
    has_emitted = False
    for entry, key in entries.items():
        if has_emitted and not deps.is_short(lane):
            return
        found = deps.content.find(key) if entry not in waiting else None
        if found is None:
            continue  # it waits, or was settled meanwhile
        try:
            message = SubmitArticles.model_validate_json(found.body)
        except ValidationError as error:
            log.error("submission.unreadable", key=key, reason=str(error))  # noqa: TRY400
            continue
        age = deps.clock() - min(each.received_at for each in message.submissions)
        if age < deps.first_wait:
            return
        left = without_outcome(deps.content, message)
        if left is None:
            deps.content.delete(key)
        elif deps.backoff.begin(site.id, {entry: deps.wait_after(age)}):
            has_emitted = True
            log.info("submission.reemitted", site=site.id, batch=entry, items=len(left.items))
            yield left


def _checkpoint(site: Site, deps: SchedulerDeps) -> datetime | None:
    found = deps.content.find(keys.checkpoint_key(site.id))
    return Checkpoint.model_validate_json(found.body).minute if found else None


def _save(site: Site, now: datetime, deps: SchedulerDeps) -> None:
    """Move the checkpoint; another scheduler may move it too, and either's minute is true."""
    deps.content.put(keys.checkpoint_key(site.id), Checkpoint(minute=now).model_dump_json().encode())
