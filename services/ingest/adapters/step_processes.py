"""Runs dry runs of other services' steps as processes of these services; ingest imports no other service."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import BoundedSemaphore
from time import monotonic
from typing import Self

import structlog

from services.ingest.adapters.step_chain import StepOutput, render_pages
from services.ingest.domain.refusal import DryRunUnavailableError
from services.ingest.ports import RenderedPages
from shared.messaging.messages import ArticlesAccepted
from shared.messaging.pipeline import ENRICH_ARTICLES, RENDER_ARTICLES, Step
from shared.runtime.step_events import RUN_STEP

log = structlog.get_logger()

TIMEOUT_SECONDS = 10.0  # of one dry run
MAX_DRY_RUNS = 2  # at the same time, of one endpoint; each has two processes
_MAX_OUTPUT_BYTES = 160 * 1024 * 1024  # of one step; an event carries objects of up to 64 MiB, in base64
_MAX_ERROR_BYTES = 64 * 1024  # of stderr: its end has the reason
_MAX_PROBLEM_CHARACTERS = 300
_CHUNK_BYTES = 64 * 1024
_FAILED_ITEM = 1  # the exit code of a step with a failed item
_ROOT = Path(__file__).resolve().parents[3]

_FAILURE = re.compile(r"failed(?: for [^:]+)?: (.+)")  # the line of `shared/runtime/step_run.py`

StartProcess = Callable[[Step], "subprocess.Popen[bytes]"]


class StepProcesses:
    """Renders pages in processes; at most some dry runs run at the same time."""

    def __init__(
        self, start: StartProcess, *, timeout_seconds: float = TIMEOUT_SECONDS, max_parallel: int = MAX_DRY_RUNS
    ) -> None:
        self._start, self._timeout_seconds = start, timeout_seconds
        self._free = BoundedSemaphore(max_parallel)

    def __call__(self, message: ArticlesAccepted, objects: Mapping[str, bytes]) -> RenderedPages:
        """Return the pages of accepted articles.

        Raises:
            DryRunUnavailableError: other dry runs run, or this one took too long.
        """
        if not self._free.acquire(blocking=False):
            raise DryRunUnavailableError("other dry runs are running")
        try:
            with _Run(self._start, monotonic() + self._timeout_seconds) as run:
                return render_pages(message, objects, run.run_step)
        finally:
            self._free.release()


def start_process(environment: Mapping[str, str]) -> StartProcess:
    """Return the function that starts the process of a step, with these environment variables."""

    def start(step: Step) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"services.{step.service}", RUN_STEP, step.task_name, "--dry-run"]
        return subprocess.Popen(  # noqa: S603 -- our own command
            command,
            cwd=_ROOT,
            env={**environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    return start


class _Run:
    """The processes of one dry run. Both start at once, so that the second imports its code meanwhile."""

    def __init__(self, start: StartProcess, deadline: float) -> None:
        self._start, self._deadline = start, deadline
        self._started: list[subprocess.Popen[bytes]] = []
        self._threads = ThreadPoolExecutor(3, thread_name_prefix="dry-run")
        self._waiting: dict[Step, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        self._waiting = {step: self._begin(step) for step in (ENRICH_ARTICLES, RENDER_ARTICLES)}
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._started:
            process.kill()
            process.wait()
        self._threads.shutdown()
        for process in self._started:
            for pipe in (process.stdin, process.stdout, process.stderr):
                with suppress(OSError):
                    if pipe is not None:
                        pipe.close()

    def run_step(self, step: Step, event: bytes) -> StepOutput:
        """Return the output of a dry run of a step.

        Raises:
            DryRunUnavailableError: the process did not end in time, wrote too much, or did not work at all.
        """
        process = self._waiting.pop(step, None) or self._begin(step)
        self._threads.submit(_write, process, event)
        out = self._threads.submit(_read, process)
        errors = self._threads.submit(_read_end, process)
        try:
            code = process.wait(max(0.0, self._deadline - monotonic()))
        except subprocess.TimeoutExpired as error:
            log.warning("dry_run.timed_out", step=step.task_name)
            raise DryRunUnavailableError("the dry run took too long") from error
        text = errors.result().decode(errors="replace")
        if code not in (0, _FAILED_ITEM):
            log.warning("dry_run.failed", step=step.task_name, exit_code=code, reason=text[-_MAX_PROBLEM_CHARACTERS:])
            raise DryRunUnavailableError(
                f"the step {step.task_name} did not end well; the endpoint's log has the reason"
            )
        return StepOutput(out.result(), _problems(text) if code else ())

    def _begin(self, step: Step) -> subprocess.Popen[bytes]:
        process = self._start(step)
        self._started.append(process)
        return process


def _write(process: subprocess.Popen[bytes], event: bytes) -> None:
    if process.stdin is not None:
        with suppress(BrokenPipeError):  # the process has ended: its exit code tells the reason
            process.stdin.write(event)
            process.stdin.close()


def _read(process: subprocess.Popen[bytes]) -> bytes:
    """Return the output; end a process that writes too much."""
    read = bytearray()
    while process.stdout and (chunk := process.stdout.read(_CHUNK_BYTES)):
        read += chunk
        if len(read) > _MAX_OUTPUT_BYTES:
            process.kill()
            return b""
    return bytes(read)


def _read_end(process: subprocess.Popen[bytes]) -> bytes:
    """Return the end of the error output."""
    read = bytearray()
    while process.stderr and (chunk := process.stderr.read(_CHUNK_BYTES)):
        read += chunk
        del read[:-_MAX_ERROR_BYTES]
    return bytes(read)


def _problems(text: str) -> tuple[str, ...]:
    """Return the reasons of failed items from the lines of stderr, without control characters."""
    found = (_FAILURE.match(line) for line in text.splitlines())
    return tuple("".join(filter(str.isprintable, each[1]))[:_MAX_PROBLEM_CHARACTERS] for each in found if each)
