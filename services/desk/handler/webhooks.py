"""The state of a subscriber's deliveries, as an operator sees and changes it."""

from __future__ import annotations

import re
from collections.abc import Callable
from time import monotonic, sleep

from shared.runtime.errors import PermanentError
from shared.runtime.event_log import EntryId
from shared.runtime.webhooks import DeliveryState, DeliveryStates
from shared.runtime.webhooks.stored import webhook_receiver as receiver

__all__ = ["InvalidIdError", "await_result", "checked_id", "end_wait", "receiver"]

_ID = re.compile(r"[0-9A-Za-z-]{1,80}")
_POLL_SECONDS = 0.1


class InvalidIdError(PermanentError):
    """The text is no id of a dead letter."""


def checked_id(text: str) -> str:
    """Return the id of a dead letter.

    Raises:
        InvalidIdError: the text cannot be an id.
    """
    if not _ID.fullmatch(text):
        raise InvalidIdError(f"{text[:40]!a} is no id of a dead letter")
    return text


def end_wait(subscriber: str, states: DeliveryStates) -> None:
    """End the wait before the next attempt."""
    state = states.find(receiver(subscriber))
    if state is not None and state.next_attempt_at is not None:
        states.save(receiver(subscriber), state.model_copy(update={"next_attempt_at": None}))


def await_result(
    subscriber: str,
    entry: EntryId,
    states: DeliveryStates,
    *,
    wait_seconds: float,
    pause: Callable[[float], None] = sleep,
) -> DeliveryState | None:
    """Return the state once the entry was delivered or an attempt before it has failed, or None after the wait."""
    before = states.find(receiver(subscriber))
    deadline = monotonic() + wait_seconds
    while monotonic() < deadline:
        state = states.find(receiver(subscriber))
        if state is not None and state.place is not None:
            has_failed = state.attempts > (before.attempts if before else 0)
            if has_failed or (state.place.journal_us is None and state.place.entry >= entry):
                return state
        pause(_POLL_SECONDS)
    return None
