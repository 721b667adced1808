"""Is the public behind the bucket? The question that the sweep, the schedule and `verify` all ask of an article."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from shared.index import Index
from shared.messaging.messages import (
    MAX_BATCH_ITEMS,
    ArticleRemoved,
    ArticleRevision,
    ArticlesAccepted,
    ArticlesPublished,
    Message,
    first_envelope,
)
from shared.model.article import Status
from shared.model.history import Revisions, read_history
from shared.model.lane import Lane
from shared.model.live_record import LiveRecord, read_record
from shared.model.revision import Revision
from shared.site.sites import Site
from shared.storage import ObjectStorage


@dataclass(frozen=True, slots=True)
class ArticleEvent:
    """What has to be emitted again of one article, and in which lane."""

    kind: type[ArticlesAccepted | ArticleRemoved | ArticlesPublished]
    article: str
    revision: str
    lane: Lane


def find_event(
    site: Site, article: str, now: datetime, *, content: ObjectStorage, revisions: Revisions, index: Index
) -> ArticleEvent | None:
    """Return what has to be said of an article again, or None where the public and the index are as they should be.

    The lane is the one stored with the revision: what came in bulk is said again in bulk.
    """
    record, _ = read_record(content, site.id, article)
    history = read_history(revisions, site.id, article)
    seen = history.visible(now)
    if seen is None:
        return None
    if not _is_settled(record, seen, len(history.revisions), now):
        is_usable = seen.status_at(now) is Status.USABLE
        return (
            ArticleEvent(ArticlesAccepted, article, seen.revision, seen.lane)
            if is_usable
            else ArticleEvent(ArticleRemoved, article, seen.revision, Lane.URGENT)
        )
    known = index.revisions(site, [article]).get(article, "")
    if known < record.effective_revision:
        return ArticleEvent(ArticlesPublished, article, seen.revision, seen.lane)
    return None


def _is_settled(record: LiveRecord, seen: Revision, revisions: int, now: datetime) -> bool:
    """Tell whether the public shows what should be seen, and took account of all revisions that there are."""
    settled = record.revision if seen.status_at(now) is Status.USABLE else record.removed_by
    return settled == seen.revision and record.revisions_seen >= revisions


def messages_of(events: Iterable[ArticleEvent], site: Site) -> Iterator[Message]:
    """Yield the messages of events: a removal each, the others in batches of one kind and lane, in their order."""
    batches: dict[tuple[type[Message], Lane], list[ArticleRevision]] = {}
    for event in events:
        if event.kind is ArticleRemoved:
            named = {"site": site.id, "article": event.article, "revision": event.revision}
            yield ArticleRemoved(**first_envelope(event.lane), **named)
        else:
            reached = ArticleRevision(article=event.article, revision=event.revision)
            batches.setdefault((event.kind, event.lane), []).append(reached)
    for (kind, lane), every in batches.items():
        for first in range(0, len(every), MAX_BATCH_ITEMS):
            some = tuple(every[first : first + MAX_BATCH_ITEMS])
            yield kind.model_validate({**first_envelope(lane), "site": site.id, "articles": some})
