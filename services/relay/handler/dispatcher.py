"""The job of all webhooks: each subscriber has one delivery at a time, in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event

import structlog

from services.relay.handler.deps import RelayDeps
from services.relay.handler.webhooks import deliver_next
from services.relay.metrics import FAILING_SUBSCRIBERS
from shared.runtime.errors import PresslineError
from shared.runtime.event_log import EntryId
from shared.runtime.webhooks import MAX_SUBSCRIBERS, Subscriber
from shared.runtime.webhooks.stored import webhook_receiver

log = structlog.get_logger()

_RELOAD_INTERVAL = timedelta(seconds=5)
_NEWS_WAIT_SECONDS = 1.0
_BUSY_WAIT_SECONDS = 0.02
_OUTAGE_WAIT = timedelta(seconds=5)


@dataclass(slots=True)
class _Queue:
    """One subscriber's deliveries: the one that runs, and the time of the next one (None: once there is news).

    `has_news`: entries may have come since the running delivery has read the log. `is_active`: false once the
    subscriber is paused or removed; its running delivery then ends after the request that is on its way.
    """

    subscriber: Subscriber
    running: Future[timedelta | None] | None = None
    due_at: datetime | None = None
    has_news: bool = False
    has_failed: bool = False
    is_active: bool = True


class WebhookDispatcher:
    """Starts the deliveries that are due. A slow or failing subscriber delays no other one."""

    name = "webhooks"

    def __init__(self, deps: RelayDeps) -> None:
        self._deps = deps
        self._threads = ThreadPoolExecutor(MAX_SUBSCRIBERS, thread_name_prefix="webhook")
        self._queues: dict[str, _Queue] = {}
        self._reloaded_at: datetime | None = None
        self._seen: tuple[str, EntryId | None] | None = None  # the log's name and its end

    def run_round(self, stop: Event) -> None:
        """Start due deliveries, then wait for news for a second at most.

        Raises:
            RedisUnavailableError: Redis does not answer.
            StorageUnavailableError: the store does not answer.
        """
        now = self._deps.clock()
        if self._reloaded_at is None or now - self._reloaded_at >= _RELOAD_INTERVAL:
            self._reload(now)
            self._reloaded_at = now
        for queue in self._queues.values():
            self._advance(queue, now, stop.is_set)
        FAILING_SUBSCRIBERS.set(sum(queue.has_failed for queue in self._queues.values()))
        if self._queues:
            self._await_news(now, stop)
        else:
            stop.wait(_NEWS_WAIT_SECONDS)

    def close(self) -> None:
        """Wait for the running deliveries."""
        self._threads.shutdown(cancel_futures=True)

    def _reload(self, now: datetime) -> None:
        """Read the subscribers; a new or changed one is due at once, and a paused or removed one stops."""
        subscribers = {each.name: each for each in self._deps.subscribers.list_all()}
        active = {name: each for name, each in subscribers.items() if each.paused_at is None}
        for name, queue in list(self._queues.items()):
            queue.is_active = name in active
            if queue.is_active or queue.running is not None:
                continue
            if name not in subscribers:
                self._deps.states.delete(webhook_receiver(name))  # the last delivery may have stored one again
            del self._queues[name]
        for name, subscriber in active.items():
            queue = self._queues.setdefault(name, _Queue(subscriber, due_at=now))
            if queue.subscriber != subscriber:
                queue.subscriber, queue.due_at = subscriber, now

    def _advance(self, queue: _Queue, now: datetime, is_stopping: Callable[[], bool]) -> None:
        """Take the result of a delivery that has ended, and start the next one if it is due."""
        if queue.running is not None:
            if not queue.running.done():
                return
            queue.due_at = self._next_time(queue, queue.running, now)
            queue.running = None
        if queue.is_active and queue.due_at is not None and queue.due_at <= now and not is_stopping():
            queue.due_at, queue.has_news = None, False
            subscriber = queue.subscriber

            def must_end() -> bool:
                return is_stopping() or not queue.is_active or queue.subscriber is not subscriber

            queue.running = self._threads.submit(deliver_next, subscriber, self._deps, must_end)

    def _next_time(self, queue: _Queue, ended: Future[timedelta | None], now: datetime) -> datetime | None:
        try:
            wait = ended.result()
        except PresslineError as error:
            log.warning("webhook.postponed", subscriber=queue.subscriber.name, reason=str(error))
            wait = _OUTAGE_WAIT
        except Exception:  # an unknown fault of one subscriber must not stop the others
            log.exception("webhook.crashed", subscriber=queue.subscriber.name)
            wait = _OUTAGE_WAIT
        queue.has_failed = bool(wait)
        if wait is None:
            return now if queue.has_news else None
        return now + wait

    def _await_news(self, now: datetime, stop: Event) -> None:
        """Wait for the next entry of the log, or for the next due time; with news, each idle subscriber is due."""
        event_log = self._deps.events.log
        state = event_log.state()
        end = (state.log, state.end if state.first else None)
        if end == self._seen:
            if any(queue.running for queue in self._queues.values()):
                stop.wait(_BUSY_WAIT_SECONDS)
            else:
                due = min((queue.due_at for queue in self._queues.values() if queue.due_at), default=None)
                wait = _NEWS_WAIT_SECONDS if due is None else (due - now).total_seconds()
                event_log.read(state.end, 1, max(_BUSY_WAIT_SECONDS, min(wait, _NEWS_WAIT_SECONDS)))
            return
        self._seen = end
        for queue in self._queues.values():
            queue.has_news = True
            if queue.running is None and queue.due_at is None:
                queue.due_at = now
