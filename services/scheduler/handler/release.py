"""Embargoes and expiry: what is due is journalled and emitted at once, however full its lane is.

From then on the sweep covers it, as it covers everything in the journal.
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

_EXPIRY = timedelta(hours=1)
_MAX_ITEMS_PER_ROUND = 200  # half a second later comes the next round


@dataclass(frozen=True, slots=True)
class Due:
    """An entry of the schedule whose time has come."""

    key: str
    at: datetime
    article: str
    revision: str


def release_due(site: Site, deps: SchedulerDeps) -> Iterator[Message]:
    """Yield the events of the articles whose time has come, in batches; their entries go once these are emitted."""
    due, looked_at = _due(site, deps), 0
    while looked_at < _MAX_ITEMS_PER_ROUND and (some := list(islice(due, MAX_BATCH_ITEMS))):
        begun = deps.backoff.begin(site.id, {each.key: deps.first_wait for each in some})
        looked_at += len(begun)
        found = {each.key: event for each in some if each.key in begun and (event := _event(each, site, deps))}
        yield from messages_of(found.values(), site)
        for key in found:
            deps.content.delete(key)


def _due(site: Site, deps: SchedulerDeps) -> Iterator[Due]:
    now = deps.clock()
    for key in deps.content.list_keys(keys.schedule_prefix(site.id)):
        try:
            at, article, revision = keys.schedule_entry(key)
        except ValueError:
            log.warning("schedule.strange", key=key)  # not of our making
            continue
        if at > now:
            return  # the keys sort by due time
        yield Due(key, at, article, revision)


def _event(due: Due, site: Site, deps: SchedulerDeps) -> ArticleEvent | None:
    """Journal what is due; return its event, or None where its revision is missing or cannot be read.

    A missing revision is about to be committed, or its acceptance was cut short.
    """
    now = deps.clock()
    try:
        revision = deps.revisions.get(site.id, due.article, due.revision)
    except ObjectMissingError:
        if now - due.at > _EXPIRY:
            deps.content.delete(due.key)
        return None
    except ValidationError as error:  # it holds up no other
        log.error("article.unreadable", site=site.id, article=due.article, reason=str(error))  # noqa: TRY400
        return None
    lane = revision.lane if revision.status_at(now) is Status.USABLE else Lane.URGENT
    marker = keys.journal_key(site.id, now, due.article, due.revision, lane)
    deps.content.put(marker, b"", content_type="text/plain")
    log.info("revision.released", site=site.id, article=due.article, revision=due.revision, due=due.at.isoformat())
    return ArticleEvent(ArticlesAccepted, due.article, due.revision, lane)
