from __future__ import annotations

import pytest

from shared.celery_app import TIME_LIMIT_SECONDS
from shared.stalls import END_AFTER_SECONDS, UNWELL_AFTER_SECONDS, StallWatch


class Scene:
    """A queue and a clock that the test moves."""

    def __init__(self) -> None:
        self.now, self.waiting = 0.0, 0
        self.watch = StallWatch(lambda: self.waiting, lambda: self.now)

    def after(self, seconds: float) -> float:
        """Let time pass and look."""
        self.now += seconds
        return self.watch.look()


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_worker_with_nothing_to_do_is_well_for_ever(scene: Scene) -> None:
    assert [scene.after(60) for _ in range(10)] == [0] * 10
    assert scene.watch.faults() == []


def test_a_worker_that_takes_nothing_while_messages_wait_is_unwell_and_then_ended(scene: Scene) -> None:
    scene.waiting = 3

    assert scene.after(UNWELL_AFTER_SECONDS) < END_AFTER_SECONDS
    assert "none was taken" in scene.watch.faults()[0]
    assert scene.after(END_AFTER_SECONDS) > END_AFTER_SECONDS


def test_a_busy_worker_with_a_full_queue_is_well(scene: Scene) -> None:
    scene.waiting = 10_000
    for _ in range(20):
        scene.after(TIME_LIMIT_SECONDS)
        assert scene.watch.faults() == []
        scene.watch.took_one()


def test_the_longest_task_is_no_stall() -> None:
    assert TIME_LIMIT_SECONDS < UNWELL_AFTER_SECONDS < END_AFTER_SECONDS
