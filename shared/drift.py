"""Is the public behind the bucket? The question that the sweep, the schedule and `verify` all ask of an article."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from shared.article import Status
from shared.history import Revisions, read_past
from shared.index import Index
from shared.live import LiveRecord, read_record
from shared.messages import ArticleAccepted, ArticlePublished, ArticleRemoved, Lane
from shared.revision import Revision
from shared.sites import Site
from shared.storage import ObjectStorage

ArticleEvent = ArticleAccepted | ArticleRemoved | ArticlePublished


def find_event(
    site: Site, article: str, now: datetime, *, content: ObjectStorage, revisions: Revisions, index: Index
) -> ArticleEvent | None:
    """Return what has to be said of an article again, or None where the public and the index are as they should be.

    The lane is the one stored with the revision: what came in bulk is said again in bulk.
    """
    record, _ = read_record(content, site.id, article)
    past = read_past(revisions, site.id, article)
    seen = past.seen(now)
    if seen is None:
        return None
    if not _is_settled(record, seen, len(past.revisions), now):
        is_usable = seen.status_at(now) is Status.USABLE
        return _event(ArticleAccepted if is_usable else ArticleRemoved, seen, site, now)
    known = index.revisions(site, [article]).get(article, "")
    return _event(ArticlePublished, seen, site, now) if known < record.settled_revision else None


def _is_settled(record: LiveRecord, seen: Revision, revisions: int, now: datetime) -> bool:
    """Tell whether the public shows what should be seen, and took account of all revisions that there are."""
    settled = record.revision if seen.status_at(now) is Status.USABLE else record.removed_by
    return settled == seen.revision and record.revisions_seen >= revisions


def _event(kind: type[ArticleEvent], seen: Revision, site: Site, now: datetime) -> ArticleEvent:
    return kind(
        message_id=uuid4(),
        lane=Lane.URGENT if kind is ArticleRemoved else seen.lane,
        begun_at=now,
        site=site.id,
        article=seen.article_id,
        revision=seen.revision,
    )
