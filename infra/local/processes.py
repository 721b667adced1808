"""Child processes: started so that they cannot outlive us, stopped with all that they forked, and read from /proc."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

OWNER_VARIABLE = "PRESSLINE_SUPERVISED_IN"
"""In the environment of every child: the run folder that it belongs to. It is how leftovers are known as ours."""

_LAUNCHER = Path(__file__).with_name("launch.py")
_POLL_SECONDS = 0.02
_LOG_LIMIT_BYTES = 10 * 1024 * 1024
_TAIL_BYTES = 16 * 1024


class Child:
    """A running command in a process group of its own; its output goes to a log, or where ours goes without one."""

    def __init__(self, name: str, command: Sequence[str], *, log: Path | None, environment: Mapping[str, str]) -> None:
        self.name = name
        self.log = log
        self.started_at = time.time()
        with _opened(log) as output:
            self._log_begins = output.tell() if output else 0
            self._process = subprocess.Popen(  # noqa: S603 -- our own commands, no shell
                [sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid()), *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=None if log is None else subprocess.STDOUT,
                env=dict(environment),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Return the pid of the command itself: its launcher became it."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Return None while it runs; negative for a signal, as subprocess has it."""
        if self._process.returncode is None and _has_ended(self.pid):
            # Its forks (a Celery worker's pool) go with it. As a zombie it still holds its number, so nobody else's
            # processes can be meant.
            self._signal_group(signal.SIGKILL)
        return self._process.poll()

    @property
    def is_running(self) -> bool:
        """Return whether the command has not ended."""
        return self.exit_code is None

    def terminate(self) -> None:
        """Ask it to finish what it does and end."""
        if self.is_running:
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it and everything that it forked, at once."""
        if self._process.returncode is None:
            self._signal_group(signal.SIGKILL)
            self._process.wait()

    def stop(self, grace_seconds: float = 10.0) -> None:
        """Ask it to end, wait, and kill what is left after the grace."""
        self.terminate()
        wait_until_ended([self], grace_seconds)
        self.kill()

    def last_lines(self, count: int = 12) -> list[str]:
        """Return the end of its log; nothing of what one before it wrote there."""
        return last_lines(self.log, count, from_byte=self._log_begins) if self.log else []

    def _signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


def start_detached(command: Sequence[str], *, log: Path, environment: Mapping[str, str]) -> int:
    """Return the pid of a command that outlives us; its output goes to the log."""
    with _opened(log) as output:
        launched = subprocess.run(  # noqa: S603 -- our own commands, no shell
            [sys.executable, "-I", "-S", str(_LAUNCHER), "detached", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
            env=dict(environment),
            check=True,
        )
    return int(launched.stdout)


def is_running(pid: int) -> bool:
    """Return whether a process of that number lives; one that ended and was not yet noticed by its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until_ended(children: Sequence[Child], timeout_seconds: float) -> bool:
    """Return whether all ended within the time."""
    deadline = time.monotonic() + timeout_seconds
    while any(child.is_running for child in children):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def rotate(log: Path, limit_bytes: int = _LOG_LIMIT_BYTES) -> None:
    """Put a log aside (as `.1`, replacing the one before) once it is larger than the limit."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > limit_bytes:
            log.replace(log.with_name(f"{log.name}.1"))


def trim(log: Path, limit_bytes: int = _LOG_LIMIT_BYTES) -> None:
    """Do the same to a log that somebody is writing: every writer appends, so what is cut off stays cut off."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > limit_bytes:
            shutil.copyfile(log, log.with_name(f"{log.name}.1"))
            os.truncate(log, 0)


def last_lines(log: Path, count: int, *, from_byte: int = 0) -> list[str]:
    """Return the last lines of a log, however long it is; `from_byte` leaves out what is older."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            begin = from_byte if from_byte <= size else 0  # it was cut meanwhile
            file.seek(max(begin, size - _TAIL_BYTES))
            return file.read().decode(errors="replace").splitlines()[-count:]
    except FileNotFoundError:
        return []


def memory_bytes(pid: int) -> int:
    """Return what a process and everything that it forked (its session) take of the machine's memory, in bytes.

    A page that several processes share, as a worker and its child do, is divided among them (PSS).
    """
    return sum(_own_bytes(member) for member in _session_members(pid))


def leftovers(run_folder: Path) -> list[int]:
    """Return the pids of processes that an earlier supervisor of this folder started and that still run."""
    mark = f"{OWNER_VARIABLE}={run_folder}".encode()
    return [pid for pid in _pids() if pid != os.getpid() and mark in _environment(pid).split(b"\0")]


def kill_leftovers(run_folder: Path, timeout_seconds: float = 5.0) -> list[int]:
    """Kill what an earlier supervisor of this folder left behind; return the pids."""
    found = leftovers(run_folder)
    for pid in found:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + timeout_seconds
    while leftovers(run_folder) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return found


@contextlib.contextmanager
def _opened(log: Path | None) -> Iterator[IO[bytes] | None]:
    if log is None:
        yield None
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    rotate(log)
    with log.open("ab") as output:
        yield output


def _has_ended(pid: int) -> bool:
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").glob("[0-9]*"))


def _environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:  # gone, or another user's
        return b""


def _session_members(leader: int) -> Iterator[int]:
    for pid in _pids():
        with contextlib.suppress(OSError):
            if os.getsid(pid) == leader:
                yield pid


def _own_bytes(pid: int) -> int:
    try:
        shares = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in shares.splitlines() if line.startswith("Pss:")) * 1024
    except (OSError, StopIteration):
        return _resident_bytes(pid)


def _resident_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
