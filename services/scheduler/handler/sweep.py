"""Re-emits the events of accepted articles that did not reach the public: an event was lost or is still queued."""

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

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CHECKPOINT_INTERVAL = timedelta(minutes=1)
_JOURNAL_REREAD = timedelta(minutes=15)  # the stretch before the checkpoint that every sweep reads again
_MAX_COMMIT_TIME = timedelta(minutes=2)  # a marker is written before its revision, by a minute at most


class Checkpoint(BaseModel):
    """The journal minute up to which every item is reconciled: public, or not to be public."""

    schema_version: int = 1
    minute: AwareDatetime


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A journal marker."""

    at: datetime
    article: str
    revision: str
    lane: Lane


Journal = Mapping[str, list[JournalEntry]]
"""The markers of each article, oldest first."""


def sweep(site: Site, deps: SchedulerDeps) -> Iterator[Message]:
    """Yield the events of the recent journal's articles that are not reconciled, while their lane is short.

    The checkpoint stays before every unreconciled item, re-emitted or not. So the sweep finds the item again after an
    outage of any length.
    """
    now = deps.clock()
    checkpoint = _find_checkpoint(site, deps)
    since = checkpoint - _JOURNAL_REREAD if checkpoint else _EPOCH
    journal: dict[str, list[JournalEntry]] = defaultdict(list)
    for entry in read_journal(site, since, deps):
        journal[entry.article].append(entry)
    unreconciled = _unreconciled(site, journal, deps)
    for lane in Lane:
        yield from _lost_events(site, lane, unreconciled, deps)
    for lane in (Lane.LIVE, Lane.BULK):
        yield from _unread_submissions(site, lane, deps)
    UNMATCHED_REMOVALS.labels(site.id).set(len(unmatched_removals(deps.content, site.id)))
    reconciled_until = min((entries[0].at for entries in unreconciled.values()), default=now)
    deps.index.mark_complete(site, reconciled_until)
    if checkpoint is None or reconciled_until - checkpoint >= _CHECKPOINT_INTERVAL:
        _save_checkpoint(site, reconciled_until, deps)
        delete_old_bundles(deps.content, now)


def _lost_events(
    site: Site, lane: Lane, unreconciled: dict[str, list[JournalEntry]], deps: SchedulerDeps
) -> Iterator[Message]:
    """Yield the events of a lane whose wait is over: the oldest batch, and more batches while the lane is short.

    Articles that prove to be reconciled leave `unreconciled`.
    """
    now = deps.clock()
    ages = {article: now - last.at for article, (*_, last) in unreconciled.items() if last.lane is lane}
    due = [article for article, age in ages.items() if age >= deps.first_wait]
    waiting = deps.backoff.waiting(site.id, due)
    candidates = (article for article in due if article not in waiting)
    has_emitted = False
    while not has_emitted or deps.is_short(lane):
        batch = list(islice(candidates, MAX_BATCH_ITEMS))
        if not batch:
            return
        events = _events(site, batch, unreconciled, deps)
        begun = deps.backoff.begin(site.id, {article: deps.wait_after(ages[article]) for article in events})
        emitted = [event for article, event in events.items() if article in begun]
        for event in emitted:
            log.info("article.reemitted", site=site.id, article=event.article, message=event.kind.__name__)
        yield from messages_of(emitted, site)
        has_emitted = has_emitted or bool(begun)


def _events(
    site: Site, articles: list[str], unreconciled: dict[str, list[JournalEntry]], deps: SchedulerDeps
) -> dict[str, ArticleEvent]:
    """Return the events to emit for the articles; remove reconciled articles from `unreconciled`.

    Articles in quarantine leave it too: their outcome is recorded, and a replay journals them again.
    """
    found: dict[str, ArticleEvent] = {}
    for article in articles:
        try:
            event = deps.find_event(site, article)
        except ValidationError as error:  # it must not delay the other articles
            log.error("article.unreadable", site=site.id, article=article, reason=str(error))  # noqa: TRY400
            del unreconciled[article]
            continue
        if event is not None:
            found[article] = event
            continue
        entries = unreconciled.pop(article)
        if deps.clock() - entries[-1].at > _MAX_COMMIT_TIME:
            deps.reconciled[site.id, article] = _marker_times(entries)
    for article in deps.quarantine.find_quarantined(
        site.id, {article: event.revision for article, event in found.items()}
    ):
        del unreconciled[article], found[article]
    return found


def read_journal(site: Site, since: datetime, deps: SchedulerDeps) -> Iterator[JournalEntry]:
    """Yield the journal markers since a minute, oldest first."""
    start = keys.journal_minute(site.id, since) if since > _EPOCH else ""
    for key in deps.content.list_keys(keys.journal_prefix(site.id), start_after=start):
        try:
            yield JournalEntry(*keys.journal_entry(key))
        except ValueError:
            log.warning("journal_key.ignored", key=key)  # not a key of ours


def _unreconciled(site: Site, journal: Journal, deps: SchedulerDeps) -> dict[str, list[JournalEntry]]:
    """Return the articles that are not known to be reconciled, with their markers.

    An article with one recent revision is reconciled if the index has that revision. Every sweep reads the index again,
    because Redis may have been lost since. In two cases the bucket decides instead, once:

    * An article has several recent revisions: one may have come late and be older than the indexed one.
    * A marker is urgent: a removal enters the index before it is complete, and an expiry has no revision of its own.
    """
    times = {article: _marker_times(entries) for article, entries in journal.items()}
    outdated = [key for key, seen in deps.reconciled.items() if key[0] == site.id and times.get(key[1]) != seen]
    for key in outdated:
        del deps.reconciled[key]
    candidates = {article: entries for article, entries in journal.items() if (site.id, article) not in deps.reconciled}
    indexed = deps.index.revisions(site, list(candidates))
    return {
        article: entries for article, entries in candidates.items() if not _is_indexed(entries, indexed.get(article))
    }


def _is_indexed(entries: list[JournalEntry], indexed: str | None) -> bool:
    return {entry.revision for entry in entries} == {indexed} and all(
        entry.lane is not Lane.URGENT for entry in entries
    )


def _marker_times(entries: list[JournalEntry]) -> tuple[datetime, ...]:
    return tuple(entry.at for entry in entries)


def _unread_submissions(site: Site, lane: Lane, deps: SchedulerDeps) -> Iterator[Message]:
    """Yield a lane's submissions without an outcome, oldest first: one batch, and more while the lane is short.

    An inbox entry whose submissions all have an outcome is deleted. Young entries, and further entries of a full lane,
    are not read.
    """
    entries = {keys.inbox_entry(key): key for key in deps.content.list_keys(keys.inbox_prefix(site.id, lane))}
    waiting = deps.backoff.waiting(site.id, entries)
    has_emitted = False
    for entry, key in entries.items():
        if has_emitted and not deps.is_short(lane):
            return
        found = deps.content.find(key) if entry not in waiting else None
        if found is None:
            continue  # in backoff, or deleted meanwhile
        try:
            message = SubmitArticles.model_validate_json(found.body)
        except ValidationError as error:
            log.error("submission.unreadable", key=key, reason=str(error))  # noqa: TRY400
            continue
        age = deps.clock() - min(each.received_at for each in message.submissions)
        if age < deps.first_wait:
            return
        unanswered = without_outcome(deps.content, message)
        if unanswered is None:
            deps.content.delete(key)
        elif deps.backoff.begin(site.id, {entry: deps.wait_after(age)}):
            has_emitted = True
            log.info("submission.reemitted", site=site.id, batch=entry, items=len(unanswered.items))
            yield unanswered


def _find_checkpoint(site: Site, deps: SchedulerDeps) -> datetime | None:
    found = deps.content.find(keys.checkpoint_key(site.id))
    return Checkpoint.model_validate_json(found.body).minute if found else None


def _save_checkpoint(site: Site, now: datetime, deps: SchedulerDeps) -> None:
    """Store the checkpoint; another scheduler may store its own, and both minutes are correct."""
    deps.content.put(keys.checkpoint_key(site.id), Checkpoint(minute=now).model_dump_json().encode())
