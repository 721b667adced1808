"""Child processes: they never outlive this process, end with all their forks, and are measured through /proc."""

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
"""Every child has this variable: the path of its run folder. It marks the leftovers of a killed supervisor."""

_LAUNCHER = Path(__file__).with_name("launch.py")
_POLL_SECONDS = 0.02
_MAX_LOG_BYTES = 10 * 1024 * 1024
_TAIL_BYTES = 16 * 1024


class Child:
    """A running command in its own process group. Its output goes to the log; without a log, to our output."""

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
        """Return the pid of the command; the launcher keeps its pid when it becomes the command."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Return the exit code, negative for a signal, or None while the command runs."""
        if self._process.returncode is None and _has_ended(self.pid):
            # Kill its forks too (a Celery worker's pool). The zombie still holds its pid, so the group is still ours.
            self._signal_group(signal.SIGKILL)
        return self._process.poll()

    @property
    def is_running(self) -> bool:
        """Return whether the command still runs."""
        return self.exit_code is None

    def terminate(self) -> None:
        """Send SIGTERM, so that the command can finish its work."""
        if self.is_running:
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the command and all its forks."""
        if self._process.returncode is None:
            self._signal_group(signal.SIGKILL)
            self._process.wait()

    def stop(self, grace_seconds: float = 10.0) -> None:
        """Send SIGTERM; kill the command and its forks if they still run after `grace_seconds`."""
        self.terminate()
        wait_until_ended([self], grace_seconds)
        self.kill()

    def last_lines(self, count: int = 12) -> list[str]:
        """Return the last log lines of this child; lines of earlier children are left out."""
        return last_lines(self.log, count, from_byte=self._log_begins) if self.log else []

    def _signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


def start_detached(command: Sequence[str], *, log: Path, environment: Mapping[str, str]) -> int:
    """Start a command that outlives this process; return its pid. Its output goes to the log."""
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
    """Return whether a process with this pid runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until_ended(children: Sequence[Child], timeout_seconds: float) -> bool:
    """Wait for the children; return whether all ended within the time."""
    deadline = time.monotonic() + timeout_seconds
    while any(child.is_running for child in children):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def rotate(log: Path, limit_bytes: int = _MAX_LOG_BYTES) -> None:
    """Rename a log that is larger than the limit to `.1`, replacing an older `.1`."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > limit_bytes:
            log.replace(log.with_name(f"{log.name}.1"))


def trim(log: Path, limit_bytes: int = _MAX_LOG_BYTES) -> None:
    """Copy an open log that is larger than the limit to `.1`, then empty it. Its writers append, so no gap appears."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > limit_bytes:
            shutil.copyfile(log, log.with_name(f"{log.name}.1"))
            os.truncate(log, 0)


def last_lines(log: Path, count: int, *, from_byte: int = 0) -> list[str]:
    """Return the last `count` lines of a log, at most 16 KB; lines before `from_byte` are left out."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            begin = from_byte if from_byte <= size else 0  # the log was trimmed since
            file.seek(max(begin, size - _TAIL_BYTES))
            return file.read().decode(errors="replace").splitlines()[-count:]
    except FileNotFoundError:
        return []


def memory_bytes(pid: int) -> int:
    """Return the memory of a process and its forks (its session), in bytes.

    A memory page that several processes share counts once, divided among them (PSS).
    """
    return sum(_own_bytes(member) for member in _session_members(pid))


def leftovers(run_folder: Path) -> list[int]:
    """Return the pids of running processes that an earlier supervisor of this folder started."""
    mark = f"{OWNER_VARIABLE}={run_folder}".encode()
    return [pid for pid in _pids() if pid != os.getpid() and mark in _environment(pid).split(b"\0")]


def kill_leftovers(run_folder: Path, timeout_seconds: float = 5.0) -> list[int]:
    """Kill the running processes of an earlier supervisor of this folder; return their pids."""
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
