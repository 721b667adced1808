"""The event that an article needs because its public state is out of date; for the sweep, the schedule and `verify`."""

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
    """An event to emit for one article: its kind, its revision and its lane."""

    kind: type[ArticlesAccepted | ArticleRemoved | ArticlesPublished]
    article: str
    revision: str
    lane: Lane


def find_event(
    site: Site, article: str, now: datetime, *, content: ObjectStorage, revisions: Revisions, index: Index
) -> ArticleEvent | None:
    """Return the event that an article needs, or None if its pages and its index entry are up to date.

    The event goes into the lane that is stored with the revision.
    """
    record, _ = read_record(content, site.id, article)
    history = read_history(revisions, site.id, article)
    visible = history.visible(now)
    if visible is None:
        return None
    if not _is_up_to_date(record, visible, len(history.revisions), now):
        is_usable = visible.status_at(now) is Status.USABLE
        return (
            ArticleEvent(ArticlesAccepted, article, visible.revision, visible.lane)
            if is_usable
            else ArticleEvent(ArticleRemoved, article, visible.revision, Lane.URGENT)
        )
    known = index.revisions(site, [article]).get(article, "")
    if known < record.effective_revision:
        return ArticleEvent(ArticlesPublished, article, visible.revision, visible.lane)
    return None


def _is_up_to_date(record: LiveRecord, visible: Revision, revisions: int, now: datetime) -> bool:
    """Tell whether the record has the visible revision, and takes all revisions into account."""
    recorded = record.revision if visible.status_at(now) is Status.USABLE else record.removed_by
    return recorded == visible.revision and record.revisions_seen >= revisions


def messages_of(events: Iterable[ArticleEvent], site: Site) -> Iterator[Message]:
    """Yield the messages of events: one message for each removal, and batches of one kind and lane for the others."""
    batches: dict[tuple[type[Message], Lane], list[ArticleRevision]] = {}
    for event in events:
        if event.kind is ArticleRemoved:
            fields = {"site": site.id, "article": event.article, "revision": event.revision}
            yield ArticleRemoved(**first_envelope(event.lane), **fields)
        else:
            reached = ArticleRevision(article=event.article, revision=event.revision)
            batches.setdefault((event.kind, event.lane), []).append(reached)
    for (kind, lane), articles in batches.items():
        for first in range(0, len(articles), MAX_BATCH_ITEMS):
            batch = tuple(articles[first : first + MAX_BATCH_ITEMS])
            yield kind.model_validate({**first_envelope(lane), "site": site.id, "articles": batch})
