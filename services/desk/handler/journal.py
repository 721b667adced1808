"""The journal walked again: what was accepted, released or expired between two times is said once more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import structlog

from shared.messaging.messages import MAX_BATCH_ITEMS, ArticleRevision, ArticlesAccepted, first_envelope
from shared.model.history import Revisions
from shared.model.lane import Lane
from shared.runtime.errors import ObjectMissingError
from shared.site import keys
from shared.storage import ObjectStorage

log = structlog.get_logger()

_REMEMBERED = 100_000  # articles; one that comes once more after so many others is said twice, which does no harm


@dataclass(frozen=True, slots=True)
class Walked:
    """The time of a journal marker, and what has to be said of all markers up to it; None where it is nothing."""

    at: datetime
    message: ArticlesAccepted | None


def walk_journal(
    content: ObjectStorage,
    revisions: Revisions,
    site: str,
    *,
    since: datetime,
    until: datetime,
    source: str | None,
) -> Iterator[Walked]:
    """Walk every journal marker between two times, oldest first; yield its articles in batches, each once.

    They are said in the bulk lane, so that they hold up no news; what an article is by now, live or taken down, the
    workers find out themselves. A marker is yielded alone where no article waits for its batch to be full.
    """
    said: dict[str, None] = {}
    batch: list[ArticleRevision] = []
    at = since
    for at, article, revision in _markers(content, site, since, until):
        if article not in said and _is_meant(revisions, site, article, revision, source):
            if len(said) >= _REMEMBERED:
                del said[next(iter(said))]
            said[article] = None
            batch.append(ArticleRevision(article=article, revision=revision))
        if len(batch) in (0, MAX_BATCH_ITEMS):
            yield Walked(at, _message(site, batch))
            batch = []
    if batch:
        yield Walked(at, _message(site, batch))


def _markers(
    content: ObjectStorage, site: str, since: datetime, until: datetime
) -> Iterator[tuple[datetime, str, str]]:
    for key in content.list_keys(keys.journal_prefix(site), start_after=keys.journal_minute(site, since)):
        try:
            at, article, revision, _ = keys.journal_entry(key)
        except ValueError:
            log.warning("journal.strange", key=key)  # not of our making
            continue
        if at > until:
            return
        if at >= since:
            yield at, article, revision


def _message(site: str, batch: list[ArticleRevision]) -> ArticlesAccepted | None:
    if not batch:
        return None
    return ArticlesAccepted(**first_envelope(Lane.BULK), site=site, articles=tuple(batch))


def _is_meant(revisions: Revisions, site: str, article: str, revision: str, source: str | None) -> bool:
    try:
        found = revisions.get(site, article, revision)
    except ObjectMissingError:  # its acceptance was cut short: a marker comes before what it announces
        return False
    return source is None or found.article.source == source
