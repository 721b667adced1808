"""The processes of a dry run: limits of their number, time and output, and their failures."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event, Thread
from time import monotonic
from uuid import uuid4

import pytest

from services.ingest.adapters import step_processes
from services.ingest.adapters.step_processes import StepProcesses, start_process
from services.ingest.domain.refusal import DryRunUnavailableError
from shared.messaging.messages import ArticleRevision, ArticlesAccepted
from shared.messaging.pipeline import ENRICH_ARTICLES, Step

MESSAGE = ArticlesAccepted(
    message_id=uuid4(),
    site="epn",
    articles=(ArticleRevision(article="a", revision="r"),),
    begun_at=datetime(2026, 1, 1, tzinfo=UTC),
)
READS = "import sys; sys.stdin.read(); "


def running(
    code: str, started: list[subprocess.Popen[bytes]] | None = None
) -> Callable[[Step], subprocess.Popen[bytes]]:
    """Return a start function whose processes run Python code."""

    def start(_: Step) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        process = subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, stderr=pipe)
        if started is not None:
            started.append(process)
        return process

    return start


def test_a_step_without_follow_ups_gives_no_page() -> None:
    rendered = StepProcesses(running(READS))(MESSAGE, {"articles/x": b"1"})

    assert (rendered.pages, rendered.problems) == ((), ())


def test_the_reason_of_a_failed_item_is_a_problem() -> None:
    code = READS + "sys.stderr.write('Traceback\\nfailed for a: TooDeepError: 400 levels\\x1b[31m\\n'); sys.exit(1)"

    assert StepProcesses(running(code))(MESSAGE, {}).problems == ("TooDeepError: 400 levels[31m",)


def test_a_step_that_does_not_work_makes_the_dry_run_unavailable() -> None:
    with pytest.raises(DryRunUnavailableError, match=r"enrich\.ArticlesAccepted did not end well"):
        StepProcesses(running(READS + "sys.exit(3)"))(MESSAGE, {})


def test_a_slow_step_is_ended_at_the_time_limit() -> None:
    started: list[subprocess.Popen[bytes]] = []
    begun = monotonic()

    with pytest.raises(DryRunUnavailableError, match="too long"):
        StepProcesses(running("import time; time.sleep(60)", started), timeout_seconds=0.3)(MESSAGE, {})

    assert monotonic() - begun < 30
    assert all(process.returncode is not None for process in started)


def test_a_step_that_writes_too_much_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_processes, "_MAX_OUTPUT_BYTES", 1000)

    with pytest.raises(DryRunUnavailableError):
        StepProcesses(running(READS + "print('x' * 5_000_000); sys.stdin.read()"))(MESSAGE, {})


def test_a_further_dry_run_is_refused_while_others_run() -> None:
    begun = Event()
    started: list[subprocess.Popen[bytes]] = []
    start = running(READS + "import time; time.sleep(60)", started)

    def noted(step: Step) -> subprocess.Popen[bytes]:
        begun.set()
        return start(step)

    processes = StepProcesses(noted, timeout_seconds=3, max_parallel=1)
    failures: list[Exception] = []

    def run() -> None:
        try:
            processes(MESSAGE, {})
        except DryRunUnavailableError as error:
            failures.append(error)

    first = Thread(target=run)
    first.start()
    assert begun.wait(10)

    with pytest.raises(DryRunUnavailableError, match="other dry runs"):
        processes(MESSAGE, {})

    for process in [*started]:
        process.kill()
    first.join(10)
    assert failures
    with pytest.raises(DryRunUnavailableError, match=r"did not end well|too long"):
        StepProcesses(running("import sys; sys.exit(9)"), max_parallel=1)(MESSAGE, {})


def test_the_processes_are_those_of_the_steps_services(monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(subprocess, "Popen", lambda command, **_: commands.append(command))

    start_process({"A": "1"})(ENRICH_ARTICLES)

    assert commands == [[sys.executable, "-m", "services.enrich", "run-step", "enrich.ArticlesAccepted", "--dry-run"]]
