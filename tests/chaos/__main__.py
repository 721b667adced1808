"""Faults under load: `make chaos` (ARGS="--seed 7 --articles 400 --short").

The run starts its own stack. Several senders post every revision twice, in random order. Meanwhile processes are
killed, publishers are stopped, Redis is flushed and killed, and the store is stopped. Then every acknowledged article
is checked, at the edge and in the bucket. The run ends with 1 if there is a defect, and prints the report's folder.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from infra.local.settings import StackSettings
from infra.local.stack import embedded_stack
from tests.chaos.report import REPORT, dump, repetitions, show
from tests.chaos.run import Plan, Run, RunResult

_ARTICLE_COUNT, _SHORT_ARTICLE_COUNT = 400, 120
_LINE_INTERVAL_SECONDS = 10.0

console = Console()


def main() -> None:
    """Run once, with the given seed or a random one."""
    plan = _parse_plan()
    console.print(f"seed {plan.seed}")
    folder = Path(tempfile.mkdtemp(prefix="pressline-chaos-"))
    try:
        result = _run(plan, folder)
    except KeyboardInterrupt:
        console.print(f"stopped; the logs so far are in {folder}", soft_wrap=True)
        sys.exit(130)
    show(result, console)
    if result.defects:
        console.print(f"see {folder / REPORT}, and the logs in that folder", soft_wrap=True)
        sys.exit(1)
    shutil.rmtree(folder)


def _parse_plan() -> Plan:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, help="repeat the posts and faults of a run (default: a random seed)")
    parser.add_argument(
        "--articles", type=int, help=f"number of articles (default {_ARTICLE_COUNT}, short {_SHORT_ARTICLE_COUNT})"
    )
    parser.add_argument("--short", action="store_true", help="every kind of fault once, as CI runs it")
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().randrange(1_000_000)
    return Plan(
        seed, arguments.articles or (_SHORT_ARTICLE_COUNT if arguments.short else _ARTICLE_COUNT), arguments.short
    )


def _run(plan: Plan, folder: Path) -> RunResult:
    settings = StackSettings.in_folder(folder / "stack")
    console.print("Starting a stack …")
    bar = Progress(BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console, transient=True)
    bar.disable = not console.is_terminal
    with embedded_stack(settings) as stack, bar:
        task, printed_at = bar.add_task("", total=1.0), 0.0

        def show_progress(words: str, share: float) -> None:
            nonlocal printed_at
            bar.update(task, description=words, completed=share)
            if not console.is_terminal and time.monotonic() - printed_at >= _LINE_INTERVAL_SECONDS:
                printed_at = time.monotonic()
                console.print(words, soft_wrap=True)

        run = Run(plan, settings, stack, show_progress)
        result = run.go(dump)
    result.figures |= repetitions(run.folder)
    return result


if __name__ == "__main__":
    main()
