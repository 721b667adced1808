"""The whole stack: run it in the foreground, start it in the background, stop it, or run it inside a `with` block."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from infra.local.plan import programs_of, stack_file
from infra.local.ports import PortTakenError, check_ports
from infra.local.processes import Child, is_running, kill_leftovers, last_lines, start_detached
from infra.local.program_runner import CannotStartError, ProgramRunner, Report
from infra.local.servers import ServerError
from infra.local.settings import STOP_GRACE_SECONDS, StackSettings
from infra.local.state import RunFolder, StackError, StackFile, SupervisorState
from infra.local.supervisor import START_MISSING, Supervisor

_POLL_SECONDS = 0.05
_STOP_MARGIN_SECONDS = 15.0  # in addition to the grace of the services
_START_TIMEOUT_SECONDS = 240.0
_REPORTED_LOG_LINES = 15

Watch = Callable[[SupervisorState], None]
"""Takes each state that was read, to show progress."""


def run_stack(settings: StackSettings, report: Report) -> None:
    """Run the supervisor in this process until a stop signal.

    Raises:
        StackError: the stack runs already, a port is taken, a server is not installed, or a program cannot start.
    """
    folder = RunFolder(settings.run_folder)
    with folder.locked():
        folder.remove_stack()
        if left := kill_leftovers(folder.path):
            report(f"{len(left)} processes of an earlier supervisor still ran; they were killed", [])
        try:
            check_ports(settings.port_needs())
            Supervisor(
                programs_of(settings, folder),
                folder,
                report=report,
                changed=_StackWriter(settings, folder),
            ).run()
        except (PortTakenError, ServerError, CannotStartError) as error:
            folder.write_state(SupervisorState(pid=os.getpid(), phase="failed", reason=str(error)))
            raise StackError(str(error)) from error
        finally:
            folder.remove_stack()


class _StackWriter:
    """Writes `stack.json` once all processes are ready, and again whenever a process starts or ends."""

    def __init__(self, settings: StackSettings, folder: RunFolder) -> None:
        self._settings = settings
        self._folder = folder
        self._was_ready = False

    def __call__(self, runners: Sequence[ProgramRunner]) -> None:
        self._was_ready = self._was_ready or all(runner.is_ready for runner in runners)
        if self._was_ready:
            self._folder.write_stack(stack_file(self._settings, self._folder, runners))


def start_stack(settings: StackSettings, watch: Watch | None = None) -> StackFile:
    """Start the stack in the background; return `stack.json` once all processes are ready.

    If the stack runs already, its supervisor starts the missing processes at once.

    Raises:
        StackError: the stack cannot start; the text gives the reason.
    """
    folder = RunFolder(settings.run_folder)
    if folder.signal_supervisor(START_MISSING):
        return _wait_until_ready(folder, None, folder.is_supervised, watch)
    pid = start_detached(supervisor_command(), log=folder.log("supervisor"), environment=_environment(settings))
    return _wait_until_ready(folder, pid, lambda: is_running(pid), watch)


def stop_stack(settings: StackSettings) -> bool:
    """Stop all processes; return whether any ran. The state of the stack stays.

    Raises:
        StackError: the supervisor does not end.
    """
    folder = RunFolder(settings.run_folder)
    was_up = folder.signal_supervisor(signal.SIGTERM)
    deadline = time.monotonic() + STOP_GRACE_SECONDS + _STOP_MARGIN_SECONDS
    while folder.is_supervised():
        if time.monotonic() >= deadline:
            state = folder.state()
            raise StackError(f"the supervisor (pid {state.pid if state else 'unknown'}) does not end")
        time.sleep(_POLL_SECONDS)
    left = kill_leftovers(folder.path)
    folder.remove_stack()
    return was_up or bool(left)


@contextmanager
def embedded_stack(settings: StackSettings, *, is_quiet: bool = True) -> Iterator[StackFile]:
    """Run a stack for the length of the block. It ends even if this process is killed. Call from the main thread.

    `StackSettings.in_folder(tmp_path)` gives free ports. After a restart of a process,
    `RunFolder(settings.run_folder).stack()` reads the new `stack.json`. Unless `is_quiet`, the supervisor writes to
    stdout.

    Raises:
        StackError: the stack cannot start; the text gives the reason.
    """
    folder = RunFolder(settings.run_folder)
    if folder.is_supervised():
        raise StackError(f"the stack in {folder.path} runs already")
    supervisor = Child(
        "supervisor",
        supervisor_command(),
        log=folder.log("supervisor") if is_quiet else None,
        environment=_environment(settings),
    )
    try:
        yield _wait_until_ready(folder, supervisor.pid, lambda: supervisor.is_running, None)
    finally:
        supervisor.stop(STOP_GRACE_SECONDS + _STOP_MARGIN_SECONDS)


def supervisor_command() -> list[str]:
    """Return the command of a supervisor; its settings come from the environment."""
    return [sys.executable, "-m", "infra.local", "run", "--child"]


def _environment(settings: StackSettings) -> dict[str, str]:
    return {**os.environ, **settings.as_environment(), "PYTHONUNBUFFERED": "1"}


def _wait_until_ready(
    folder: RunFolder, pid: int | None, is_alive: Callable[[], bool], watch: Watch | None
) -> StackFile:
    """Return `stack.json` once all is ready; with a `pid`, ignore the state of an earlier supervisor."""
    deadline = time.monotonic() + _START_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        was_alive = is_alive()
        state = folder.state()
        if state and pid in {None, state.pid}:
            if watch:
                watch(state)
            if state.phase == "failed":
                raise StackError(state.reason or "the stack failed")
            stack = folder.stack()
            if stack and state.phase == "ready" and all(one.phase in {"ready", "done"} for one in state.processes):
                return stack
        if not was_alive:
            lines = last_lines(folder.log("supervisor"), _REPORTED_LOG_LINES)
            message = "\n".join(["the supervisor ended before the stack was ready", *lines])
            raise StackError(message)
        time.sleep(_POLL_SECONDS)
    raise StackError(
        f"the stack is not ready after {_START_TIMEOUT_SECONDS:g} s; see `make status` and `make logs S=PROCESS`"
    )
