"""Posts and blows go forward together, no faster than the machine takes the posts in."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from redis import Redis
from redis.exceptions import RedisError

from shared.messaging.pipeline import WORKERS, queues_of

_AHEAD = 0.1  # of the whole: how far posts may be ahead of blows
_MOST_QUEUED = 100
_POLL_INTERVAL_SECONDS = 0.2
_TIMES = 3  # as long as planned: then what is not yet posted stays unsent


@dataclass(slots=True)
class Pace:
    """How far senders and breaker are, each as a share of its list.

    What is judged is what becomes of the load, not how much of it a machine bears: nothing is posted while much is
    queued already.
    """

    redis: Redis
    posting_seconds: float
    posts: float = 0.0
    blows: float = 0.0
    began: float = field(default_factory=time.monotonic)
    _queued: tuple[float, int] = (0.0, 0)

    @property
    def is_over(self) -> bool:
        """Tell whether the time for posting is up."""
        return time.monotonic() - self.began > _TIMES * self.posting_seconds

    def may_send(self, share: float) -> bool:
        """Tell whether a post may go whose place in the list is this share of it."""
        is_due = time.monotonic() - self.began >= share * self.posting_seconds
        return is_due and share <= self.blows + _AHEAD and self._queue_length() < _MOST_QUEUED

    def may_break(self, share: float) -> bool:
        """Tell whether a blow may fall whose place in the list is this share of it."""
        return self.posts >= share or self.is_over

    def _queue_length(self) -> int:
        looked_at, length = self._queued
        if time.monotonic() - looked_at > _POLL_INTERVAL_SECONDS:
            try:
                length = sum(int(self.redis.llen(queue)) for worker in WORKERS for queue in queues_of(worker))
            except RedisError:
                length = 0  # it is down: that is no reason to stop posting
            self._queued = (time.monotonic(), length)
        return length
