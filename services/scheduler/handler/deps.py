"""What the clock's duties need from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.index import Index
from shared.model.history import Revisions
from shared.model.lane import Lane
from shared.model.live_record import LiveRecord, read_record
from shared.reconcile.drift import ArticleEvent, find_event
from shared.runtime.backlog import Backlog
from shared.runtime.backoff import Backoff
from shared.runtime.quarantine import Quarantine
from shared.site.sites import Site
from shared.storage import ObjectStorage

_MAX_WAIT = timedelta(minutes=10)
_SHORT_LANE_SECONDS = 2.0  # of work
_NEWS_SECONDS = 0.02  # of work in a message of one item
_BULK_SECONDS = 0.25  # in a batch of up to 50: half a second in render, then in publish, nearly none before


@dataclass(frozen=True, slots=True)
class SchedulerDeps:
    """The content bucket, what Redis knows, the sites, the clock."""

    content: ObjectStorage
    revisions: Revisions
    index: Index
    quarantine: Quarantine
    backoff: Backoff
    backlog: Backlog
    sites: Mapping[str, Site]
    clock: Callable[[], datetime]
    first_wait: timedelta
    """How long an event may be on its way before the scheduler re-emits it for the first time."""
    reconciled: dict[tuple[str, str], tuple[datetime, ...]] = field(default_factory=dict)
    """What this process has seen settled: (site, article) with the times of its markers in the recent journal."""
    busy_batch_at: dict[str, datetime] = field(default_factory=dict)
    """When this process last emitted a batch of articles' stale pages, by site."""

    def record(self, site: Site, article: str) -> LiveRecord:
        """Return what the public bucket holds of an article."""
        return read_record(self.content, site.id, article)[0]

    def find_event(self, site: Site, article: str) -> ArticleEvent | None:
        """Return what has to be said of an article again, or None where the public and the index are right."""
        return find_event(site, article, self.clock(), content=self.content, revisions=self.revisions, index=self.index)

    def is_short(self, lane: Lane) -> bool:
        """Tell whether a lane holds less than two seconds of work, unacknowledged messages included."""
        seconds = _BULK_SECONDS if lane is Lane.BULK else _NEWS_SECONDS
        return self.backlog.unfinished(lane) * seconds < _SHORT_LANE_SECONDS

    def wait_after(self, age: timedelta) -> timedelta:
        """Return the wait after a re-emission: as long as the item has waited already, so that intervals double."""
        return min(max(age, self.first_wait), _MAX_WAIT)
