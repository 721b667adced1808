"""What the clock's duties need from outside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shared.backlog import Backlog
from shared.drift import ArticleEvent, find_event
from shared.history import Revisions
from shared.index import Index
from shared.live import LiveRecord, read_record
from shared.marks import Marks
from shared.messages import Lane
from shared.sites import Site
from shared.storage import ObjectStorage


@dataclass(frozen=True, slots=True)
class Clockwork:
    """The content bucket, what Redis knows, the sites, the clock."""

    content: ObjectStorage
    revisions: Revisions
    index: Index
    marks: Marks
    backlog: Backlog
    sites: Mapping[str, Site]
    clock: Callable[[], datetime]
    sweep_minutes: int
    settled: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    """What this process has seen settled: (site, article) with the revisions that the recent journal names."""
    tries: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    """How often this process has sent a page (site, page, number to reach) in a piece, while it stays behind."""

    def record(self, site: Site, article: str) -> LiveRecord:
        """Return what the public bucket holds of an article."""
        return read_record(self.content, site.id, article)[0]

    def find_event(self, site: Site, article: str) -> ArticleEvent | None:
        """Return what has to be said of an article again, or None where the public and the index are right."""
        return find_event(site, article, self.clock(), content=self.content, revisions=self.revisions, index=self.index)

    def is_parked(self, site: Site, event: ArticleEvent) -> bool:
        """Tell whether what the event would lead to lies among the dead letters already, and nothing newer came."""
        return self.marks.is_parked(site.id, event.article, event.revision)

    def may_tell(self, site: Site, subjects: Iterable[str]) -> dict[str, str]:
        """Return those that may be told of again, each with the token that `Marks.tell` asks for."""
        waits_since = {lane: since for lane in Lane if (since := self.backlog.waits_since(lane))}
        return self.marks.may_tell(site.id, list(subjects), waits_since)
