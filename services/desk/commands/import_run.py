"""One import of a file: it is sent resumably, with a progress bar; then receipts and refusals are shown."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic, sleep

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from services.desk import wiring
from services.desk.domain.imports import FinalStatuses, ImportState
from services.desk.domain.printable import in_one_line, printable
from services.desk.handler.imports import ENDED_WELL, Import, Waiting, Watch
from shared.runtime.errors import PresslineError

_MAX_REASONS_SHOWN = 10
_MAX_REASON_CHARS = 200
_MAX_NOTE_CHARS = 80


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """The options of an import, as the commands have them."""

    site: str | None
    feed: str | None
    state_path: Path | None
    restart: bool
    wait: bool
    patience_seconds: float


def run_import(kind: str, source: str, options: ImportOptions) -> None:
    """Import a file of a kind: `ndjson`, or one that is split first (`wxr`, `ghost`, `feed`).

    Raises:
        typer.Exit: code 1, an item was refused, or the import was stopped.
    """
    run = _ImportRun(kind, source, options)
    try:
        is_ok = run.go()
    except (KeyboardInterrupt, PresslineError) as error:
        run.print_resume_command(error)
        raise typer.Exit(1) from error
    finally:
        run.files.close()
    if not is_ok:
        raise typer.Exit(1)


class _ImportRun:
    """One run of a command, and its output."""

    def __init__(self, kind: str, source: str, options: ImportOptions) -> None:
        self.files = wiring.import_files(source, options.state_path, kind)
        self._kind, self._source, self._options = kind, source, options
        self._unit = "line" if kind == "ndjson" else "item"
        self._state: ImportState | None = None

    def go(self) -> bool:
        """Send the remaining items, and watch their receipts with `wait`; return whether no article was refused."""
        options, unit = self._options, self._unit
        state = self._state = self.files.begin(site=options.site, feed=options.feed, restart=options.restart)
        if state.line:
            typer.echo(f"Continuing after {unit} {state.line}.", err=True)
        figures = f"{{task.fields[lines]:,}} {unit}s, {{task.fields[rate]:,.0f}}/s"
        with wiring.endpoint() as endpoint, _progress(figures) as progress:
            shown = _Sending(progress, state)
            post = partial(endpoint.post_batch, site=options.site, feed=options.feed)
            sending = Import(self.files, post, state, self._waiting(), shown.show)
            sending.run()
        name = self.files.path.name
        typer.echo(f"{name}: {state.line:,} {unit}s, {state.accepted:,} accepted, {state.refused:,} refused.")
        is_ok = not state.refused
        if options.wait:
            final = self._watch(state)
            counts = ", ".join(f"{count:,} {status}" for status, count in final.by_status.most_common())
            typer.echo(f"Of {final.count:,} accepted: {counts or 'none'}.")
            is_ok = is_ok and ENDED_WELL.issuperset(final.by_status)
        else:
            typer.echo("Workers read the accepted articles next; --wait shows the result.")
        self._print_refused()
        return is_ok

    def print_resume_command(self, error: BaseException) -> None:
        """Print the reason of an early end, and the command that continues."""
        why = "Stopped" if isinstance(error, KeyboardInterrupt) else f"Stopped: {printable(str(error))}"
        if self._state is None:
            typer.echo(why, err=True)
        elif self.files.is_stdin:
            lines = f"{self._state.line:,} lines are done"
            typer.echo(f"{why}. {lines}; standard input cannot be read again: send the lines after them.", err=True)
        else:
            options = self._options
            values = {"--site": options.site, "--feed": options.feed, "--state": options.state_path}
            given = [part for name, value in values.items() if value for part in (name, str(value))]
            wait = ["--wait"] if options.wait else []
            command = shlex.join(["pressline", "import", self._kind, self._source, *given, *wait])
            typer.echo(f"{why}. {self._state.line:,} {self._unit}s are done. Continue with:\n  {command}", err=True)

    def _watch(self, state: ImportState) -> FinalStatuses:
        figures = "{task.completed:,} of {task.total:,} finished"
        with wiring.endpoint() as endpoint, _progress(figures) as progress:
            bar = progress.add_task("waiting", total=state.accepted)

            def show(final: FinalStatuses, note: str) -> None:
                progress.update(bar, completed=final.count, description=note or "waiting")

            watch = Watch(endpoint.receipt, self.files.note_refused, self._waiting(), show)
            return watch.run(self.files.receipts())

    def _waiting(self) -> Waiting:
        return Waiting(sleep, monotonic, self._options.patience_seconds)

    def _print_refused(self) -> None:
        count = 0
        for count, (line, reason) in enumerate(self.files.refused(), 1):
            if count <= _MAX_REASONS_SHOWN:
                typer.echo(f"  {self._unit} {line}: {in_one_line(reason, _MAX_REASON_CHARS)}")
        if count:
            more = f"and {count - _MAX_REASONS_SHOWN:,} more; " if count > _MAX_REASONS_SHOWN else ""
            typer.echo(f"  {more}full list: {self.files.refused_path}")


class _Sending:
    """The progress bar of sending, in bytes, because the number of lines is not known."""

    def __init__(self, progress: Progress, state: ImportState) -> None:
        self._progress = progress
        self._first_line, self._began_at = state.line, monotonic()
        total = state.file.size_bytes if state.file else None
        self._bar: TaskID = progress.add_task("", total=total, completed=state.offset, lines=state.line, rate=0.0)

    def show(self, state: ImportState, note: str) -> None:
        """Show the progress, and the reason for a pause."""
        rate = (state.line - self._first_line) / max(monotonic() - self._began_at, 0.001)
        counts = f"{state.accepted:,} accepted, {state.refused:,} refused"
        if note:
            counts += f" (waiting: {in_one_line(note, _MAX_NOTE_CHARS)})"
        self._progress.update(self._bar, completed=state.offset, lines=state.line, rate=rate, description=counts)


def _progress(figures: str) -> Progress:
    columns = (BarColumn(), TextColumn(figures), TextColumn("{task.description}", markup=False))
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True)
