"""The stack as a whole: run it here, start it in the background, stop it, or have one for the length of a `with`."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from infra.local.keeper import CannotStartError, Keeper, Report
from infra.local.plan import programs_of, stack_file
from infra.local.ports import PortTakenError, check_ports
from infra.local.processes import Child, is_running, kill_leftovers, last_lines, start_detached
from infra.local.servers import ServerError
from infra.local.settings import STOP_GRACE_SECONDS, StackSettings
from infra.local.state import RunFolder, StackError, StackFile, SupervisorState
from infra.local.supervisor import NUDGE, Supervisor

_POLL_SECONDS = 0.05
_STOP_MARGIN_SECONDS = 15.0  # beyond the services' own grace
_START_LIMIT_SECONDS = 240.0
_SPOKEN_LINES = 15

Watch = Callable[[SupervisorState], None]
"""Takes the state whenever it was read, to show progress."""


def run_stack(settings: StackSettings, report: Report) -> None:
    """Be the supervisor until a signal says stop.

    Raises:
        StackError: it runs already, a port is taken, a server is not installed, or a program cannot start.
    """
    folder = RunFolder(settings.run_folder)
    with folder.locked():
        folder.remove_stack()
        if left := kill_leftovers(folder.path):
            report(f"an earlier supervisor left {len(left)} processes behind; they were ended", [])
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
    """Writes `stack.json` once all is ready, and again whenever a process came or went after that."""

    def __init__(self, settings: StackSettings, folder: RunFolder) -> None:
        self._settings = settings
        self._folder = folder
        self._was_ready = False

    def __call__(self, keepers: Sequence[Keeper]) -> None:
        self._was_ready = self._was_ready or all(keeper.is_ready for keeper in keepers)
        if self._was_ready:
            self._folder.write_stack(stack_file(self._settings, self._folder, keepers))


def start_stack(settings: StackSettings, watch: Watch | None = None) -> StackFile:
    """Return where everything is once all is ready, under a supervisor of its own that outlives us.

    Where one runs already, it starts at once what is down.

    Raises:
        StackError: with the reason for which it cannot start.
    """
    folder = RunFolder(settings.run_folder)
    if folder.signal_supervisor(NUDGE):
        return _wait_until_ready(folder, None, folder.is_supervised, watch)
    pid = start_detached(supervisor_command(), log=folder.log("supervisor"), environment=_environment(settings))
    return _wait_until_ready(folder, pid, lambda: is_running(pid), watch)


def stop_stack(settings: StackSettings) -> bool:
    """Stop everything, its state kept; return whether anything ran.

    Raises:
        StackError: it does not end.
    """
    folder = RunFolder(settings.run_folder)
    was_up = folder.signal_supervisor(signal.SIGTERM)
    deadline = time.monotonic() + STOP_GRACE_SECONDS + _STOP_MARGIN_SECONDS
    while folder.is_supervised():
        if time.monotonic() >= deadline:
            state = folder.state()
            message = f"the supervisor (pid {state.pid if state else 'unknown'}) does not end"
            raise StackError(message)
        time.sleep(_POLL_SECONDS)
    left = kill_leftovers(folder.path)
    folder.remove_stack()
    return was_up or bool(left)


@contextmanager
def embedded_stack(settings: StackSettings, *, is_quiet: bool = True) -> Iterator[StackFile]:
    """Have a stack that is ready inside the block and gone after it, even if we are killed; call from the main thread.

    `StackSettings.in_folder(tmp_path)` gives it free ports. `RunFolder(settings.run_folder).stack()` reads
    `stack.json` again, after something in it was killed and came back. Unless quiet, the supervisor speaks on stdout.

    Raises:
        StackError: with the reason for which it cannot start.
    """
    folder = RunFolder(settings.run_folder)
    if folder.is_supervised():
        message = f"the stack in {folder.path} is up already"
        raise StackError(message)
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
    """Return the command that is a supervisor, its settings in the environment."""
    return [sys.executable, "-m", "infra.local", "run", "--child"]


def _environment(settings: StackSettings) -> dict[str, str]:
    return {**os.environ, **settings.as_environment(), "PYTHONUNBUFFERED": "1"}


def _wait_until_ready(
    folder: RunFolder, pid: int | None, is_alive: Callable[[], bool], watch: Watch | None
) -> StackFile:
    """Return where everything is; `pid` tells the supervisor's words from those of one before it."""
    deadline = time.monotonic() + _START_LIMIT_SECONDS
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
            lines = last_lines(folder.log("supervisor"), _SPOKEN_LINES)
            message = "\n".join(["the supervisor ended before the stack was ready", *lines])
            raise StackError(message)
        time.sleep(_POLL_SECONDS)
    message = f"the stack was not ready within {_START_LIMIT_SECONDS:g} s; `make status` and `make logs S=…` tell more"
    raise StackError(message)
