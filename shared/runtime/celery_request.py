"""A worker's request whose broken acknowledgements are heard of. Loaded by workers alone."""

from __future__ import annotations

from typing import Any

from celery.worker.request import Request


class PresslineRequest(Request):
    """Has the consumer connect anew where the connection breaks under an acknowledgement.

    Celery only logs that ("Couldn't ack") where the request names the connection's errors, and what broke is no longer
    watched: the consumer then waits for ever on a connection that is none, while Redis is up again. Ours names none, so
    that the error reaches the loop, as one of any other call does. The message itself comes back.
    """

    def __init__(self, message: Any, **options: Any) -> None:  # noqa: ANN401 -- Celery's
        super().__init__(message, **options | {"connection_errors": ()})
