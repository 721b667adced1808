"""The supervisor, with small programs of the tests' own in place of the services."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.local.processes import Child, kill_leftovers, leftovers, trim
from infra.local.program_runner import CannotStartError, Program, ProgramRunner, RestartPolicy
from infra.local.state import RunFolder, SupervisorState

_DEADLINE_SECONDS = 20.0

# A supervisor in a process of its own: takes the folder and a JSON list of [name, code, stage]. A program is ready once
# its log has "up".
_SUPERVISOR = """
import json, os, sys
from pathlib import Path
from infra.local.program_runner import CannotStartError, RestartPolicy, Program
from infra.local.processes import OWNER_VARIABLE
from infra.local.state import RunFolder
from infra.local.supervisor import Supervisor

folder = RunFolder(Path(sys.argv[1]))
environment = {**os.environ, OWNER_VARIABLE: str(folder.path)}
programs = [
    Program(
        name,
        (sys.executable, "-c", code),
        environment,
        is_ready=lambda log=folder.log(name): b"up" in log.read_bytes(),
        stage=stage,
        grace_seconds=2,
    )
    for name, code, stage in json.loads(sys.argv[2])
]
try:
    Supervisor(
        programs,
        folder,
        report=lambda text, lines: print(text, *lines, sep="\\n", flush=True),
        changed=lambda runners: None,
        policy=RestartPolicy(first_wait_seconds=0.01),
    ).run()
except CannotStartError as error:
    sys.exit(str(error))
"""
_SLEEPER = "import time; print('up', flush=True); time.sleep(600)"
_FORKING_SLEEPER = "import os, time; os.fork(); print('up', flush=True); time.sleep(600)"
_DYING = "import sys; print('no site is configured'); sys.exit(3)"


class Started:
    """A supervisor at work."""

    def __init__(self, folder: Path, programs: list[tuple[str, str, int]]) -> None:
        self.folder = RunFolder(folder)
        self.process = subprocess.Popen(
            [sys.executable, "-c", _SUPERVISOR, str(folder), json.dumps(programs)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def state_where(self, is_so: Callable[[SupervisorState], bool]) -> SupervisorState:
        found: list[SupervisorState] = []

        def look() -> bool:
            state = self.folder.state()
            if state and state.pid == self.process.pid and is_so(state):
                found.append(state)
            return bool(found)

        until(look)
        return found[0]

    def ready(self) -> SupervisorState:
        return self.state_where(
            lambda state: state.phase == "ready" and all(p.phase == "ready" for p in state.processes)
        )

    def pid_of(self, name: str) -> int:
        state = self.folder.state()
        assert state is not None
        pid = next(process.pid for process in state.processes if process.name == name)
        assert pid is not None
        return pid


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[..., Started]]:
    started: list[Started] = []

    def start(*programs: tuple[str, str, int]) -> Started:
        started.append(Started(tmp_path, list(programs)))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.terminate()
        one.process.communicate(timeout=_DEADLINE_SECONDS)
    assert not leftovers(tmp_path)


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.01)


def test_a_child_that_dies_is_started_again(supervise: Callable[..., Started]) -> None:
    stack = supervise(("render", _SLEEPER, 0), ("publish", _SLEEPER, 0))
    stack.ready()
    killed, spared = stack.pid_of("render"), stack.pid_of("publish")

    os.kill(killed, signal.SIGKILL)
    after = stack.state_where(lambda state: state.processes[0].restarts == 1 and state.processes[0].phase == "ready")

    assert after.processes[0].pid != killed
    assert after.processes[1].pid == spared


def test_what_a_dead_child_forked_dies_with_it(supervise: Callable[..., Started], tmp_path: Path) -> None:
    stack = supervise(("render", _FORKING_SLEEPER, 0))
    stack.ready()
    until(lambda: len(leftovers(tmp_path)) == 2)
    before = set(leftovers(tmp_path))

    os.kill(stack.pid_of("render"), signal.SIGKILL)

    until(lambda: before.isdisjoint(leftovers(tmp_path)))


def test_one_that_cannot_start_ends_all_with_the_reason(supervise: Callable[..., Started], tmp_path: Path) -> None:
    stack = supervise(("redis", _SLEEPER, 0), ("render", _DYING, 0))

    _, errors = stack.process.communicate(timeout=_DEADLINE_SECONDS)

    assert stack.process.returncode == 1
    assert "render cannot start: it ended with exit code 3, 3 times in a row" in errors
    assert "no site is configured" in errors
    assert not leftovers(tmp_path)
    state = stack.folder.state()
    assert state is not None
    assert state.phase == "failed"


def test_a_stage_waits_for_the_one_before_it(supervise: Callable[..., Started], tmp_path: Path) -> None:
    stack = supervise(("redis", _DYING, 0), ("render", f"open({str(tmp_path / 'began')!r}, 'w')", 1))

    stack.process.communicate(timeout=_DEADLINE_SECONDS)

    assert not (tmp_path / "began").exists()


def test_no_child_outlives_a_killed_supervisor(supervise: Callable[..., Started], tmp_path: Path) -> None:
    stack = supervise(("redis", _SLEEPER, 0), ("render", _SLEEPER, 1))
    stack.ready()

    stack.process.kill()

    until(lambda: not leftovers(tmp_path))


def test_what_a_killed_supervisor_left_is_found_and_ended(supervise: Callable[..., Started], tmp_path: Path) -> None:
    stack = supervise(("render", _FORKING_SLEEPER, 0))
    stack.ready()
    until(lambda: len(leftovers(tmp_path)) == 2)
    stack.process.kill()
    until(lambda: len(leftovers(tmp_path)) == 1)  # the fork: the kernel tells children only

    assert len(kill_leftovers(tmp_path)) == 1
    assert not leftovers(tmp_path)


def test_processes_of_another_folder_are_no_leftovers(supervise: Callable[..., Started], tmp_path: Path) -> None:
    stack = supervise(("render", _SLEEPER, 0))
    stack.ready()

    assert not leftovers(tmp_path / "another")


def test_a_stopped_supervisor_stops_its_children(supervise: Callable[..., Started], tmp_path: Path) -> None:
    stack = supervise(("redis", _SLEEPER, 0), ("render", _SLEEPER, 1))
    stack.ready()

    stack.process.terminate()
    stack.process.communicate(timeout=_DEADLINE_SECONDS)

    assert stack.process.returncode == 0
    assert not leftovers(tmp_path)
    state = stack.folder.state()
    assert state is not None
    assert {process.phase for process in state.processes} == {"stopped"}


def test_waits_grow_and_end_at_the_longest(tmp_path: Path) -> None:
    reports: list[str] = []
    runner = _runner(tmp_path, _DYING, reports, RestartPolicy(max_wait_seconds=1.0, max_start_attempts=7))

    with pytest.raises(CannotStartError):
        _run(runner)

    waits = [text.rsplit(" ", 2)[1] for text in reports]
    assert waits == ["0.2", "0.4", "0.8", "1.0", "1.0", "1.0"]


def test_the_last_log_lines_of_a_dead_child_are_shown(tmp_path: Path) -> None:
    reports: list[str] = []
    runner = _runner(tmp_path, _DYING, reports, RestartPolicy(max_start_attempts=2))

    with pytest.raises(CannotStartError, match="no site is configured"):
        _run(runner)


def test_what_an_earlier_child_wrote_is_not_shown_as_the_last_words_of_this_one(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("an old story\n")
    child = Child("x", [sys.executable, "-c", _DYING], log=tmp_path / "log", environment=dict(os.environ))
    until(lambda: not child.is_running)

    assert child.last_lines() == ["no site is configured"]


def test_one_that_never_answers_is_given_up(tmp_path: Path) -> None:
    policy = RestartPolicy(max_start_attempts=1, start_timeout_seconds=0.0)
    program = Program("render", (sys.executable, "-c", _SLEEPER), dict(os.environ), is_ready=lambda: False)
    runner = ProgramRunner(program, log=tmp_path / "log", policy=policy, report=lambda *_: None)

    with pytest.raises(CannotStartError, match="did not answer within 0 s"):
        _run(runner)


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    program = Program("s3", (str(tmp_path / "no-such-weed"),), dict(os.environ), is_ready=lambda: False)
    runner = ProgramRunner(
        program, log=tmp_path / "log", policy=RestartPolicy(max_start_attempts=1), report=lambda *_: None
    )

    with pytest.raises(CannotStartError, match="no-such-weed: No such file"):
        _run(runner)


def test_a_log_that_somebody_writes_is_cut_without_losing_its_end(tmp_path: Path) -> None:
    log = tmp_path / "render.log"
    with log.open("ab") as writer:
        writer.write(b"x" * 100)
        writer.flush()

        trim(log, limit_bytes=50)
        writer.write(b"new")
        writer.flush()

    assert log.read_bytes() == b"new"
    assert (tmp_path / "render.log.1").read_bytes() == b"x" * 100


def test_a_child_ends_within_its_grace(tmp_path: Path) -> None:
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
    )
    child = Child("x", [sys.executable, "-c", stubborn], log=tmp_path / "log", environment=dict(os.environ))
    until(lambda: child.last_lines() == ["up"])

    child.stop(grace_seconds=0.05)

    assert child.exit_code == -signal.SIGKILL


def _runner(tmp_path: Path, code: str, reports: list[str], policy: RestartPolicy) -> ProgramRunner:
    program = Program("render", (sys.executable, "-c", code), dict(os.environ), is_ready=lambda: False)
    return ProgramRunner(program, log=tmp_path / "log", policy=policy, report=lambda text, _: reports.append(text))


def _run(runner: ProgramRunner) -> None:
    """Let the runner's own clock run as fast as its child allows."""
    now = 0.0
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while time.monotonic() < deadline:
        if runner.phase in {"waiting", "restarting"}:
            now += 1_000
        runner.tick(now)
        now += 0.000_001
        time.sleep(0.001)
