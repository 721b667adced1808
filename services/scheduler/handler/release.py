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

from services.scheduler.handler.clockwork import Clockwork
from shared import keys
from shared.article import Status
from shared.drift import ArticleEvent, messages_of
from shared.errors import ObjectMissingError
from shared.messages import MAX_BATCH_ITEMS, ArticlesAccepted, Lane, Message
from shared.sites import Site

log = structlog.get_logger()

_FORGOTTEN_AFTER = timedelta(hours=1)
_MOST_A_ROUND = 200  # half a second later comes the next round


@dataclass(frozen=True, slots=True)
class Due:
    """An entry of the schedule whose time has come."""

    key: str
    at: datetime
    article: str
    revision: str


def release_due(site: Site, clockwork: Clockwork) -> Iterator[Message]:
    """Yield the events of the articles whose time has come, in batches; their entries go once these are emitted."""
    due, looked_at = _due(site, clockwork), 0
    while looked_at < _MOST_A_ROUND and (some := list(islice(due, MAX_BATCH_ITEMS))):
        begun = clockwork.backoff.begin(site.id, {each.key: clockwork.first_wait for each in some})
        looked_at += len(begun)
        found = {each.key: event for each in some if each.key in begun and (event := _event(each, site, clockwork))}
        yield from messages_of(found.values(), site)
        for key in found:
            clockwork.content.delete(key)


def _due(site: Site, clockwork: Clockwork) -> Iterator[Due]:
    now = clockwork.clock()
    for key in clockwork.content.list_keys(keys.schedule_prefix(site.id)):
        try:
            at, article, revision = keys.schedule_entry(key)
        except ValueError:
            log.warning("schedule.strange", key=key)  # not of our making
            continue
        if at > now:
            return  # the keys sort by due time
        yield Due(key, at, article, revision)


def _event(due: Due, site: Site, clockwork: Clockwork) -> ArticleEvent | None:
    """Journal what is due; return its event, or None where its revision is missing or cannot be read.

    A missing revision is about to be committed, or its acceptance was cut short.
    """
    now = clockwork.clock()
    try:
        revision = clockwork.revisions.get(site.id, due.article, due.revision)
    except ObjectMissingError:
        if now - due.at > _FORGOTTEN_AFTER:
            clockwork.content.delete(due.key)
        return None
    except ValidationError as error:  # it holds up no other
        log.error("article.unreadable", site=site.id, article=due.article, reason=str(error))  # noqa: TRY400
        return None
    lane = revision.lane if revision.status_at(now) is Status.USABLE else Lane.URGENT
    marker = keys.journal_key(site.id, now, due.article, due.revision, lane)
    clockwork.content.put(marker, b"", content_type="text/plain")
    log.info("revision.released", site=site.id, article=due.article, revision=due.revision, due=due.at.isoformat())
    return ArticleEvent(ArticlesAccepted, due.article, due.revision, lane)
