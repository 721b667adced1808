"""The ports and the state of the scheduler's jobs."""

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

_MAX_BACKOFF = timedelta(minutes=10)
_SHORT_LANE_WORK_SECONDS = 2.0
_WORK_SECONDS_PER_NEWS_MESSAGE = 0.02  # one item
_WORK_SECONDS_PER_BULK_MESSAGE = 0.25  # up to 50 items: 0.5 s in render and in publish, nearly none before


@dataclass(frozen=True, slots=True)
class SchedulerDeps:
    """The content bucket, the data in Redis, the sites, the clock, and the memory of this process."""

    content: ObjectStorage
    revisions: Revisions
    index: Index
    quarantine: Quarantine
    backoff: Backoff
    backlog: Backlog
    sites: Mapping[str, Site]
    clock: Callable[[], datetime]
    first_wait: timedelta
    """The age of an event at which the scheduler re-emits it for the first time."""
    reconciled: dict[tuple[str, str], tuple[datetime, ...]] = field(default_factory=dict)
    """Reconciled articles that this process knows: (site, article) -> times of its markers in the recent journal."""
    busy_batch_at: dict[str, datetime] = field(default_factory=dict)
    """When this process last emitted a batch of articles' stale pages, by site."""

    def record(self, site: Site, article: str) -> LiveRecord:
        """Return an article's record."""
        return read_record(self.content, site.id, article)[0]

    def find_event(self, site: Site, article: str) -> ArticleEvent | None:
        """Return the event to re-emit for an article, or None if the public bucket and the index are correct."""
        return find_event(site, article, self.clock(), content=self.content, revisions=self.revisions, index=self.index)

    def is_short(self, lane: Lane) -> bool:
        """Tell whether a lane holds less than two seconds of work, unacknowledged messages included."""
        seconds = _WORK_SECONDS_PER_BULK_MESSAGE if lane is Lane.BULK else _WORK_SECONDS_PER_NEWS_MESSAGE
        return self.backlog.unfinished(lane) * seconds < _SHORT_LANE_WORK_SECONDS

    def wait_after(self, age: timedelta) -> timedelta:
        """Return the wait after a re-emission: the item's age, so that the intervals double; 10 minutes at most."""
        return min(max(age, self.first_wait), _MAX_BACKOFF)
