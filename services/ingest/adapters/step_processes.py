"""Makes dry runs of other services' steps in processes of these services; ingest imports no other service.

The processes wait for the next dry run, because their start costs a second of CPU time. They end after five idle
minutes, and with the endpoint.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import BoundedSemaphore, Lock, Thread, Timer
from time import monotonic

import structlog

from services.ingest.adapters.step_chain import StepOutput, render_pages
from services.ingest.domain.refusal import DryRunUnavailableError
from services.ingest.ports import RenderedPages
from shared.messaging.messages import ArticlesAccepted
from shared.messaging.pipeline import ENRICH_ARTICLES, RENDER_ARTICLES, Step
from shared.runtime.step_events import RUN_STEP, find_end, read_event

log = structlog.get_logger()

TIMEOUT_SECONDS = 10.0  # of one dry run
START_SECONDS = 20.0  # more for the first dry run of new processes, on a busy machine
MAX_DRY_RUNS = 2  # at the same time, of one endpoint; each has two processes
IDLE_SECONDS = 300.0
_MAX_OUTPUT_BYTES = 160 * 1024 * 1024  # of one step; an event carries objects of up to 64 MiB, in base64
_MAX_PROBLEM_CHARACTERS = 300
_FAILED_ITEM = 1  # the exit code of a step with a failed item
_FAILURE = re.compile(r"failed(?: for [^:]+)?: (.+)")  # the line of `shared/runtime/step_run.py`
_ROOT = Path(__file__).resolve().parents[3]

StartProcess = Callable[[Step], "subprocess.Popen[bytes]"]


def start_process(environment: Mapping[str, str]) -> StartProcess:
    """Return the function that starts the process of a step, with these environment variables."""

    def start(step: Step) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"services.{step.service}", RUN_STEP, step.task_name, "--dry-run", "--serve"]
        return subprocess.Popen(  # noqa: S603 -- our own command
            command,
            cwd=_ROOT,
            env={**environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # each line of the output has its errors
        )

    return start


class StepProcesses:
    """Renders pages in processes; at most some dry runs run at the same time."""

    def __init__(
        self,
        start: StartProcess,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        max_parallel: int = MAX_DRY_RUNS,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._start, self._timeout_seconds, self._idle_seconds = start, timeout_seconds, idle_seconds
        self._free = BoundedSemaphore(max_parallel)
        self._lock = Lock()
        self._idle: list[_Processes] = []

    def __call__(self, message: ArticlesAccepted, objects: Mapping[str, bytes]) -> RenderedPages:
        """Return the pages of accepted articles.

        Raises:
            DryRunUnavailableError: other dry runs run, or this one took too long.
        """
        if not self._free.acquire(blocking=False):
            raise DryRunUnavailableError("other dry runs are running")
        try:
            processes = self._take()
            try:
                start_seconds = 0.0 if processes.idle_since else START_SECONDS
                processes.deadline = monotonic() + self._timeout_seconds + start_seconds
                rendered = render_pages(message, objects, processes.run_step)
            except BaseException:  # also of a cancelled request: the output of these processes is unknown
                processes.end()
                raise
            self._put_back(processes)
            return rendered
        finally:
            self._free.release()

    def close(self) -> None:
        """End all idle processes."""
        with self._lock:
            idle, self._idle = self._idle, []
        for processes in idle:
            processes.end()

    def _take(self) -> _Processes:
        """Return idle processes that still run, or new ones."""
        while True:
            with self._lock:
                processes = self._idle.pop() if self._idle else None
            if processes is None:
                return _Processes(self._start)
            if processes.are_running:
                return processes
            processes.end()

    def _put_back(self, processes: _Processes) -> None:
        with self._lock:
            self._idle.append(processes)
            processes.idle_since = monotonic()
        timer = Timer(self._idle_seconds, self._end_if_idle, (processes, processes.idle_since))
        timer.daemon = True
        timer.start()

    def _end_if_idle(self, processes: _Processes, since: float) -> None:
        with self._lock:
            if processes not in self._idle or processes.idle_since != since:
                return
            self._idle.remove(processes)
        processes.end()


class _Processes:
    """The processes of one dry run at a time. Both start at once, so that each imports its code meanwhile."""

    def __init__(self, start: StartProcess) -> None:
        self.deadline = self.idle_since = 0.0
        self._of = {step: _Process(start(step)) for step in (ENRICH_ARTICLES, RENDER_ARTICLES)}

    @property
    def are_running(self) -> bool:
        return all(each.process.poll() is None for each in self._of.values())

    def run_step(self, step: Step, event: bytes) -> StepOutput:
        """Return the output of a dry run of a step.

        Raises:
            DryRunUnavailableError: the process did not answer in time, wrote too much, or did not work at all.
        """
        follow_ups, code, errors = self._of[step].run(event, self.deadline)
        if code not in (0, _FAILED_ITEM):
            reason = errors[-_MAX_PROBLEM_CHARACTERS:]
            log.warning("dry_run.failed", step=step.task_name, exit_code=code, reason=reason)
            raise DryRunUnavailableError(f"the step {step.task_name} did not work; the endpoint's log has the reason")
        return StepOutput(follow_ups, _problems(errors) if code else ())

    def end(self) -> None:
        for each in self._of.values():
            each.end()


class _Process:
    """One process. A thread reads its output, so that a read can end at a deadline."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._lines: SimpleQueue[bytes] = SimpleQueue()  # an empty line: the output has ended
        Thread(target=self._read, name="dry-run-output", daemon=True).start()

    def run(self, event: bytes, deadline: float) -> tuple[bytes, int, str]:
        """Return the follow-ups of an event, the exit code and the errors."""
        Thread(target=self._write, args=(event,), name="dry-run-input", daemon=True).start()
        follow_ups = bytearray()
        while len(follow_ups) <= _MAX_OUTPUT_BYTES:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - monotonic()))
            except Empty as error:
                raise DryRunUnavailableError("the dry run took too long") from error
            if not line.endswith(b"\n"):
                return b"", self.process.wait() or -1, "the process ended early, or wrote too long a line"
            if len(line) < _MAX_OUTPUT_BYTES and (end := find_end(read_event(line))):
                return bytes(follow_ups), *end
            follow_ups += line
        raise DryRunUnavailableError("the dry run wrote too much")

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        with suppress(OSError):
            if self.process.stdin is not None:
                self.process.stdin.close()

    def _write(self, event: bytes) -> None:
        with suppress(OSError, ValueError):  # the process has ended, which its reader notices
            if self.process.stdin is not None:
                self.process.stdin.write(event + b"\n")
                self.process.stdin.flush()

    def _read(self) -> None:
        out = self.process.stdout
        while out is not None:
            line = out.readline(_MAX_OUTPUT_BYTES)
            self._lines.put(line)
            if not line.endswith(b"\n"):
                self.process.kill()
                out.close()
                return


def _problems(text: str) -> tuple[str, ...]:
    """Return the reasons of failed items from the lines of stderr, without control characters."""
    found = (_FAILURE.match(line) for line in text.splitlines())
    return tuple("".join(filter(str.isprintable, each[1]))[:_MAX_PROBLEM_CHARACTERS] for each in found if each)
