"""A task stops its calls before its time limit, so that a slow store does not kill the process again and again."""

from __future__ import annotations

import pytest

from shared.runtime import deadline
from shared.runtime.deadline import peer_call, time_for_calls
from shared.runtime.errors import PeersTooSlowError, TaskTooSlowError


class Time:
    """A clock that the test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    clock = Time()
    monkeypatch.setattr(deadline, "monotonic", clock)
    return clock


def a_call(time: Time, seconds: float) -> None:
    """Make a call to a peer that takes this long."""
    with peer_call():
        time.now += seconds


def test_a_task_with_slow_peers_ends_as_in_an_outage(time: Time) -> None:
    with time_for_calls(9):
        for _ in range(3):
            a_call(time, 4)
        with pytest.raises(PeersTooSlowError):
            a_call(time, 4)

    assert time.now == 12


def test_a_task_that_is_slow_by_itself_is_no_outage(time: Time) -> None:
    with time_for_calls(9):
        a_call(time, 1)
        time.now += 12
        with pytest.raises(TaskTooSlowError):
            a_call(time, 1)


def test_outside_of_a_task_calls_have_no_deadline(time: Time) -> None:
    with time_for_calls(9):
        pass
    time.now = 1e6

    a_call(time, 100)
