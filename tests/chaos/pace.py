"""Keeps posts and faults at the same pace, and no faster than the pipeline handles the posts."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from redis import Redis
from redis.exceptions import RedisError

from shared.messaging.pipeline import WORKERS, queues_of

_MAX_LEAD_SHARE = 0.1  # posts may be ahead of faults by this share of the run
_MAX_QUEUED_MESSAGES = 100
_POLL_INTERVAL_SECONDS = 0.2
_MAX_TIME_FACTOR = 3  # of the planned time; afterwards no more posts are sent


@dataclass(slots=True)
class Pace:
    """The progress of senders and fault injector, each as a share of its list.

    The run tests results, not throughput: no post is sent while many messages are queued.
    """

    redis: Redis
    posting_seconds: float
    posted_share: float = 0.0
    injected_share: float = 0.0
    began: float = field(default_factory=time.monotonic)
    _queued: tuple[float, int] = (0.0, 0)

    @property
    def is_over(self) -> bool:
        """Return whether the time for posts is over."""
        return time.monotonic() - self.began > _MAX_TIME_FACTOR * self.posting_seconds

    def may_send(self, share: float) -> bool:
        """Return whether the post at this share of the list may be sent now."""
        is_due = time.monotonic() - self.began >= share * self.posting_seconds
        return is_due and share <= self.injected_share + _MAX_LEAD_SHARE and self._queue_length() < _MAX_QUEUED_MESSAGES

    def may_inject(self, share: float) -> bool:
        """Return whether the fault at this share of the list may be injected now."""
        return self.posted_share >= share or self.is_over

    def _queue_length(self) -> int:
        read_at, length = self._queued
        if time.monotonic() - read_at > _POLL_INTERVAL_SECONDS:
            try:
                length = sum(int(self.redis.llen(queue)) for worker in WORKERS for queue in queues_of(worker))
            except RedisError:
                length = 0  # Redis is down: posts continue
            self._queued = (time.monotonic(), length)
        return length
