"""What was accepted and never announced, or announced to a Redis that forgot it, is announced again."""

from __future__ import annotations

from collections.abc import Iterator
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


class Checkpoint(BaseModel):
    """The journal minute up to which everything was seen."""

    schema_version: int = 1
    minute: AwareDatetime


def sweep(site: Site, clockwork: Clockwork) -> Iterator[Message]:
    """Yield an event for each article of the recent journal that the public is behind of and nobody speaks of now."""
    now = clockwork.clock()
    checkpoint = _checkpoint(site, clockwork)
    since = checkpoint - timedelta(minutes=clockwork.sweep_minutes) if checkpoint else _OLDEST
    newest = _newest_by_article(site, since, clockwork)
    known = clockwork.index.revisions(site, list(newest)) if newest else {}
    for article, revision in newest.items():
        if known.get(article, "") >= revision or not clockwork.marks.take_pending(site.id, article):
            continue
        event = clockwork.find_event(site, article)
        if event is not None:
            log.info("article.said_again", site=site.id, article=article, message=type(event).__name__)
            yield event
    yield from _unread(site, clockwork)
    if checkpoint is None or now - checkpoint >= _CHECKPOINT_EVERY:
        _save(site, now, clockwork)


def recent(site: Site, since: datetime, clockwork: Clockwork) -> Iterator[tuple[str, str]]:
    """Yield (article, revision) of each journal marker since a minute."""
    start = keys.journal_minute(site.id, since) if since > _OLDEST else ""
    for key in clockwork.content.list_keys(keys.journal_prefix(site.id), start_after=start):
        _, article, revision = keys.journal_entry(key)
        yield article, revision


def _newest_by_article(site: Site, since: datetime, clockwork: Clockwork) -> dict[str, str]:
    newest: dict[str, str] = {}
    for article, revision in recent(site, since, clockwork):
        newest[article] = max(newest.get(article, ""), revision)
    return newest


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
