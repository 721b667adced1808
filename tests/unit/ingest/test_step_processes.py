"""The processes of dry runs: limits of their number, time and output, their reuse, and their failures."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from threading import Event, Thread
from time import monotonic, sleep
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
ANSWER = """
import json, sys
for line in sys.stdin:
    {before}
    print(json.dumps({{"exit_code": {code}, "errors": {errors!r}}}), flush=True)
"""
Started = list["subprocess.Popen[bytes]"]


def answering(code: int = 0, errors: str = "", before: str = "pass") -> str:
    """Return the code of a process that answers each event."""
    return ANSWER.format(code=code, errors=errors, before=before)


@pytest.fixture(autouse=True)
def no_time_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the time limit of a dry run be the whole limit."""
    monkeypatch.setattr(step_processes, "START_SECONDS", 0.0)


@pytest.fixture
def started() -> Iterator[Started]:
    """The processes that the test starts."""
    processes: Started = []
    yield processes
    for each in processes:
        each.kill()
        each.wait()


def running(code: str, started: Started) -> Callable[[Step], subprocess.Popen[bytes]]:
    """Return a start function whose processes run Python code."""

    def start(_: Step) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        started.append(process)
        return process

    return start


def processes_of(code: str, started: Started, **limits: float) -> StepProcesses:
    return StepProcesses(running(code, started), timeout_seconds=limits.pop("timeout_seconds", 60), **limits)  # type: ignore[arg-type]


def test_a_step_without_follow_ups_gives_no_page(started: Started) -> None:
    rendered = processes_of(answering(), started)(MESSAGE, {"articles/x": b"1"})

    assert (rendered.pages, rendered.problems) == ((), ())


def test_the_next_dry_run_uses_the_same_processes(started: Started) -> None:
    processes = processes_of(answering(), started)

    for _ in range(3):
        processes(MESSAGE, {})

    assert len(started) == 2


def test_processes_that_have_died_are_replaced(started: Started) -> None:
    processes = processes_of(answering(), started)
    processes(MESSAGE, {})
    started[0].kill()
    started[0].wait()

    processes(MESSAGE, {})

    assert len(started) == 4


def test_idle_processes_end(started: Started) -> None:
    processes_of(answering(), started, idle_seconds=0.05)(MESSAGE, {})

    until = monotonic() + 30
    while any(each.poll() is None for each in started):
        assert monotonic() < until
        sleep(0.02)


def test_the_reason_of_a_failed_item_is_a_problem(started: Started) -> None:
    errors = "Traceback\nfailed for a: TooDeepError: 400 levels\x1b[31m\n"

    rendered = processes_of(answering(1, errors), started)(MESSAGE, {})

    assert rendered.problems == ("TooDeepError: 400 levels[31m",)


@pytest.mark.parametrize("code", [answering(3), "import sys; sys.exit(9)"])
def test_a_step_that_does_not_work_makes_the_dry_run_unavailable(started: Started, code: str) -> None:
    processes = processes_of(code, started)

    with pytest.raises(DryRunUnavailableError, match=r"enrich\.ArticlesAccepted did not work"):
        processes(MESSAGE, {})

    assert all(each.poll() is not None for each in started)


def test_a_slow_step_is_ended_at_the_time_limit(started: Started) -> None:
    begun = monotonic()

    with pytest.raises(DryRunUnavailableError, match="too long"):
        processes_of("import time; time.sleep(60)", started, timeout_seconds=0.3)(MESSAGE, {})

    assert monotonic() - begun < 30
    assert all(each.poll() is not None for each in started)


@pytest.mark.parametrize("text", ["'x' * 5_000_000", r"'{}\n' * 3000"])
def test_a_step_that_writes_too_much_is_ended(started: Started, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(step_processes, "_MAX_OUTPUT_BYTES", 1000)

    with pytest.raises(DryRunUnavailableError):
        processes_of(answering(before=f"print({text})"), started)(MESSAGE, {})

    assert all(each.poll() is not None for each in started)


def test_a_further_dry_run_is_refused_while_others_run(started: Started) -> None:
    begun = Event()
    start = running("import time; time.sleep(60)", started)

    def noted(step: Step) -> subprocess.Popen[bytes]:
        process = start(step)
        begun.set()
        return process

    processes, failures = StepProcesses(noted, timeout_seconds=3, max_parallel=1), list[Exception]()

    def run() -> None:
        try:
            processes(MESSAGE, {})
        except DryRunUnavailableError as error:
            failures.append(error)

    first = Thread(target=run)
    first.start()
    assert begun.wait(30)

    with pytest.raises(DryRunUnavailableError, match="other dry runs"):
        processes(MESSAGE, {})

    first.join(30)
    assert [str(each) for each in failures] == ["the dry run took too long"]
    with pytest.raises(DryRunUnavailableError, match="too long"):  # the place is free again
        processes(MESSAGE, {})


def test_the_processes_are_those_of_the_steps_services(monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(subprocess, "Popen", lambda command, **_: commands.append(command))

    start_process({"A": "1"})(ENRICH_ARTICLES)

    assert commands == [
        [sys.executable, "-m", "services.enrich", "run-step", "enrich.ArticlesAccepted", "--dry-run", "--serve"]
    ]
