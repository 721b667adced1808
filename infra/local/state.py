"""The files of the run folder: `stack.json` for tools, `supervisor.json` for `status`, token, keys and lock."""

from __future__ import annotations

import fcntl
import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from infra.local.servers import write_private

ProcessPhase = Literal["waiting", "starting", "ready", "restarting", "done", "stopped"]
StackPhase = Literal["starting", "ready", "stopping", "stopped", "failed"]


class StackError(Exception):
    """The stack cannot do the command; the text gives the operator the reason."""


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


_T = TypeVar("_T", bound=_File)


class S3Access(_File):
    """The store's address, its buckets, and a key pair with all rights."""

    endpoint: str
    access_key: str
    secret_key: str
    content_bucket: str
    public_bucket: str


class StackFile(_File):
    """`stack.json`: addresses, keys and pids, for tools and tests (ADR 3)."""

    api: str
    edge: str
    redis: str
    s3: S3Access
    token: str
    metrics: dict[str, str]
    pids: dict[str, int]


class ProcessState(_File):
    """The supervisor's state of one process."""

    name: str
    phase: ProcessPhase
    pid: int | None = None
    port: int | None = None
    restarts: int = 0
    started_at: float | None = None


class SupervisorState(_File):
    """`supervisor.json`: the state of the stack, for `status` and for processes that wait for the stack."""

    pid: int
    phase: StackPhase
    reason: str | None = None
    processes: tuple[ProcessState, ...] = ()


class KeyPair(_File):
    """The key pair of the embedded store."""

    access_key: str
    secret_key: str


class RunFolder:
    """The folder that holds all state of a stack."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.logs = path / "logs"
        self.stack_file = path / "stack.json"
        self.token_file = path / "token"
        self._state_file = path / "supervisor.json"
        self._keys_file = path / "s3.keys.json"
        self._lock_file = path / "lock"

    def log(self, name: str) -> Path:
        """Return the path of a process's log."""
        return self.logs / f"{name}.log"

    def token(self) -> str | None:
        """Return the stack's own token in clear, or None before the first start."""
        try:
            return self.token_file.read_text(encoding="utf-8").strip() or None
        except FileNotFoundError:
            return None

    def keep_token(self, token: str) -> None:
        """Write the token in clear; it is in clear only in this folder."""
        write_private(self.token_file, token)

    def key_pair(self) -> KeyPair:
        """Return the key pair of the embedded store; the first call makes it."""
        try:
            return KeyPair.model_validate_json(self._keys_file.read_bytes())
        except (FileNotFoundError, ValidationError):
            pair = KeyPair(access_key=f"pressline-{secrets.token_hex(6)}", secret_key=secrets.token_urlsafe(32))
            self.path.mkdir(parents=True, exist_ok=True)
            write_private(self._keys_file, pair.model_dump_json(indent=2))
            return pair

    def stack(self) -> StackFile | None:
        """Return `stack.json`, or None while the stack is down."""
        return _read(self.stack_file, StackFile)

    def write_stack(self, stack: StackFile) -> None:
        """Write `stack.json` atomically."""
        write_private(self.stack_file, stack.model_dump_json(indent=2) + "\n")

    def remove_stack(self) -> None:
        """Delete `stack.json`: the stack is down."""
        self.stack_file.unlink(missing_ok=True)

    def state(self) -> SupervisorState | None:
        """Return the last state that a supervisor wrote; it may have ended since."""
        return _read(self._state_file, SupervisorState)

    def write_state(self, state: SupervisorState) -> None:
        """Write the state of the stack."""
        write_private(self._state_file, state.model_dump_json(indent=2) + "\n")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of this folder's only supervisor; the kernel releases it when this process ends.

        Raises:
            StackError: another supervisor runs.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with self._lock_file.open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                state = self.state()
                message = f"the stack in {self.path} runs already" + (
                    f" (supervisor: pid {state.pid})" if state else ""
                )
                raise StackError(message) from error
            yield

    def is_supervised(self) -> bool:
        """Return whether a supervisor of this folder runs."""
        try:
            with self._lock_file.open("a") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except FileNotFoundError:
            return False
        return False

    def signal_supervisor(self, number: signal.Signals) -> bool:
        """Send the signal to the running supervisor, never to another process; return whether there was one."""
        state = self.state()
        if state is None or not self.is_supervised():
            return False
        command = _command_line(state.pid)
        if b"infra.local" not in command:
            return False
        os.kill(state.pid, number)
        return True


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _read(path: Path, kind: type[_T]) -> _T | None:
    try:
        return kind.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
