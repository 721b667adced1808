"""The task that handles one message: it retries or buries each failed item on its own, and counts deaths (ADR 2)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from time import sleep
from typing import Any, Protocol, cast

import structlog
from celery import Task
from celery.exceptions import Ignore, Reject, Retry
from pydantic import ValidationError

from shared.messaging.handling import Result
from shared.messaging.messages import Batch, Message
from shared.messaging.pipeline import Step
from shared.runtime.dead_letters import DeadLetters
from shared.runtime.deadline import time_for_calls
from shared.runtime.deliveries import Deliveries
from shared.runtime.errors import (
    OutageError,
    PeersTooSlowError,
    PermanentError,
    RetryableError,
    TaskTooSlowError,
    WorkerKilledError,
)
from shared.runtime.observability import message_context
from shared.runtime.rebuild_runs import RunOutcome, Runs

CALLS_END_AFTER_SECONDS = 9  # after a task's start; its last call may take twice its time-out (connect and read)
MAX_RETRY_WAIT_SECONDS = 10
MAX_DEATHS = 3  # of the process during one message; then the message is buried
MAX_ATTEMPTS = 6  # after unexpected errors
MAX_RETRYABLE_ATTEMPTS = 40  # five minutes: conflicts end, other workers finish
_REQUEUE_WAIT_SECONDS = 1.0
_OUTAGES_HEADER = "pressline-outages"  # the number of retries after an outage

log = structlog.get_logger()


class TaskApp(Protocol):
    """The part of the Celery app that a task uses."""

    service: str

    @property
    def deliveries(self) -> Deliveries:
        """Return the delivery counts of this process."""
        ...

    @property
    def runs(self) -> Runs:
        """Return the store of rebuild runs."""
        ...

    def dead_letters(self) -> DeadLetters:
        """Return the service's dead letters."""
        ...

    def emit(self, messages: Iterable[Message]) -> None:
        """Send a copy of each message to every step that consumes it."""
        ...

    def send(
        self,
        step: Step,
        messages: Iterable[Message],
        *,
        wait_seconds: float = 0.0,
        retries: int = 0,
        headers: Mapping[str, object] | None = None,
    ) -> None:
        """Send messages to the queue of one step, to be run after a wait."""
        ...


class PresslineTask(Task):  # type: ignore[type-arg]  # tasks differ in their signatures
    """A task with one retry policy (by the two families of errors) and a count of the deaths of its process (ADR 2)."""

    abstract = True
    Request = "shared.runtime.celery_request:PresslineRequest"
    step: Step  # set where the task is made
    max_retries = None  # not Celery's three: the two families of errors decide

    def __call__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 -- Celery's
        """Run the task; retry items that may succeed later, bury those that cannot or that killed their process."""
        payload = args[0] if args and isinstance(args[0], dict) else {"args": args, "kwargs": kwargs}
        delivery = f"{self.request.id}.{(self.request.properties or {}).get('delivery_tag', '')}"
        begun = self._begin(delivery)
        message = self._message(payload)
        if begun > 1 and (halves := _halves(message)):
            self._split(halves)
        elif begun > MAX_DEATHS:
            self._bury_killer(payload, deaths=begun - 1)
        else:
            try:
                self._run(message, payload)
            except Exception:  # a retry: the process lives. After a SystemExit it may not
                self._end(delivery)
                raise
        self._end(delivery)

    def _message(self, payload: dict[str, Any]) -> Message | ValidationError:
        try:
            return self.step.consumes.model_validate(payload)
        except ValidationError as error:
            return error

    def _run(self, message: Message | ValidationError, payload: dict[str, Any]) -> None:
        if isinstance(message, ValidationError):
            self._bury(payload, message)
            return
        try:
            with time_for_calls(CALLS_END_AFTER_SECONDS), message_context(message):
                result = cast("Result", self.run(message))
                self._app.emit(result.emits)
                if result.rest:
                    self._app.send(self.step, [_part(message, result.rest)])
            failed = result.failed
        except (Ignore, Reject, Retry):
            raise
        except Exception as error:  # noqa: BLE001 -- each item is retried or buried with this error
            failed = dict.fromkeys(_items(message), error)
        if failed:
            self._retry_or_bury(message, failed)

    def _retry_or_bury(self, message: Message, failed: Mapping[str, Exception]) -> None:
        """Bury the items that cannot succeed, and send the others again in one message."""
        retried = {item: error for item, error in failed.items() if self._may_succeed_later(error)}
        for item, error in failed.items():
            if item not in retried and (outage := self._bury_item(message, item, error)):
                retried[item] = outage
        if retried:
            self._send_again(_part(message, retried), next(iter(retried.values())))

    def _may_succeed_later(self, error: Exception) -> bool:
        if isinstance(error, OutageError):
            return True
        if isinstance(error, PermanentError | ValidationError):
            return False
        limit = MAX_RETRYABLE_ATTEMPTS if isinstance(error, RetryableError) else MAX_ATTEMPTS
        return self._attempts() < limit

    def _attempts(self) -> int:
        """Return the number of attempts; attempts during an outage do not count."""
        return int(self.request.retries) + 1 - self._outages()

    def _outages(self) -> int:
        return int((self.request.headers or {}).get(_OUTAGES_HEADER, 0))

    def _send_again(self, message: Message, error: Exception) -> None:
        """Send a message again after a wait; split a batch that ran out of time."""
        retries = int(self.request.retries)
        wait = min(0.2 * 2 ** min(retries, 10), MAX_RETRY_WAIT_SECONDS)
        headers = {_OUTAGES_HEADER: str(self._outages() + isinstance(error, OutageError))}
        items, kind, reason = len(_items(message)), type(error).__name__, str(error)
        log.warning("message.retried", task=self.name, error=kind, reason=reason, items=items, wait_seconds=wait)
        halves = _halves(message) if isinstance(error, PeersTooSlowError | TaskTooSlowError) else ()
        try:
            if halves or str(message.message_id) != self.request.id:  # some of its items
                again = halves or [message]
                self._app.send(self.step, again, wait_seconds=wait, retries=retries + 1, headers=headers)
                return
            raise self.retry(exc=error, countdown=wait, headers=headers)
        except (Reject, OutageError) as refused:  # the broker refused it: requeue the original message
            sleep(_REQUEUE_WAIT_SECONDS)  # else it may be redelivered at once
            raise Reject(str(error), requeue=True) from refused

    def _bury_item(self, message: Message, item: str, error: Exception) -> OutageError | None:
        """Bury one item, and report it to its run; return the outage that prevented this, if any."""
        part = _part(message, [item])
        try:
            self._bury_now(part.model_dump(mode="json"), error)
            if isinstance(part, Batch) and part.run:
                self._app.runs.report(part.site, part.run, {item: RunOutcome.FAILED})
        except OutageError as outage:
            return outage
        return None

    def _bury(self, payload: dict[str, Any], error: Exception) -> None:
        try:
            self._bury_now(payload, error)
        except OutageError as outage:
            raise self.retry(exc=outage, countdown=MAX_RETRY_WAIT_SECONDS) from outage

    def _bury_now(self, payload: dict[str, Any], error: Exception) -> None:
        at = datetime.now(UTC)
        self._app.dead_letters().bury(self.name, payload, error, attempts=self._attempts(), at=at)

    def _bury_killer(self, payload: dict[str, Any], *, deaths: int) -> None:
        reason = f"its process died {deaths} times (out of memory, over the time limit or killed); see the worker's log"
        error = WorkerKilledError(reason)
        try:
            self._app.dead_letters().bury(self.name, payload, error, attempts=deaths, at=datetime.now(UTC))
        except OutageError as outage:  # a retry would lose the count: requeue this delivery
            sleep(_REQUEUE_WAIT_SECONDS)
            raise Reject(str(outage), requeue=True) from outage

    def _split(self, halves: Sequence[Batch]) -> None:
        """Send the halves of a batch that killed its process: repeated splits isolate the item at fault."""
        log.warning("message.split", task=self.name, items=[len(half.items) for half in halves])
        try:
            self._app.send(self.step, halves)
        except OutageError as outage:
            sleep(_REQUEUE_WAIT_SECONDS)
            raise Reject(str(outage), requeue=True) from outage

    def _begin(self, delivery: str) -> int:
        try:
            return self._app.deliveries.begin(self._app.service, delivery)
        except OutageError as error:
            log.warning("delivery.uncounted", task=self.name, reason=str(error))
            return 0

    def _end(self, delivery: str) -> None:
        try:
            self._app.deliveries.end(delivery)
        except OutageError as error:
            log.warning("delivery.uncounted", task=self.name, reason=str(error))

    @property
    def _app(self) -> TaskApp:
        return cast("TaskApp", self.app)


def _items(message: Message) -> tuple[str, ...]:
    return message.items if isinstance(message, Batch) else ("",)


def _part(message: Message, items: Collection[str]) -> Message:
    """Return the message for some of its items; the message itself if these are all."""
    if isinstance(message, Batch) and set(items) != set(message.items):
        return message.only(items)
    return message


def _halves(message: Message | ValidationError) -> tuple[Batch, ...]:
    """Return the two halves of a batch; empty for a single item."""
    if not isinstance(message, Batch) or len(message.items) == 1:
        return ()
    middle = len(message.items) // 2
    return (message.only(message.items[:middle]), message.only(message.items[middle:]))
