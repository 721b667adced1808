"""One message run by a worker: what its errors lead to, and what becomes of one that kills its process (ADR 0011)."""

from __future__ import annotations

from datetime import UTC, datetime
from time import sleep
from typing import TYPE_CHECKING, Any, NoReturn, cast

import structlog
from celery import Task
from celery.exceptions import Ignore, Reject, Retry
from pydantic import ValidationError

from shared.deadline import time_for_calls
from shared.errors import OutageError, PermanentError, RetryableError, WorkerKilledError
from shared.messages import Bundle, Message
from shared.pipeline import PIPELINE

if TYPE_CHECKING:
    from shared.celery_app import PresslineCelery

CALLS_END_AFTER_SECONDS = 9  # of a task; its last call may take twice its time-out (to connect, to read)
LONGEST_RETRY_WAIT_SECONDS = 10
MOST_DEATHS = 3  # of its process, until a message is not run once more
MOST_ATTEMPTS = 6  # of what nobody foresaw
MOST_ATTEMPTS_OF_THE_RETRYABLE = 40  # five minutes: a conflict passes, another worker is about to be done
_GIVE_BACK_WAIT_SECONDS = 1.0

log = structlog.get_logger()


class PresslineTask(Task):  # type: ignore[type-arg]  # tasks differ in their signatures
    """A task that reads the two families of errors and nothing else, and counts what kills its process (ADR 0011)."""

    abstract = True
    Request = "shared.celery_request:PresslineRequest"
    max_retries = None  # Celery's own three are not asked: the two families of errors decide

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- Celery's
        """Run the task; retry what may succeed later, bury what never will or what killed its process each time."""
        payload = args[0] if args and isinstance(args[0], dict) else {"args": args, "kwargs": kwargs}
        delivery = f"{self.request.id}.{(self.request.properties or {}).get('delivery_tag', '')}"
        begun = self._begin(delivery)
        if begun > 1 and (parts := _parts_of(self.name, payload)):
            self._take_apart(parts)
            result = None
        elif begun > MOST_DEATHS:
            self._bury_deadly(payload, deaths=begun - 1)
            result = None
        else:
            try:
                result = self._run(payload, *args, **kwargs)
            except Exception:  # a retry: this process lives. Of a SystemExit that cannot be said
                self._end(delivery)
                raise
        self._end(delivery)
        return result

    def _run(self, payload: dict[str, Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- Celery's
        try:
            with time_for_calls(CALLS_END_AFTER_SECONDS):
                return self.run(*args, **kwargs)
        except (Ignore, Reject, Retry):
            raise
        except OutageError as error:
            self._again(error)
        except (PermanentError, ValidationError) as error:
            self._bury(payload, error)
        except RetryableError as error:
            if self._attempts() < MOST_ATTEMPTS_OF_THE_RETRYABLE:
                self._again(error)
            self._bury(payload, error)
        except Exception as error:  # noqa: BLE001 -- retried, then buried with its traceback: nothing is swallowed
            if self._attempts() < MOST_ATTEMPTS:
                self._again(error)
            self._bury(payload, error)

    def _attempts(self) -> int:
        return int(self.request.retries) + 1

    def _again(self, error: Exception) -> NoReturn:
        wait = min(0.2 * 2 ** min(int(self.request.retries), 10), LONGEST_RETRY_WAIT_SECONDS)
        log.warning("message.retried", task=self.name, error=type(error).__name__, reason=str(error), wait_seconds=wait)
        try:
            raise self.retry(exc=error, countdown=wait)
        except Reject as rejected:  # the broker did not take the retry: the message itself must not be dropped
            sleep(_GIVE_BACK_WAIT_SECONDS)  # it may come again at once: the worker's own connection may be well
            raise Reject(str(error), requeue=True) from rejected

    def _bury(self, payload: dict[str, Any], error: Exception) -> None:
        try:
            self._line.dead_letters().bury(self.name, payload, error, attempts=self._attempts(), at=datetime.now(UTC))
        except OutageError as outage:
            self._again(outage)

    def _bury_deadly(self, payload: dict[str, Any], *, deaths: int) -> None:
        reason = f"the process that ran it died {deaths} times: out of memory, over its time or killed, its log tells"
        error = WorkerKilledError(reason)
        try:
            self._line.dead_letters().bury(self.name, payload, error, attempts=deaths, at=datetime.now(UTC))
        except OutageError as outage:  # a retry would be another delivery, without a count: give back this very one
            sleep(_GIVE_BACK_WAIT_SECONDS)
            raise Reject(str(outage), requeue=True) from outage

    def _take_apart(self, parts: tuple[Message, ...]) -> None:
        """Send what travelled together each on its own: one of them may have killed the process, and is found so."""
        log.warning("message.taken_apart", task=self.name, parts=len(parts))
        try:
            self._line.emit(parts)
        except OutageError as outage:
            self._again(outage)

    def _begin(self, delivery: str) -> int:
        try:
            return self._line.deliveries.begin(self._line.service, delivery)
        except OutageError as error:
            log.warning("delivery.uncounted", task=self.name, reason=str(error))
            return 0

    def _end(self, delivery: str) -> None:
        try:
            self._line.deliveries.end(delivery)
        except OutageError as error:
            log.warning("delivery.uncounted", task=self.name, reason=str(error))

    @property
    def _line(self) -> PresslineCelery:
        return cast("PresslineCelery", self.app)


def _parts_of(task_name: str, payload: dict[str, Any]) -> tuple[Message, ...]:
    """Return the messages that travel together in one, each to go on its own; none where it is not of that kind."""
    step = next((step for step in PIPELINE if step.task_name == task_name), None)
    if step is None or not issubclass(step.consumes, Bundle):
        return ()
    try:
        return step.consumes.model_validate(payload).parts()
    except ValidationError:
        return ()  # its own task says so
