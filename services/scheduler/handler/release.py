"""Embargoes and expiry: journals and emits due articles at once, even if their lane is full.

From then on the sweep re-emits them if needed, like every entry of the journal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

import structlog
from pydantic import ValidationError

from services.scheduler.handler.deps import SchedulerDeps
from shared.messaging.messages import MAX_BATCH_ITEMS, ArticlesAccepted, Message
from shared.model.article import Status
from shared.model.lane import Lane
from shared.reconcile.drift import ArticleEvent, messages_of
from shared.runtime.errors import ObjectMissingError
from shared.site import keys
from shared.site.sites import Site

log = structlog.get_logger()

_MISSING_REVISION_EXPIRY = timedelta(hours=1)
_MAX_ITEMS_PER_ROUND = 200  # the next round begins half a second later


@dataclass(frozen=True, slots=True)
class DueEntry:
    """An entry of the schedule that is due."""

    key: str
    at: datetime
    article: str
    revision: str


def release_due(site: Site, deps: SchedulerDeps) -> Iterator[Message]:
    """Yield the events of due articles in batches; delete a batch's schedule entries after it was emitted."""
    due, handled_count = _due(site, deps), 0
    while handled_count < _MAX_ITEMS_PER_ROUND and (batch := list(islice(due, MAX_BATCH_ITEMS))):
        begun_keys = deps.backoff.begin(site.id, {each.key: deps.first_wait for each in batch})
        handled_count += len(begun_keys)
        events = {each.key: event for each in batch if each.key in begun_keys and (event := _event(each, site, deps))}
        yield from messages_of(events.values(), site)
        for key in events:
            deps.content.delete(key)


def _due(site: Site, deps: SchedulerDeps) -> Iterator[DueEntry]:
    now = deps.clock()
    for key in deps.content.list_keys(keys.schedule_prefix(site.id)):
        try:
            at, article, revision = keys.schedule_entry(key)
        except ValueError:
            log.warning("schedule_entry.skipped", key=key)  # not a key of ours
            continue
        if at > now:
            return  # the keys sort by due time
        yield DueEntry(key, at, article, revision)


def _event(due: DueEntry, site: Site, deps: SchedulerDeps) -> ArticleEvent | None:
    """Journal a due entry; return its event, or None if its revision is missing or unreadable.

    A missing revision is about to be committed, or its acceptance was interrupted.
    """
    now = deps.clock()
    try:
        revision = deps.revisions.get(site.id, due.article, due.revision)
    except ObjectMissingError:
        if now - due.at > _MISSING_REVISION_EXPIRY:
            deps.content.delete(due.key)
        return None
    except ValidationError as error:  # it must not delay the other entries
        log.error("article.unreadable", site=site.id, article=due.article, reason=str(error))  # noqa: TRY400
        return None
    lane = revision.lane if revision.status_at(now) is Status.USABLE else Lane.URGENT
    marker = keys.journal_key(site.id, now, due.article, due.revision, lane)
    deps.content.put(marker, b"", content_type="text/plain")
    log.info("revision.released", site=site.id, article=due.article, revision=due.revision, due=due.at.isoformat())
    return ArticleEvent(ArticlesAccepted, due.article, due.revision, lane)
