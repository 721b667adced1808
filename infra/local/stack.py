"""The stack as a whole: run it here, start it in the background, stop it, or have one for the length of a `with`."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from infra.local.keeper import CannotStartError, Keeper, Patience, Report
from infra.local.plan import programs_of, stack_file
from infra.local.ports import PortTakenError, check_ports
from infra.local.processes import Child, kill_leftovers, last_lines, launched, rotate
from infra.local.servers import ServerError
from infra.local.settings import PROJECT, StackSettings
from infra.local.state import RunFolder, StackError, StackFile, SupervisorState
from infra.local.supervisor import NUDGE, Supervisor

_POLL_SECONDS = 0.05
_STOP_MARGIN_SECONDS = 15.0  # beyond the services' own grace
_START_LIMIT_SECONDS = 240.0
_STAYS_OPEN = (1, 2)

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

        def changed(keepers: Sequence[Keeper]) -> None:
            if all(keeper.is_ready or keeper.restarts for keeper in keepers):
                folder.write_stack(stack_file(settings, folder, keepers))

        try:
            check_ports(settings.port_needs())
            Supervisor(
                programs_of(settings, folder),
                folder,
                report=report,
                changed=changed,
                patience=Patience(start_timeout_seconds=settings.start_timeout_seconds),
            ).run()
        except (PortTakenError, ServerError, CannotStartError) as error:
            _note_failure(folder, str(error))
            raise StackError(str(error)) from error
        finally:
            folder.remove_stack()


def start_stack(settings: StackSettings, watch: Watch | None = None) -> StackFile:
    """Return where everything is once all is ready, in a supervisor of its own that outlives us.

    Where one runs already, it starts what is down.

    Raises:
        StackError: with the reason for which it cannot start.
    """
    folder = RunFolder(settings.run_folder)
    supervisor: subprocess.Popen[bytes] | None = None
    if not folder.signal_supervisor(NUDGE):
        folder.logs.mkdir(parents=True, exist_ok=True)
        log = folder.log("supervisor")
        rotate(log)
        with log.open("ab") as output:
            supervisor = subprocess.Popen(  # noqa: S603 -- our own command
                supervisor_command(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_environment(settings),
                cwd=PROJECT,
                start_new_session=True,
            )
    return _wait_until_ready(folder, lambda: supervisor is None or supervisor.poll() is None, watch)


def stop_stack(settings: StackSettings) -> bool:
    """Stop everything, state kept; return whether something ran.

    Raises:
        StackError: it does not end.
    """
    folder = RunFolder(settings.run_folder)
    was_up = folder.signal_supervisor(signal.SIGTERM)
    deadline = time.monotonic() + settings.stop_grace_seconds + _STOP_MARGIN_SECONDS
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
    `stack.json` again, after something in it was killed and came back.

    Raises:
        StackError: with the reason for which it cannot start.
    """
    folder = RunFolder(settings.run_folder)
    if folder.is_supervised():
        message = f"the stack in {folder.path} is up already"
        raise StackError(message)
    supervisor = launched(
        "supervisor",
        supervisor_command(),
        log=folder.log("supervisor") if is_quiet else None,
        environment=_environment(settings),
        folder=PROJECT,
    )
    try:
        yield _wait_until_ready(folder, lambda: supervisor.is_running, None)
    finally:
        supervisor.stop(settings.stop_grace_seconds + _STOP_MARGIN_SECONDS)


def supervisor_command() -> list[str]:
    """Return the command that is a supervisor, its settings in the environment."""
    return [sys.executable, "-m", "infra.local", "run", "--plain"]
