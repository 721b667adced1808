"""Runs the programs of a stack in order until a signal stops it. One thread does the work; signals wake it."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

from infra.local.processes import trim, wait_until_ended
from infra.local.program_runner import Program, ProgramRunner, Report, RestartPolicy
from infra.local.servers import SEAWEED_GRACE_SECONDS
from infra.local.state import RunFolder, StackPhase, SupervisorState

_BUSY_INTERVAL_SECONDS = 0.05  # while a program starts or stops
_IDLE_INTERVAL_SECONDS = 1.0
_LOG_TRIM_INTERVAL_SECONDS = 30.0
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
START_MISSING = signal.SIGUSR1
"""This signal makes a running supervisor start the missing processes at once, without backoff."""


class Supervisor:
    """Runs the programs of one run folder.

    `report` takes messages for the operator. `changed` takes all runners, whenever a process started, ended or became
    ready.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        folder: RunFolder,
        *,
        report: Report,
        changed: Callable[[Sequence[ProgramRunner]], None],
        policy: RestartPolicy | None = None,
    ) -> None:
        self._folder = folder
        self._report = report
        self._changed = changed
        self._runners = [
            ProgramRunner(program, log=folder.log(program.name), policy=policy or RestartPolicy(), report=report)
            for program in programs
        ]
        self._phase: StackPhase = "starting"
        self._reason: str | None = None
        self._must_stop = False
        self._must_start_missing = False
        self._must_kill = False

    def run(self) -> None:
        """Run until a stop signal; then stop all programs, also after an error.

        Raises:
            CannotStartError: a program cannot start. All others were stopped.
        """
        with self._signals() as wakeup:
            try:
                self._run_until_stopped(wakeup)
            except BaseException as error:
                self._reason = str(error) or type(error).__name__
                raise
            finally:
                self._stop()

    def _run_until_stopped(self, wakeup: int) -> None:
        self._write_state()
        trim_due = time.monotonic() + _LOG_TRIM_INTERVAL_SECONDS
        while not self._must_stop:
            if self._must_start_missing:
                self._must_start_missing = False
                for runner in self._runners:
                    runner.start_now()
            self._tick()
            if time.monotonic() >= trim_due:
                for log in self._folder.logs.glob("*.log"):
                    trim(log)
                trim_due = time.monotonic() + _LOG_TRIM_INTERVAL_SECONDS
            are_all_ready = all(runner.is_ready for runner in self._runners)
            _wait(wakeup, _IDLE_INTERVAL_SECONDS if are_all_ready else _BUSY_INTERVAL_SECONDS)

    def _tick(self) -> None:
        has_changed = False
        for runner in self._runners_to_tick():
            has_changed |= runner.tick(time.monotonic())
            if self._must_stop:
                return
        if self._phase == "starting" and all(runner.is_ready for runner in self._runners):
            self._phase = "ready"
            has_changed = True
        if has_changed:
            self._changed(self._runners)
            self._write_state()

    def _runners_to_tick(self) -> Iterator[ProgramRunner]:
        """Yield the runners of all stages that may run. After the first start, no stage waits for an earlier one."""
        for stage in sorted({runner.program.stage for runner in self._runners}):
            members = [runner for runner in self._runners if runner.program.stage == stage]
            yield from members
            if self._phase == "starting" and not all(runner.is_ready for runner in members):
                return

    def _stop(self) -> None:
        self._phase = "stopping"
        self._write_state()
        for last in (False, True):
            group = [runner for runner in self._runners if runner.program.stops_last is last]
            self._stop_together(group)
        self._phase = "failed" if self._reason else "stopped"
        self._write_state()

    def _stop_together(self, runners: Sequence[ProgramRunner]) -> None:
        children = [(runner, runner.child) for runner in runners if runner.child]
        for _, child in children:
            child.terminate()
        began = time.monotonic()
        for runner, child in sorted(children, key=lambda pair: pair[0].program.grace_seconds):
            deadline = began + runner.program.grace_seconds
            while not wait_until_ended([child], min(deadline - time.monotonic(), _BUSY_INTERVAL_SECONDS)):
                if self._must_kill or time.monotonic() >= deadline:
                    # SeaweedFS never ends in time and loses nothing, so its kill is no news.
                    if runner.program.grace_seconds > SEAWEED_GRACE_SECONDS:
                        self._report(f"{runner.program.name} did not end in time and was killed", [])
                    break
            child.kill()
            runner.child = None
            runner.phase = "stopped"

    def _write_state(self) -> None:
        self._folder.write_state(
            SupervisorState(
                pid=os.getpid(),
                phase=self._phase,
                reason=self._reason,
                processes=tuple(runner.state() for runner in self._runners),
            )
        )

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        if number == START_MISSING:
            self._must_start_missing = True
        elif number in _STOP_SIGNALS:
            self._must_kill = self._must_stop and number == signal.SIGINT  # the second Ctrl-C
            self._must_stop = True

    @contextmanager
    def _signals(self) -> Iterator[int]:
        """Handle our signals inside the block; yield a pipe that is readable after each signal, SIGCHLD too."""
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        os.set_blocking(writing, False)
        ours = (*_STOP_SIGNALS, START_MISSING, signal.SIGCHLD)
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
    """Sleep until a signal arrives or the time is over."""
    readable, _, _ = select.select([wakeup], [], [], seconds)
    if readable:
        with suppress(BlockingIOError):
            os.read(wakeup, 4096)
