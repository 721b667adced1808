"""The embedded stack is started, refused, ended and started again."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest

from infra.local.processes import leftovers
from infra.local.settings import StackSettings
from infra.local.stack import start_stack, stop_stack
from infra.local.state import RunFolder
from tests.e2e.test_stack import PROCESSES, run, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def test_a_taken_port_is_named_with_its_setting_before_anything_starts(tmp_path: Path) -> None:
    settings = StackSettings.in_folder(tmp_path / ".run")

    with socket.create_server(("127.0.0.1", settings.api_port)):
        ended = run("up", settings)

    assert ended.returncode == 1
    assert f"port {settings.api_port} for the endpoint is taken" in ended.stderr
    assert "PRESSLINE_API_PORT=" in ended.stderr
    assert not (tmp_path / ".run" / "redis").exists()


def test_up_and_down_keep_the_state_and_a_killed_supervisor_leaves_no_process(tmp_path: Path) -> None:
    settings = StackSettings.in_folder(tmp_path / ".run")
    folder = RunFolder(settings.run_folder)
    try:
        first = start_stack(settings)
        again = start_stack(settings)
        assert again.pids == first.pids

        state = folder.state()
        assert state is not None
        os.kill(state.pid, signal.SIGKILL)
        until(lambda: not leftovers(folder.path))

        second = start_stack(settings)
        assert (second.token, second.s3) == (first.token, first.s3)
        assert set(second.pids) == PROCESSES

        assert stop_stack(settings)
        assert not folder.stack_file.exists()
        assert not leftovers(folder.path)
    finally:
        stop_stack(settings)
