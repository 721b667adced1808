"""Stacks of this checkout and of another commit's (`--against DIR`), each with its own code, and their comparison."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from infra.local.settings import PROJECT, StackSettings
from infra.local.stack import embedded_stack
from infra.local.state import RunFolder, StackFile

Figures = Mapping[str, float]
"""The measurements of one run: name with unit -> value."""

_MIN_VALUE_WITH_ONE_DIGIT = 10  # larger values have one digit after the point, smaller ones two

console = Console()


@dataclass(frozen=True, slots=True)
class RunningStack:
    """A running stack, and the checkout of its code."""

    checkout: Path
    folder: RunFolder
    stack: StackFile
    supervisor_pid: int

    @property
    def name(self) -> str:
        """Return the name of the checkout in tables."""
        return name_of(self.checkout)


def name_of(checkout: Path) -> str:
    """Return the name of a checkout in tables: `this`, or the folder's."""
    return "this" if checkout == PROJECT else checkout.name


@contextmanager
def run_stack(checkout: Path) -> Iterator[RunningStack]:
    """Run a stack with a checkout's code; meanwhile the working directory and PYTHONPATH are the checkout's.

    The interpreter is the current one. Each port is free, or from the environment (`PRESSLINE_API_PORT=…`).
    """
    with (
        tempfile.TemporaryDirectory(prefix="pressline-bench-") as name,
        chdir(checkout),
        _python_path(checkout),
    ):
        console.print(f"Starting a stack ({name_of(checkout)}) …")
        settings = _settings_in(Path(name))
        with embedded_stack(settings) as stack:
            folder = RunFolder(settings.run_folder)
            state = folder.state()
            yield RunningStack(checkout, folder, stack, state.pid if state else 0)


def run_alternately(
    measure: Callable[[RunningStack], Figures], against: Path | None, rounds: int
) -> dict[str, list[Figures]]:
    """Return the figures of each run by checkout; the two checkouts run in turn."""
    found: dict[str, list[Figures]] = {}
    for _ in range(rounds):
        for checkout in (PROJECT, *([against] if against else [])):
            with run_stack(checkout) as target:
                found.setdefault(target.name, []).append(measure(target))
    return found


def show_comparison(title: str, found: Mapping[str, Sequence[Figures]]) -> None:
    """Print the median of each measurement, and the ratio of this checkout to the other one."""
    table = Table("", *found, *(["ratio"] if len(found) > 1 else []), title=title, box=None)
    for name in dict.fromkeys(name for runs in found.values() for run in runs for name in run):
        values = [median(run[name] for run in runs if name in run) for runs in found.values()]
        ratio = [f"{values[0] / values[1]:.2f}" if values[1] else "-"] if len(values) > 1 else []
        table.add_row(
            name, *(f"{value:,.{1 if value >= _MIN_VALUE_WITH_ONE_DIGIT else 2}f}" for value in values), *ratio
        )
    console.print(table)


@contextmanager
def _python_path(checkout: Path) -> Iterator[None]:
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(checkout)
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


def _settings_in(run_folder: Path) -> StackSettings:
    given = StackSettings()
    ports = {name: getattr(given, name) for name in given.model_fields_set if name.endswith("_port")}
    return StackSettings.in_folder(run_folder).model_copy(update=ports)
