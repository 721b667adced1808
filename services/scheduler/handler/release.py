"""Embargoes and expiry: what is due is journalled and announced; its entry goes only after its effect is seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

import structlog
from pydantic import ValidationError

from services.scheduler.handler.clockwork import Clockwork
from shared import keys
from shared.errors import ObjectMissingError
from shared.messages import ArticleAccepted, Lane
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

    @property
    def subject(self) -> str:
        """Return what it is called where it is noted that it was told."""
        return f"due:{self.key}"


def release_due(site: Site, clockwork: Clockwork) -> Iterator[ArticleAccepted]:
    """Yield an event for each article whose time has come and whose effect is not yet public.

    What comes due for the first time goes before anything is looked at once more.
    """
    due = {each.subject: each for each in _due(site, clockwork)}
    turns = clockwork.may_tell(site, due)
    for subject, token in sorted(turns.items(), key=lambda turn: turn[1] != "")[:_MOST_A_ROUND]:
        try:
            if token == "" or _is_still_due(due[subject], site, clockwork):
                yield from _release(due[subject], token, site, clockwork)
        except ValidationError as error:  # one that cannot be read holds up no other
            log.error("article.unreadable", site=site.id, article=due[subject].article, reason=str(error))  # noqa: TRY400
            clockwork.marks.tell(site.id, subject, Lane.LIVE, token)


def _is_still_due(due: Due, site: Site, clockwork: Clockwork) -> bool:
    """Tell whether what was told has not come true and may be told again; the entry of what has goes."""
    event = clockwork.find_event(site, due.article)
    if event is None:
        clockwork.content.delete(due.key)
    return event is not None and not clockwork.is_parked(site, event)


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


def _release(due: Due, token: str, site: Site, clockwork: Clockwork) -> Iterator[ArticleAccepted]:
    now = clockwork.clock()
    try:
        scheduled = clockwork.revisions.get(site.id, due.article, due.revision)
    except ObjectMissingError:  # its acceptance was cut short before the commit, or is under way
        if now - due.at > _FORGOTTEN_AFTER:
            clockwork.content.delete(due.key)
        clockwork.marks.tell(site.id, due.subject, Lane.LIVE, token)  # looked at; others are not held up by it
        return
    if not clockwork.marks.tell(site.id, due.subject, scheduled.lane, token):
        return  # another scheduler was quicker
    clockwork.marks.set_pending(site.id, due.article, scheduled.lane)  # the sweep need not say it too
    clockwork.content.put(keys.journal_key(site.id, now, due.article, due.revision), b"", content_type="text/plain")
    log.info("revision.released", site=site.id, article=due.article, revision=due.revision, due=due.at.isoformat())
    yield ArticleAccepted(
        message_id=uuid4(),
        lane=scheduled.lane,
        begun_at=now,
        site=site.id,
        article=due.article,
        revision=due.revision,
    )
