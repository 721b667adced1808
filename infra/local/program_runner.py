"""Runs one program of the stack: starts it, checks that it is ready, and restarts it with backoff when it dies."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from infra.local.processes import Child
from infra.local.state import ProcessPhase, ProcessState

START_TIMEOUT_SECONDS = 60.0  # for each process, until its first answer
_REPORTED_LOG_LINES = 12
_MAX_DOUBLINGS = 10


@dataclass(frozen=True, slots=True)
class Program:
    """A command of the stack, its environment and its readiness check."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    is_ready: Callable[[], bool] = field(default=lambda: True)
    stage: int = 0  # a stage starts when all programs of the earlier stages are ready
    port: int | None = None
    grace_seconds: float = 10.0
    stops_last: bool = False  # for servers: the services still need them while they stop
    runs_once: bool = False  # ready once it has ended with exit code 0
    scratch_folder: Path | None = None  # emptied before each start


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """The waits and attempts of starts and restarts."""

    first_wait_seconds: float = 0.2
    max_wait_seconds: float = 10.0
    stable_after_seconds: float = 10.0  # a program that was ready for this long has its count of failures reset
    max_start_attempts: int = 3  # for a program that was never ready
    start_timeout_seconds: float = START_TIMEOUT_SECONDS


Report = Callable[[str, list[str]], None]
"""Takes a message for the operator, and the log lines that belong to it."""


class CannotStartError(Exception):
    """A program used up its start attempts; the text holds its last log lines."""


class ProgramRunner:
    """The state of one program. All work happens in `tick`, so one thread can run many programs."""

    def __init__(self, program: Program, *, log: Path, policy: RestartPolicy, report: Report) -> None:
        self.program = program
        self.phase: ProcessPhase = "waiting"
        self.restarts = 0
        self.child: Child | None = None
        self._log = log
        self._policy = policy
        self._report = report
        self._was_ready = False
        self._failures = 0
        self._started_at = 0.0
        self._ready_at = 0.0
        self._due = 0.0

    @property
    def is_ready(self) -> bool:
        """Return whether the program became ready since its last start, or has run once and is done."""
        return self.phase in {"ready", "done"}

    @property
    def pid(self) -> int | None:
        """Return the pid, or None while no process runs."""
        return self.child.pid if self.child else None

    def state(self) -> ProcessState:
        """Return the state for `supervisor.json`."""
        return ProcessState(
            name=self.program.name,
            phase=self.phase,
            pid=self.pid,
            port=self.program.port,
            restarts=self.restarts,
            started_at=self.child.started_at if self.child else None,
        )

    def tick(self, now: float) -> bool:
        """Start, check or restart the program as due at `now` (monotonic seconds); return whether its state changed.

        Raises:
            CannotStartError: the program was never ready and has used up its start attempts.
        """
        before = (self.phase, self.pid)
        if self.phase in {"waiting", "restarting"}:
            if now >= self._due:
                self._start(now)
        elif self.child and self.child.exit_code is not None:
            self._on_exit(self.child, self.child.exit_code, now)
        elif self.phase == "starting":
            self._check_ready(now)
        return before != (self.phase, self.pid)

    def start_now(self) -> None:
        """End the backoff: the next tick starts the program, if it waits for a restart."""
        self._due = 0.0

    def _start(self, now: float) -> None:
        if folder := self.program.scratch_folder:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        self.child = Child(self.program.name, self.program.command, log=self._log, environment=self.program.environment)
        self.phase = "starting"
        self._started_at = now

    def _check_ready(self, now: float) -> None:
        if not self.program.runs_once and self.program.is_ready():
            self.phase = "ready"
            self._was_ready = True
            self._ready_at = now
            self._report(f"{self.program.name} is ready ({now - self._started_at:.1f} s)", [])
        elif not self._was_ready and now - self._started_at > self._policy.start_timeout_seconds and self.child:
            self.child.kill()
            self._restart_later(f"did not answer within {self._policy.start_timeout_seconds:g} s", now)

    def _on_exit(self, child: Child, exit_code: int, now: float) -> None:
        if self.program.runs_once and exit_code == 0:
            self.phase = "done"
            self.child = None
            self._report(f"{self.program.name} is done ({now - self._started_at:.1f} s)", [])
            return
        if self.phase == "ready" and now - self._ready_at >= self._policy.stable_after_seconds:
            self._failures = 0
        child.kill()
        self._restart_later(_exit_reason(exit_code), now)

    def _restart_later(self, reason: str, now: float) -> None:
        lines = self.child.last_lines(_REPORTED_LOG_LINES) if self.child else []
        self.child = None
        self._failures += 1
        if not self._was_ready and self._failures >= self._policy.max_start_attempts:
            message = "\n".join(
                [f"{self.program.name} cannot start: it {reason}, {self._failures} times in a row", *lines]
            )
            raise CannotStartError(message)
        wait_seconds = min(
            self._policy.first_wait_seconds * 2 ** min(self._failures - 1, _MAX_DOUBLINGS),
            self._policy.max_wait_seconds,
        )
        self._report(f"{self.program.name} {reason}; restart in {wait_seconds:.1f} s", lines)
        self.restarts += 1
        self.phase = "restarting"
        self._due = now + wait_seconds


def _exit_reason(exit_code: int) -> str:
    if exit_code < 0:
        return f"was killed ({signal.Signals(-exit_code).name})"
    return f"ended with exit code {exit_code}"
