"""A worker's request that notices when the broker did not hear its answer. Loaded by workers alone."""

from __future__ import annotations

from typing import NoReturn

import structlog
from celery.worker.request import Request
from kombu.asynchronous import get_event_loop
from redis.exceptions import ConnectionError as RedisConnectionError

log = structlog.get_logger()


class PresslineRequest(Request):
    """Has the consumer connect anew where a connection breaks under an acknowledgement.

    Celery only logs that ("Couldn't ack"), and what broke is no longer watched: the consumer then waits for ever on a
    connection that is none, while Redis is up again. The message itself comes back.
    """

    def acknowledge(self) -> None:
        """Tell the broker that the message is done."""
        super().acknowledge()
        self._see_that_it_was_heard()

    def reject(self, requeue: bool = False) -> None:  # noqa: FBT001, FBT002 -- Celery's
        """Tell the broker that the message is given back or given up."""
        super().reject(requeue=requeue)
        self._see_that_it_was_heard()

    def _see_that_it_was_heard(self) -> None:
        if not self.message.acknowledged and (hub := get_event_loop()) is not None:
            log.warning("broker.unheard", task=self.name, message_id=self.id)
            hub.call_soon(_connect_anew)


def _connect_anew() -> NoReturn:
    message = "the connection broke under an acknowledgement"
    raise RedisConnectionError(message)
