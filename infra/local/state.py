"""The files of the run folder: what tools read (`stack.json`), what `status` reads, the keys, and the lock."""

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
    """The stack cannot do what was asked; the text says why, for a person."""


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


_T = TypeVar("_T", bound=_File)


class S3Access(_File):
    """The store and the pair of keys that may do everything in it."""

    endpoint: str
    access_key: str
    secret_key: str
    content_bucket: str
    public_bucket: str


class StackFile(_File):
    """`stack.json`: where everything is, for tools and tests (architecture, part 9)."""

    api: str
    edge: str
    redis: str
    s3: S3Access
    token: str
    metrics: dict[str, str]
    pids: dict[str, int]


class ProcessState(_File):
    """One process as the supervisor sees it."""

    name: str
    phase: ProcessPhase
    pid: int | None = None
    port: int | None = None
    restarts: int = 0
    started_at: float | None = None


class SupervisorState(_File):
    """`supervisor.json`: how the stack is, for `status` and for whoever waits for it."""

    pid: int
    phase: StackPhase
    reason: str | None = None
    processes: tuple[ProcessState, ...] = ()


class KeyPair(_File):
    """What our own store lets in."""

    access_key: str
    secret_key: str


class RunFolder:
    """The one folder that holds a stack's state."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.logs = path / "logs"
        self.stack_file = path / "stack.json"
        self.token_file = path / "token"
        self._state_file = path / "supervisor.json"
        self._keys_file = path / "s3.keys.json"
        self._lock_file = path / "lock"

    def log(self, name: str) -> Path:
        """Return where a process writes."""
        return self.logs / f"{name}.log"

    def token(self) -> str | None:
        """Return the stack's own token in clear, if one was minted."""
        try:
            return self.token_file.read_text(encoding="utf-8").strip() or None
        except FileNotFoundError:
            return None

    def keep_token(self, token: str) -> None:
        """Keep the token in clear; nothing outside this folder does."""
        write_private(self.token_file, token)

    def key_pair(self) -> KeyPair:
        """Return the key pair of our own store, made at the first call and the same ever after."""
        try:
            return KeyPair.model_validate_json(self._keys_file.read_bytes())
        except (FileNotFoundError, ValidationError):
            pair = KeyPair(access_key=f"pressline-{secrets.token_hex(6)}", secret_key=secrets.token_urlsafe(32))
            self.path.mkdir(parents=True, exist_ok=True)
            write_private(self._keys_file, pair.model_dump_json(indent=2))
            return pair

    def stack(self) -> StackFile | None:
        """Return where everything is, or None while the stack is not up."""
        return _read(self.stack_file, StackFile)

    def write_stack(self, stack: StackFile) -> None:
        """Tell tools where everything is: the whole file or the one before, never half."""
        write_private(self.stack_file, stack.model_dump_json(indent=2) + "\n")

    def remove_stack(self) -> None:
        """Say that nothing is to be found any more."""
        self.stack_file.unlink(missing_ok=True)

    def state(self) -> SupervisorState | None:
        """Return what the supervisor last said, alive or not."""
        return _read(self._state_file, SupervisorState)

    def write_state(self, state: SupervisorState) -> None:
        """Say how the stack is."""
        write_private(self._state_file, state.model_dump_json(indent=2) + "\n")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be this folder's only supervisor; the kernel lets go when we die, however that is.

        Raises:
            StackError: there is one.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with self._lock_file.open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                state = self.state()
                message = f"the stack in {self.path} is up already" + (
                    f" (supervisor: pid {state.pid})" if state else ""
                )
                raise StackError(message) from error
            yield

    def is_supervised(self) -> bool:
        """Return whether a supervisor of this folder lives."""
        try:
            with self._lock_file.open("a") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except FileNotFoundError:
            return False
        return False

    def signal_supervisor(self, number: signal.Signals) -> bool:
        """Return whether a signal reached the living supervisor; never another process."""
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
