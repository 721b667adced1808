"""The deadline of a task: calls to peers stop long before the time limit, so that a slow store kills no process.

A worker's child runs one task at a time, so each process has one clock. Outside of a task there is no limit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from shared.runtime.errors import PeersTooSlowError, TaskTooSlowError


@dataclass
class _Clock:
    seconds: float
    started: float
    waited: float = 0.0  # seconds spent in calls to peers


_clock: _Clock | None = None


@contextmanager
def time_for_calls(seconds: float) -> Iterator[None]:
    """Allow calls to peers to begin only within this many seconds from now."""
    global _clock  # noqa: PLW0603 -- not a context variable: the threads of a task have its clock too
    _clock = _Clock(seconds, monotonic())
    try:
        yield
    finally:
        _clock = None


@contextmanager
def peer_call() -> Iterator[None]:
    """Add the duration of a call to the time spent in peers.

    Raises:
        PeersTooSlowError: the deadline has passed, and at least half of the time was spent in calls: an outage.
        TaskTooSlowError: the deadline has passed, and most of the time was spent on other work.
    """
    clock, call_started = _clock, monotonic()
    if clock is not None and (elapsed := call_started - clock.started) >= clock.seconds:
        message = (
            f"after {elapsed:.0f} s, {clock.waited:.0f} s of them in calls to peers, the task begins no more calls"
        )
        raise PeersTooSlowError(message) if clock.waited * 2 >= elapsed else TaskTooSlowError(message)
    try:
        yield
    finally:
        if clock is not None:
            clock.waited += monotonic() - call_started
