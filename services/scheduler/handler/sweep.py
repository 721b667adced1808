"""What was accepted and never announced, or announced to a Redis that forgot it, is announced again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from pydantic import AwareDatetime, BaseModel

from services.scheduler.handler.clockwork import Clockwork
from shared import keys
from shared.messages import Message, SubmitArticle
from shared.sites import Site

log = structlog.get_logger()

_OLDEST = datetime(1970, 1, 1, tzinfo=UTC)
_CHECKPOINT_EVERY = timedelta(minutes=1)
_HELD_BACK_AT_MOST = timedelta(hours=24)


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
    newest: dict[str, Entry] = {}
    for entry in recent(site, since, clockwork):
        if entry.article not in newest or newest[entry.article].revision <= entry.revision:
            newest[entry.article] = entry
    known = clockwork.index.revisions(site, list(newest)) if newest else {}
    settled_until = now
    for entry in newest.values():
        if known.get(entry.article, "") >= entry.revision:
            continue
        if not clockwork.marks.take_pending(site.id, entry.article):
            settled_until = min(settled_until, entry.at)  # on its way, as far as anybody knows
            continue
        event = clockwork.find_event(site, entry.article)
        if event is not None:
            settled_until = min(settled_until, entry.at)
            log.info("article.said_again", site=site.id, article=entry.article, message=type(event).__name__)
            yield event
    yield from _unread(site, clockwork)
    settled_until = max(settled_until, now - _HELD_BACK_AT_MOST)
    clockwork.index.set_whole(site, settled_until)
    if checkpoint is None or settled_until - checkpoint >= _CHECKPOINT_EVERY:
        _save(site, settled_until, clockwork)


def recent(site: Site, since: datetime, clockwork: Clockwork) -> Iterator[Entry]:
    """Yield each journal marker since a minute, oldest first."""
    start = keys.journal_minute(site.id, since) if since > _OLDEST else ""
    for key in clockwork.content.list_keys(keys.journal_prefix(site.id), start_after=start):
        yield Entry(*keys.journal_entry(key))


def _unread(site: Site, clockwork: Clockwork) -> Iterator[Message]:
    """Yield the submissions that were answered and not yet read."""
    for key in clockwork.content.list_keys(keys.inbox_prefix(site.id)):
        found = clockwork.content.find(key)
        if found is None:
            continue  # read meanwhile
        message = SubmitArticle.model_validate_json(found.body)
        is_fresh = clockwork.clock() - message.received_at < timedelta(seconds=10)
        if not is_fresh and clockwork.marks.take_pending(site.id, message.receipt):
            log.info("submission.said_again", site=site.id, receipt=message.receipt)
            yield message


def _checkpoint(site: Site, clockwork: Clockwork) -> datetime | None:
    found = clockwork.content.find(keys.checkpoint_key(site.id))
    return Checkpoint.model_validate_json(found.body).minute if found else None


def _save(site: Site, now: datetime, clockwork: Clockwork) -> None:
    """Move the checkpoint; another scheduler may move it too, and either's minute is true."""
    clockwork.content.put(keys.checkpoint_key(site.id), Checkpoint(minute=now).model_dump_json().encode())
