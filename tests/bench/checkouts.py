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
"""One run's measures: name with unit -> value."""

_LARGE = 10  # from here on one digit behind the point is enough

console = Console()


@dataclass(frozen=True, slots=True)
class Stand:
    """A stack that runs, and the checkout whose code it runs."""

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
def stand_of(checkout: Path) -> Iterator[Stand]:
    """Have a stack of a checkout's code; the working directory and PYTHONPATH are the checkout's meanwhile.

    The interpreter is ours. Each port is a free one, or the environment's (`PRESSLINE_API_PORT=…`).
    """
    with (
        tempfile.TemporaryDirectory(prefix="pressline-bench-") as name,
        chdir(checkout),
        _python_path(checkout),
    ):
        console.print(f"Starting a stack of its own ({name_of(checkout)}) …")
        settings = _settings_in(Path(name))
        with embedded_stack(settings) as stack:
            folder = RunFolder(settings.run_folder)
            state = folder.state()
            yield Stand(checkout, folder, stack, state.pid if state else 0)


def run_alternately(measure: Callable[[Stand], Figures], against: Path | None, rounds: int) -> dict[str, list[Figures]]:
    """Return the figures of each run, by checkout: a stack of this one, a stack of the other one, and again."""
    found: dict[str, list[Figures]] = {}
    for _ in range(rounds):
        for checkout in (PROJECT, *([against] if against else [])):
            with stand_of(checkout) as stand:
                found.setdefault(stand.name, []).append(measure(stand))
    return found


def show_comparison(title: str, found: Mapping[str, Sequence[Figures]]) -> None:
    """Print the median of each measure, and the ratio of this checkout to the other one."""
    table = Table("", *found, *(["ratio"] if len(found) > 1 else []), title=title, box=None)
    for name in dict.fromkeys(name for runs in found.values() for run in runs for name in run):
        values = [median(run[name] for run in runs if name in run) for runs in found.values()]
        ratio = [f"{values[0] / values[1]:.2f}" if values[1] else "-"] if len(values) > 1 else []
        table.add_row(name, *(f"{value:,.{1 if value >= _LARGE else 2}f}" for value in values), *ratio)
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
