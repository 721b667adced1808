"""A worker's request that raises errors of acknowledgements. Only workers load this module."""

from __future__ import annotations

from typing import Any

from celery.worker.request import Request


class PresslineRequest(Request):
    """Makes the consumer reconnect if the connection breaks during an acknowledgement.

    Celery only logs such an error ("Couldn't ack") if the request names the connection's errors. The broken connection
    is then no longer watched, and the consumer waits on it for ever. This request names no errors, so that the error
    reaches the consumer's loop, as errors of other calls do. The message itself is redelivered.
    """

    def __init__(self, message: Any, **options: Any) -> None:  # noqa: ANN401 -- Celery's
        super().__init__(message, **options | {"connection_errors": ()})
