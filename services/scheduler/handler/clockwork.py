"""The ports of the scheduler, and the comparison that all its duties rest on: is the public behind the bucket?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from shared.article import Status
from shared.history import Revisions, read_past
from shared.index import Index
from shared.live import LiveRecord, read_record
from shared.marks import Marks
from shared.messages import ArticleAccepted, ArticlePublished, ArticleRemoved, Lane, Message
from shared.revision import Revision
from shared.sites import Site
from shared.storage import ObjectStorage


@dataclass(frozen=True, slots=True)
class Clockwork:
    """The content bucket, what Redis knows, the sites, the clock."""

    content: ObjectStorage
    revisions: Revisions
    index: Index
    marks: Marks
    sites: Mapping[str, Site]
    clock: Callable[[], datetime]
    sweep_minutes: int

    def record(self, site: Site, article: str) -> LiveRecord:
        """Return what the public bucket holds of an article."""
        return read_record(self.content, site.id, article)[0]

    def find_event(self, site: Site, article: str) -> Message | None:
        """Return what has to be said of an article again, or None where the public and the index are as they should be.

        The lane is the one stored with the revision: what came in bulk is said again in bulk.
        """
        record = self.record(site, article)
        now = self.clock()
        seen = read_past(self.revisions, site.id, article).seen(now)
        if seen is None:
            return None
        is_usable = seen.status_at(now) is Status.USABLE
        settled = record.settled_revision if is_usable else record.removed_by or ""
        if settled < seen.revision:
            return _said_again(ArticleAccepted if is_usable else ArticleRemoved, seen, site, now)
        known = self.index.revisions(site, [article]).get(article, "")
        return _said_again(ArticlePublished, seen, site, now) if known < record.settled_revision else None


def _said_again(
    kind: type[ArticleAccepted | ArticleRemoved | ArticlePublished], seen: Revision, site: Site, now: datetime
) -> Message:
    lane = seen.lane if kind is not ArticleRemoved else Lane.URGENT
    named = {"site": site.id, "article": seen.article_id, "revision": seen.revision}
    return kind(message_id=uuid4(), lane=lane, begun_at=now, **named)
