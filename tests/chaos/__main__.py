"""Everything breaks while a newsroom posts: `make chaos` (ARGS="--seed 7 --articles 400 --short").

A stack of its own is posted to by several senders, every revision twice and in any order, while its processes are
killed, publishers stopped, Redis flushed and killed, and the store taken away. Then everything that was acknowledged is
looked up, at the edge and in the bucket. It ends with 1 if one thing is wrong, and names the folder that tells why.
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
from tests.chaos.run import Plan, ReceiptStatus, Run

_ARTICLES, _ARTICLES_SHORT = 400, 120
_LINE_EVERY_SECONDS = 10.0

console = Console()


def main() -> None:
    """Run once, by the seed that is given or by one of its own."""
    plan = _asked()
    console.print(f"seed {plan.seed}")
    folder = Path(tempfile.mkdtemp(prefix="pressline-chaos-"))
    try:
        outcome = _run(plan, folder)
    except KeyboardInterrupt:
        console.print(f"stopped; the logs so far are in {folder}", soft_wrap=True)
        sys.exit(130)
    show(outcome, console)
    if outcome.wrong:
        console.print(f"see {folder / REPORT}, and the logs beside it", soft_wrap=True)
        sys.exit(1)
    shutil.rmtree(folder)


def _asked() -> Plan:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, help="repeat a run's posts and faults (default: a new one)")
    parser.add_argument("--articles", type=int, help=f"how many (default {_ARTICLES}, short {_ARTICLES_SHORT})")
    parser.add_argument("--short", action="store_true", help="every kind of fault once: what CI runs")
    asked = parser.parse_args()
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(1_000_000)
    return Plan(seed, asked.articles or (_ARTICLES_SHORT if asked.short else _ARTICLES), asked.short)


def _run(plan: Plan, folder: Path) -> ReceiptStatus:
    settings = StackSettings.in_folder(folder / "stack")
    console.print("Starting a stack of its own …")
    bar = Progress(BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console, transient=True)
    bar.disable = not console.is_terminal
    with embedded_stack(settings) as stack, bar:
        task, said_at = bar.add_task("", total=1.0), 0.0

        def tell(words: str, share: float) -> None:
            nonlocal said_at
            bar.update(task, description=words, completed=share)
            if not console.is_terminal and time.monotonic() - said_at >= _LINE_EVERY_SECONDS:
                said_at = time.monotonic()
                console.print(words, soft_wrap=True)

        run = Run(plan, settings, stack, tell)
        outcome = run.go(dump)
    outcome.figures |= repetitions(run.folder)
    return outcome


if __name__ == "__main__":
    main()
