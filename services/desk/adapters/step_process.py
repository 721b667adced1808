"""Runs a step of another service in a process of that service; the desk imports no other service."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

from shared.messaging.pipeline import Step
from shared.runtime.step_events import RUN_STEP


def run_step(step: Step, event: bytes, environment: Mapping[str, str], *, is_dry_run: bool) -> int:
    """Run a step on an event; return its exit code. Its output goes to our stdout and stderr."""
    command = [sys.executable, "-m", f"services.{step.service}", RUN_STEP, step.task_name]
    if is_dry_run:
        command.append("--dry-run")
    return subprocess.run(command, input=event, env={**environment}, check=False).returncode  # noqa: S603 -- ours
