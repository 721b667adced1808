"""One message run by a worker: each item that fails is retried or buried alone; deaths are counted (ADR 2)."""

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

CALLS_END_AFTER_SECONDS = 9  # of a task; its last call may take twice its time-out (to connect, to read)
MAX_RETRY_WAIT_SECONDS = 10
MAX_DEATHS = 3  # of its process, until a message is not run once more
MAX_ATTEMPTS = 6  # of what nobody foresaw
MAX_RETRYABLE_ATTEMPTS = 40  # five minutes: a conflict passes, another worker is about to be done
_GIVE_BACK_WAIT_SECONDS = 1.0
_OUTAGES = "pressline-outages"  # how many of the retries were due to one

log = structlog.get_logger()


class TaskApp(Protocol):
    """What a task needs of the Celery app that runs it."""

    service: str

    @property
    def deliveries(self) -> Deliveries:
        """Return where this process counts what it begins."""
        ...

    @property
    def runs(self) -> Runs:
        """Return where this process reports what became of a run's articles."""
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
    """A task that reads the two families of errors and nothing else, and counts what kills its process (ADR 2)."""

    abstract = True
    Request = "shared.runtime.celery_request:PresslineRequest"
    step: Step  # set where the task is made
    max_retries = None  # Celery's own three are not asked: the two families of errors decide

    def __call__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 -- Celery's
        """Run the task; retry items that may succeed later, bury those that never will or that killed their process."""
        payload = args[0] if args and isinstance(args[0], dict) else {"args": args, "kwargs": kwargs}
        delivery = f"{self.request.id}.{(self.request.properties or {}).get('delivery_tag', '')}"
        begun = self._begin(delivery)
        message = self._message(payload)
        if begun > 1 and (halves := _halves(message)):
            self._split(halves)
        elif begun > MAX_DEATHS:
            self._bury_deadly(payload, deaths=begun - 1)
        else:
            try:
                self._run(message, payload)
            except Exception:  # a retry: this process lives. Of a SystemExit that cannot be said
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
        except Exception as error:  # noqa: BLE001 -- each item is retried or buried with it: nothing is swallowed
            failed = dict.fromkeys(_items(message), error)
        if failed:
            self._settle_failed(message, failed)

    def _settle_failed(self, message: Message, failed: Mapping[str, Exception]) -> None:
        """Bury the items that will fail for ever, and send the others again together."""
        unfinished = {item: error for item, error in failed.items() if self._may_succeed_later(error)}
        for item, error in failed.items():
            if item not in unfinished and (outage := self._bury_item(message, item, error)):
                unfinished[item] = outage
        if unfinished:
            self._again(_part(message, unfinished), next(iter(unfinished.values())))

    def _may_succeed_later(self, error: Exception) -> bool:
        if isinstance(error, OutageError):
            return True
        if isinstance(error, PermanentError | ValidationError):
            return False
        limit = MAX_RETRYABLE_ATTEMPTS if isinstance(error, RetryableError) else MAX_ATTEMPTS
        return self._attempts() < limit

    def _attempts(self) -> int:
        """Return how often the items were tried; an outage counts no attempt."""
        return int(self.request.retries) + 1 - self._outages()

    def _outages(self) -> int:
        return int((self.request.headers or {}).get(_OUTAGES, 0))

    def _again(self, message: Message, error: Exception) -> None:
        """Send a message once more after a wait; one that ran out of time in halves."""
        retries = int(self.request.retries)
        wait = min(0.2 * 2 ** min(retries, 10), MAX_RETRY_WAIT_SECONDS)
        headers = {_OUTAGES: str(self._outages() + isinstance(error, OutageError))}
        items, kind, reason = len(_items(message)), type(error).__name__, str(error)
        log.warning("message.retried", task=self.name, error=kind, reason=reason, items=items, wait_seconds=wait)
        halves = _halves(message) if isinstance(error, PeersTooSlowError | TaskTooSlowError) else ()
        try:
            if halves or str(message.message_id) != self.request.id:  # some of its items
                again = halves or [message]
                self._app.send(self.step, again, wait_seconds=wait, retries=retries + 1, headers=headers)
                return
            raise self.retry(exc=error, countdown=wait, headers=headers)
        except (Reject, OutageError) as refused:  # the broker did not take it: the message itself must not be dropped
            sleep(_GIVE_BACK_WAIT_SECONDS)  # it may come again at once: the worker's own connection may be well
            raise Reject(str(error), requeue=True) from refused

    def _bury_item(self, message: Message, item: str, error: Exception) -> OutageError | None:
        """Bury one item, and report it to its run; return the outage that prevents it."""
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

    def _bury_deadly(self, payload: dict[str, Any], *, deaths: int) -> None:
        reason = f"the process that ran it died {deaths} times: out of memory, over its time or killed, its log tells"
        error = WorkerKilledError(reason)
        try:
            self._app.dead_letters().bury(self.name, payload, error, attempts=deaths, at=datetime.now(UTC))
        except OutageError as outage:  # a retry would be another delivery, without a count: give back this very one
            sleep(_GIVE_BACK_WAIT_SECONDS)
            raise Reject(str(outage), requeue=True) from outage

    def _split(self, halves: Sequence[Batch]) -> None:
        """Send the halves of a batch that killed its process: one item may have done it, and is found so."""
        log.warning("message.split", task=self.name, items=[len(half.items) for half in halves])
        try:
            self._app.send(self.step, halves)
        except OutageError as outage:
            sleep(_GIVE_BACK_WAIT_SECONDS)
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
    """Return the message of some items; the message itself where it names no others."""
    if isinstance(message, Batch) and set(items) != set(message.items):
        return message.only(items)
    return message


def _halves(message: Message | ValidationError) -> tuple[Batch, ...]:
    """Return a batch as two; nothing of one item."""
    if not isinstance(message, Batch) or len(message.items) == 1:
        return ()
    middle = len(message.items) // 2
    return (message.only(message.items[:middle]), message.only(message.items[middle:]))
