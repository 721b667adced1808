"""Embargoes and expiry: what is due is journalled and announced; its entry goes only after its effect is seen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import structlog

from services.scheduler.handler.clockwork import Clockwork
from shared import keys
from shared.errors import ObjectMissingError
from shared.messages import ArticleAccepted, Message
from shared.revision import Revision
from shared.sites import Site

log = structlog.get_logger()

_FORGOTTEN_AFTER = timedelta(hours=1)


def release_due(site: Site, clockwork: Clockwork) -> Iterator[Message]:
    """Yield an event for each article whose time has come and whose effect is not yet public."""
    now = clockwork.clock()
    for key in clockwork.content.list_keys(keys.schedule_prefix(site.id)):
        due, article, revision = keys.schedule_entry(key)
        if due > now:
            return  # the keys sort by due time
        try:
            scheduled = clockwork.revisions.get(site.id, article, revision)
        except ObjectMissingError:  # its acceptance was cut short before the commit, or is under way
            if now - due > _FORGOTTEN_AFTER:
                clockwork.content.delete(key)
            continue
        if _has_come_true(scheduled, site, clockwork):
            clockwork.content.delete(key)
        elif clockwork.marks.take_pending(site.id, f"due:{article}"):
            marker = keys.journal_key(site.id, now, article, revision)
            clockwork.content.put(marker, b"", content_type="text/plain")
            log.info("revision.released", site=site.id, article=article, revision=revision, due=due.isoformat())
            yield ArticleAccepted(
                message_id=uuid4(),
                lane=scheduled.lane,
                begun_at=now,
                site=site.id,
                article=article,
                revision=revision,
            )


def _has_come_true(scheduled: Revision, site: Site, clockwork: Clockwork) -> bool:
    """Tell whether the public shows what it should by now, so that nothing is left to be done at this time."""
    return clockwork.find_event(site, scheduled.article_id) is None
