"""A task's time: calls to its peers stop well before the task would be killed, so that a slow store kills no process.

A worker's child runs one task at a time, so that this is one clock a process; outside of a task there is no limit.
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
    waited: float = 0.0  # for peers


_clock: _Clock | None = None


@contextmanager
def time_for_calls(seconds: float) -> Iterator[None]:
    """Let calls to peers begin only within so many seconds from now."""
    global _clock  # noqa: PLW0603 -- not a context variable: the threads of a task have its clock too
    _clock = _Clock(seconds, monotonic())
    try:
        yield
    finally:
        _clock = None


@contextmanager
def peer_call() -> Iterator[None]:
    """Add up the time that a call to a peer takes.

    Raises:
        PeersTooSlowError: it may not begin any more, and most of the time was spent in calls: an outage.
        TaskTooSlowError: it may not begin any more, and most of the time was spent elsewhere.
    """
    clock, began = _clock, monotonic()
    if clock is not None and (taken := began - clock.started) >= clock.seconds:
        message = f"{taken:.0f} s after its start, {clock.waited:.0f} s of them spent on waiting, the task calls nobody"
        raise PeersTooSlowError(message) if clock.waited * 2 >= taken else TaskTooSlowError(message)
    try:
        yield
    finally:
        if clock is not None:
            clock.waited += monotonic() - began
