"""Runs the programs of a stack, in their order, until it is told to stop; one thread, woken by signals."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

from infra.local.keeper import Keeper, Patience, Program, Report
from infra.local.processes import trim, wait_until_ended
from infra.local.servers import SEAWEED_GRACE_SECONDS
from infra.local.state import RunFolder, StackPhase, SupervisorState

_BUSY_SECONDS = 0.05
_IDLE_SECONDS = 1.0
_TRIM_SECONDS = 30.0
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
NUDGE = signal.SIGUSR1
"""Tells a living supervisor to start at once what is down."""


class Supervisor:
    """Keeps the programs of one run folder.

    Takes what to run, a `report` for people, and `changed`, called with the keepers whenever a process came, went or
    became ready.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        folder: RunFolder,
        *,
        report: Report,
        changed: Callable[[Sequence[Keeper]], None],
        patience: Patience | None = None,
    ) -> None:
        self._folder = folder
        self._report = report
        self._changed = changed
        self._keepers = [
            Keeper(program, log=folder.log(program.name), patience=patience or Patience(), report=report)
            for program in programs
        ]
        self._phase: StackPhase = "starting"
        self._reason: str | None = None
        self._must_stop = False
        self._must_hurry = False
        self._impatient = False

    def run(self) -> None:
        """Run until a signal says stop, and stop everything, whatever happens.

        Raises:
            CannotStartError: a program cannot start; all others were stopped.
        """
        with self._signals() as wakeup:
            try:
                self._keep(wakeup)
            except BaseException as error:
                self._reason = str(error) or type(error).__name__
                raise
            finally:
                self._stop()

    def _keep(self, wakeup: int) -> None:
        self._write_state()
        trim_due = time.monotonic() + _TRIM_SECONDS
        while not self._must_stop:
            if self._must_hurry:
                self._must_hurry = False
                for keeper in self._keepers:
                    keeper.hurry()
            self._tick()
            if time.monotonic() >= trim_due:
                for log in self._folder.logs.glob("*.log"):
                    trim(log)
                trim_due = time.monotonic() + _TRIM_SECONDS
            is_quiet = all(keeper.is_ready for keeper in self._keepers)
            _wait(wakeup, _IDLE_SECONDS if is_quiet else _BUSY_SECONDS)

    def _tick(self) -> None:
        has_changed = False
        for keeper in self._begun():
            has_changed |= keeper.tick(time.monotonic())
            if self._must_stop:
                return
        if self._phase == "starting" and all(keeper.is_ready for keeper in self._keepers):
            self._phase = "ready"
            has_changed = True
        if has_changed:
            self._changed(self._keepers)
            self._write_state()

    def _begun(self) -> Iterator[Keeper]:
        """Yield the keepers of the stages that may run: once begun, a stage does not wait again for those before."""
        for stage in sorted({keeper.program.stage for keeper in self._keepers}):
            members = [keeper for keeper in self._keepers if keeper.program.stage == stage]
            yield from members
            if self._phase == "starting" and not all(keeper.is_ready for keeper in members):
                return

    def _stop(self) -> None:
        self._phase = "stopping"
        self._write_state()
        for last in (False, True):
            group = [keeper for keeper in self._keepers if keeper.program.stops_last is last]
            self._stop_together(group)
        self._phase = "failed" if self._reason else "stopped"
        self._write_state()

    def _stop_together(self, keepers: Sequence[Keeper]) -> None:
        children = [(keeper, keeper.child) for keeper in keepers if keeper.child]
        for _, child in children:
            child.terminate()
        began = time.monotonic()
        for keeper, child in sorted(children, key=lambda pair: pair[0].program.grace_seconds):
            deadline = began + keeper.program.grace_seconds
            while not wait_until_ended([child], min(deadline - time.monotonic(), _BUSY_SECONDS)):
                if self._impatient or time.monotonic() >= deadline:
                    if keeper.program.grace_seconds > SEAWEED_GRACE_SECONDS:  # it is never in time, and need not be
                        self._report(f"{keeper.program.name} took too long to end and was killed", [])
                    break
            child.kill()
            keeper.child = None
            keeper.phase = "stopped"

    def _write_state(self) -> None:
        self._folder.write_state(
            SupervisorState(
                pid=os.getpid(),
                phase=self._phase,
                reason=self._reason,
                processes=tuple(keeper.state() for keeper in self._keepers),
            )
        )

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        if number == NUDGE:
            self._must_hurry = True
        elif number in _STOP_SIGNALS:
            self._impatient = self._must_stop and number == signal.SIGINT  # Ctrl-C for the second time
            self._must_stop = True

    @contextmanager
    def _signals(self) -> Iterator[int]:
        """Handle our signals inside; yields a pipe that is readable after each (a death of a child is one too)."""
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        os.set_blocking(writing, False)
        ours = (*_STOP_SIGNALS, NUDGE, signal.SIGCHLD)
        before = {number: signal.signal(number, self._on_signal) for number in ours}
        wakeup_before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        try:
            yield reading
        finally:
            signal.set_wakeup_fd(wakeup_before)
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(reading)
            os.close(writing)


def _wait(wakeup: int, seconds: float) -> None:
    """Sleep until a signal comes or the time is over."""
    readable, _, _ = select.select([wakeup], [], [], seconds)
    if readable:
        with suppress(BlockingIOError):
            os.read(wakeup, 4096)
