"""Delivers status events to one subscriber: in order, at least once, with backoff, and with dead letters."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from services.relay.domain.signatures import signed_headers
from services.relay.domain.verdicts import Verdict, verdict_of, wait_after
from services.relay.handler.deps import RelayDeps
from services.relay.metrics import DEAD_LETTERS, DELIVERIES
from services.relay.ports import Answer, UndeliveredError
from shared.runtime.event_log import EntryKind, LogEntry, Position, StatusEvent
from shared.runtime.webhooks import (
    DeliveryState,
    Subscriber,
    SubscriberUnknownError,
    WebhookDeadLetter,
    message_id,
)
from shared.runtime.webhooks.stored import (
    dead_letter_id,
    delete_dead_letter,
    find_dead_letter,
    store_dead_letter,
    webhook_receiver,
)

log = structlog.get_logger()

_PAGE_ENTRIES = 50


@dataclass(frozen=True, slots=True)
class _Delivery:
    """One request to make: its id and its JSON; the event, unless it is a test; the dead letter that is replayed."""

    id: str
    document: dict[str, object]
    event: StatusEvent | None = None
    dead_letter: WebhookDeadLetter | None = None


@dataclass(frozen=True, slots=True)
class _Attempt:
    """The result of one request."""

    verdict: Verdict
    reason: str
    answer: Answer | None = None


def deliver_next(subscriber: Subscriber, deps: RelayDeps, is_stopping: Callable[[], bool]) -> timedelta | None:
    """Deliver the next page of events; return the wait before the next call, or None if no further event is there.

    `is_stopping`: asked before each request and before each change of the stored state. While it is true, a removed
    subscriber's state is not stored.

    Raises:
        SubscriberUnknownError: the subscriber was removed.
        RedisUnavailableError: Redis does not answer.
        StorageUnavailableError: the store does not answer.
    """
    return _Courier(subscriber, deps, is_stopping).run()


class _Courier:
    """The deliveries to one subscriber."""

    def __init__(self, subscriber: Subscriber, deps: RelayDeps, is_stopping: Callable[[], bool]) -> None:
        self._subscriber, self._deps, self._is_stopping = subscriber, deps, is_stopping
        self._receiver = webhook_receiver(subscriber.name)
        self._state = deps.state_of(self._receiver, self._first_position)

    def run(self) -> timedelta | None:
        now = self._deps.clock()
        if self._state.next_attempt_at and self._state.next_attempt_at > now:
            return self._state.next_attempt_at - now
        position = self._state.place or self._deps.events.since(self._subscriber.created_at)
        page = self._deps.events.read(position, _PAGE_ENTRIES)
        for place, entry in page.entries:
            delivery = self._delivery_of(entry)
            if delivery is None:
                continue
            if self._is_stopping():
                return timedelta()
            wait = self._deliver(delivery, place)
            if wait is not None:
                return wait
        if page.following != position:
            self._save(position=str(page.following))
        return None if page.is_end else timedelta()

    def _delivery_of(self, entry: LogEntry) -> _Delivery | None:
        """Return the request for an entry, or None if the subscriber does not get it."""
        if entry.event is not None:
            return _event_delivery(entry.event) if self._subscriber.wants(entry.event) else None
        if entry.subscriber != self._subscriber.name:
            return None
        if entry.kind is EntryKind.TEST:
            timestamp, data = self._deps.clock().isoformat(), {"subscriber": self._subscriber.name}
            return _Delivery(self._deps.new_id(), {"type": "test", "timestamp": timestamp, "data": data})
        if entry.kind is EntryKind.REPLAY:
            found = find_dead_letter(self._deps.content, self._subscriber.name, entry.subject)
            return _event_delivery(found.event, found) if found else None
        return None

    def _deliver(self, delivery: _Delivery, place: Position) -> timedelta | None:
        """Make one request; return the wait before the next one, or None to go on with the next event."""
        attempt = self._attempt(delivery)
        DELIVERIES.labels(attempt.verdict.value).inc()
        now = self._deps.clock()
        if attempt.verdict is Verdict.DELIVERED:
            if delivery.dead_letter:
                delete_dead_letter(self._deps.content, delivery.dead_letter)
            self._advance(place, last_success_at=now, last_failure=None)
            return None
        attempts, failing_since = self._state.attempts + 1, self._state.failing_since or now
        log.warning(
            "webhook.undelivered",
            subscriber=self._subscriber.name,
            message=delivery.id,
            verdict=attempt.verdict.value,
            attempts=attempts,
            reason=attempt.reason,
        )
        if attempt.verdict is Verdict.GONE:
            self._deps.subscribers.pause(self._subscriber.name, "the subscriber answered 410 Gone", now)
            self._save(last_failure=attempt.reason)
            return self._deps.max_age
        if attempt.verdict is Verdict.REFUSED or now - failing_since >= self._deps.max_age or delivery.event is None:
            self._give_up(delivery, attempt, attempts, now)
            self._advance(place, last_failure=attempt.reason)
            return None
        requested = attempt.answer.retry_after_seconds if attempt.answer else None
        wait = wait_after(attempts, requested, self._deps.jitter())
        self._save(
            attempts=attempts, failing_since=failing_since, next_attempt_at=now + wait, last_failure=attempt.reason
        )
        return wait

    def _attempt(self, delivery: _Delivery) -> _Attempt:
        now = self._deps.clock()
        body = json.dumps(delivery.document, ensure_ascii=False, separators=(",", ":")).encode()
        headers = signed_headers(delivery.id, body, self._subscriber.valid_secrets(now), now)
        try:
            answer = self._deps.post(self._subscriber.url, body, {"content-type": "application/json", **headers})
        except UndeliveredError as error:
            return _Attempt(Verdict.RETRY, str(error))
        return _Attempt(verdict_of(answer.status), f"HTTP {answer.status}", answer)

    def _give_up(self, delivery: _Delivery, attempt: _Attempt, attempts: int, now: datetime) -> None:
        if delivery.event is None:
            return  # a test is not repeated
        dead_letter = WebhookDeadLetter(
            id=delivery.dead_letter.id if delivery.dead_letter else dead_letter_id(now, delivery.id),
            subscriber=self._subscriber.name,
            event=delivery.event,
            attempts=attempts + (delivery.dead_letter.attempts if delivery.dead_letter else 0),
            reason=attempt.reason,
            answer=attempt.answer.excerpt if attempt.answer else "",
            stored_at=now,
        )
        store_dead_letter(self._deps.content, dead_letter)
        DEAD_LETTERS.inc()
        log.error("webhook.dead_lettered", subscriber=self._subscriber.name, dead_letter=dead_letter.id)

    def _advance(self, place: Position, **changes: object) -> None:
        none = {"attempts": 0, "failing_since": None, "next_attempt_at": None}
        self._save(position=str(place), **none, **changes)

    def _save(self, **changes: object) -> None:
        if self._is_stopping() and not self._is_known():
            return
        state = DeliveryState.model_validate({**dict(self._state), **changes})
        self._state = self._deps.save(self._receiver, state)

    def _first_position(self) -> Position:
        """Return the position of a subscriber that has no stored one: each new one has, until it is removed."""
        if not self._is_known():
            raise SubscriberUnknownError(f"{self._subscriber.name} was removed")
        return self._deps.events.since(self._subscriber.created_at)

    def _is_known(self) -> bool:
        """Tell whether the subscriber exists, and no other one has its name now."""
        found = self._deps.subscribers.find(self._subscriber.name)
        return found is not None and found.created_at == self._subscriber.created_at


def _event_delivery(event: StatusEvent, dead_letter: WebhookDeadLetter | None = None) -> _Delivery:
    """Return the request for an event, in the form that Standard Webhooks recommends."""
    data = event.model_dump(mode="json", exclude_none=True)
    document = {"type": f"article.{event.status.value}", "timestamp": data["at"], "data": data}
    return _Delivery(message_id(event), document, event, dead_letter)
