"""Keeps one program running: starts it, sees when it answers, starts it again when it dies, with growing waits."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from infra.local.processes import Child
from infra.local.state import ProcessPhase, ProcessState

_SPOKEN_LINES = 12


@dataclass(frozen=True, slots=True)
class Program:
    """A command of the stack, and how to see that it does its work."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    is_ready: Callable[[], bool] = field(default=lambda: True)
    stage: int = 0  # a stage begins when all before it are ready
    port: int | None = None
    grace_seconds: float = 10.0
    stops_last: bool = False  # the servers, which the services need to end well
    ends: bool = False  # a preparation: ready once it has ended with 0
    scratch: Path | None = None  # a folder to be empty whenever the program starts


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, how often to try."""

    first_wait_seconds: float = 0.2
    longest_wait_seconds: float = 10.0
    steady_seconds: float = 10.0  # ready for this long: the next death is the first again
    starts: int = 3  # tries before a program that was never ready is given up
    start_timeout_seconds: float = 60.0


Report = Callable[[str, list[str]], None]
"""Takes what happened, for a person, and the log lines that go with it."""


class CannotStartError(Exception):
    """A program died (or said nothing) as often as we were willing to try; holds its last lines."""


class Keeper:
    """One program's state. Nothing happens but in `tick`, so that one thread keeps many."""

    def __init__(self, program: Program, *, log: Path, patience: Patience, report: Report) -> None:
        self.program = program
        self.phase: ProcessPhase = "waiting"
        self.restarts = 0
        self.child: Child | None = None
        self._log = log
        self._patience = patience
        self._report = report
        self._was_ready = False
        self._failures = 0
        self._started_at = 0.0
        self._ready_at = 0.0
        self._due = 0.0

    @property
    def is_ready(self) -> bool:
        """Return whether it answered since it was last started (or, for a preparation, is done)."""
        return self.phase in {"ready", "done"}

    @property
    def pid(self) -> int | None:
        """Return the pid, None while nothing runs."""
        return self.child.pid if self.child else None

    def state(self) -> ProcessState:
        """Return what `status` shows."""
        return ProcessState(
            name=self.program.name,
            phase=self.phase,
            pid=self.pid,
            port=self.program.port,
            restarts=self.restarts,
            started_at=self.child.started_at if self.child else None,
        )

    def tick(self, now: float) -> bool:
        """Do what is due at this moment (monotonic seconds); return whether the state changed.

        Raises:
            CannotStartError: it was never ready and has used up its tries.
        """
        before = (self.phase, self.pid)
        if self.phase in {"waiting", "restarting"}:
            if now >= self._due:
                self._start(now)
        elif self.child and self.child.exit_code is not None:
            self._ended(self.child, self.child.exit_code, now)
        elif self.phase == "starting":
            self._look(now)
        return before != (self.phase, self.pid)

    def hurry(self) -> None:
        """Start at the next tick what waits to be started again."""
        self._due = 0.0

    def _start(self, now: float) -> None:
        if scratch := self.program.scratch:
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir(parents=True)
        self.child = Child(self.program.name, self.program.command, log=self._log, environment=self.program.environment)
        self.phase = "starting"
        self._started_at = now

    def _look(self, now: float) -> None:
        if not self.program.ends and self.program.is_ready():
            self.phase = "ready"
            self._was_ready = True
            self._ready_at = now
            self._report(f"{self.program.name} is ready ({now - self._started_at:.1f} s)", [])
        elif not self._was_ready and now - self._started_at > self._patience.start_timeout_seconds and self.child:
            self.child.kill()
            self._failed(f"did not answer within {self._patience.start_timeout_seconds:g} s", now)

    def _ended(self, child: Child, exit_code: int, now: float) -> None:
        if self.program.ends and exit_code == 0:
            self.phase = "done"
            self.child = None
            self._report(f"{self.program.name} is done ({now - self._started_at:.1f} s)", [])
            return
        if self.phase == "ready" and now - self._ready_at >= self._patience.steady_seconds:
            self._failures = 0
        child.kill()
        self._failed(_how(exit_code), now)

    def _failed(self, how: str, now: float) -> None:
        lines = self.child.last_lines(_SPOKEN_LINES) if self.child else []
        self.child = None
        self._failures += 1
        if not self._was_ready and self._failures >= self._patience.starts:
            message = "\n".join(
                [f"{self.program.name} cannot start: it {how}, {self._failures} times in a row", *lines]
            )
            raise CannotStartError(message)
        wait = min(
            self._patience.first_wait_seconds * 2 ** min(self._failures - 1, 10), self._patience.longest_wait_seconds
        )
        self._report(f"{self.program.name} {how}; starting it again in {wait:.1f} s", lines)
        self.restarts += 1
        self.phase = "restarting"
        self._due = now + wait


def _how(exit_code: int) -> str:
    if exit_code < 0:
        return f"was killed ({signal.Signals(-exit_code).name})"
    return f"ended with exit code {exit_code}"
