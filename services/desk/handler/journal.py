"""Reads the journal between two times and yields its articles in batches, to be emitted again."""

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

_MAX_REMEMBERED_ARTICLES = 100_000  # an article that returns after so many others is emitted twice, without harm


@dataclass(frozen=True, slots=True)
class JournalStep:
    """The time of a journal marker, and the message of the markers up to it, if a batch is complete."""

    at: datetime
    message: ArticlesAccepted | None


def read_journal(
    content: ObjectStorage,
    revisions: Revisions,
    site: str,
    *,
    since: datetime,
    until: datetime,
    source: str | None,
) -> Iterator[JournalStep]:
    """Read the journal markers between two times, oldest first; yield their articles in batches, each article once.

    Messages go into the bulk lane, so that they do not delay news. Workers read the current state of each article.
    A step without a message reports progress; it is yielded only while no batch is open.
    """
    emitted: dict[str, None] = {}
    batch: list[ArticleRevision] = []
    at = since
    for at, article, revision in _markers(content, site, since, until):
        if article not in emitted and _matches(revisions, site, article, revision, source):
            if len(emitted) >= _MAX_REMEMBERED_ARTICLES:
                del emitted[next(iter(emitted))]
            emitted[article] = None
            batch.append(ArticleRevision(article=article, revision=revision))
        if len(batch) in (0, MAX_BATCH_ITEMS):
            yield JournalStep(at, _message(site, batch))
            batch = []
    if batch:
        yield JournalStep(at, _message(site, batch))


def _markers(
    content: ObjectStorage, site: str, since: datetime, until: datetime
) -> Iterator[tuple[datetime, str, str]]:
    for key in content.list_keys(keys.journal_prefix(site), start_after=keys.journal_minute(site, since)):
        try:
            at, article, revision, _ = keys.journal_entry(key)
        except ValueError:
            log.warning("journal_key.ignored", key=key)  # another program put it
            continue
        if at > until:
            return
        if at >= since:
            yield at, article, revision


def _message(site: str, batch: list[ArticleRevision]) -> ArticlesAccepted | None:
    if not batch:
        return None
    return ArticlesAccepted(**first_envelope(Lane.BULK), site=site, articles=tuple(batch))


def _matches(revisions: Revisions, site: str, article: str, revision: str, source: str | None) -> bool:
    try:
        found = revisions.get(site, article, revision)
    except ObjectMissingError:  # its acceptance was interrupted: the marker is written before the revision
        return False
    return source is None or found.article.source == source
