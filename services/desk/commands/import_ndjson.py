"""`pressline import ndjson`: post a file of articles, resumably, with a progress bar."""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import Annotated

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

app = typer.Typer(name="import", help="Import an archive.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Import an archive."""


@app.command()
def ndjson(
    path: Annotated[str, typer.Argument(help="One article a line, as JSON; `-` for standard input.")],
    site: Annotated[str | None, typer.Option(help="The site, if the token has several.")] = None,
    state: Annotated[Path | None, typer.Option(help="The progress file; PATH.pressline-import if not given.")] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Ignore the progress file and start over.")] = False,  # noqa: FBT002
    wait: Annotated[bool, typer.Option("--wait", help="Wait until each article is live or has failed.")] = False,  # noqa: FBT002
    patience: Annotated[float, typer.Option(help="Stop after so many seconds without progress.", min=0)] = 600.0,
) -> None:
    """Post the articles of a file to `POST /v1/batches`, in the bulk lane, so that the day's news goes first.

    Try two articles: `head -2 archive.ndjson | pressline import ndjson - --wait`. Then import the file by name.

    Ctrl-C stops the import. After that, or after a crash or a lost connection, the same command continues.

    The import pauses while the queues are too long. Upload pictures before it (`POST /v1/media`).

    Two lists are written beside the file: PATH.pressline-receipts.ndjson, and PATH.pressline-refused.ndjson with the
    reason of each refusal.

    Exit code 1: an article was refused, or the import was stopped.
    """
    run = _ImportRun(path, state, site=site, patience_seconds=patience)
    try:
        is_ok = run.go(restart=restart, wait=wait)
    except (KeyboardInterrupt, PresslineError) as error:
        run.print_resume_command(error, wait=wait)
        raise typer.Exit(1) from error
    finally:
        run.files.close()
    if not is_ok:
        raise typer.Exit(1)


class _ImportRun:
    """One run of the command, and its output."""

    def __init__(self, source: str, state_path: Path | None, *, site: str | None, patience_seconds: float) -> None:
        self.files = wiring.import_files(source, state_path)
        self._source, self._state_path, self._site = source, state_path, site
        self._patience_seconds = patience_seconds
        self._state: ImportState | None = None

    def go(self, *, restart: bool, wait: bool) -> bool:
        """Send the remaining lines, and watch their receipts with `wait`; return whether no article was refused."""
        state = self._state = self.files.begin(site=self._site, restart=restart)
        if state.line:
            typer.echo(f"Continuing after line {state.line}.", err=True)
        figures = "{task.fields[lines]:,} lines, {task.fields[rate]:,.0f}/s"
        with wiring.endpoint() as endpoint, _progress(figures) as progress:
            shown = _Sending(progress, state)
            post = partial(endpoint.post_batch, site=self._site)
            sending = Import(self.files, post, state, self._waiting(), shown.show)
            sending.run()
        name = self.files.path.name
        typer.echo(f"{name}: {state.line:,} lines, {state.accepted:,} accepted, {state.refused:,} refused.")
        is_ok = not state.refused
        if wait:
            final = self._watch(state)
            counts = ", ".join(f"{count:,} {status}" for status, count in final.by_status.most_common())
            typer.echo(f"Of {final.count:,} accepted: {counts or 'none'}.")
            is_ok = is_ok and ENDED_WELL.issuperset(final.by_status)
        else:
            typer.echo("Workers read the accepted articles next; --wait shows the result.")
        self._print_refused()
        return is_ok

    def print_resume_command(self, error: BaseException, *, wait: bool) -> None:
        """Print the reason of an early end, and the command that continues."""
        why = "Stopped" if isinstance(error, KeyboardInterrupt) else f"Stopped: {printable(str(error))}"
        if self._state is None:
            typer.echo(why, err=True)
        elif self.files.is_stdin:
            lines = f"{self._state.line:,} lines are done"
            typer.echo(f"{why}. {lines}; standard input cannot be read again: send the lines after them.", err=True)
        else:
            options = [*(("--site", self._site) if self._site else ()), *(("--wait",) if wait else ())]
            options += ("--state", str(self._state_path)) if self._state_path else ()
            command = shlex.join(["pressline", "import", "ndjson", self._source, *options])
            typer.echo(f"{why}. {self._state.line:,} lines are done. Continue with:\n  {command}", err=True)

    def _watch(self, state: ImportState) -> FinalStatuses:
        figures = "{task.completed:,} of {task.total:,} finished"
        with wiring.endpoint() as endpoint, _progress(figures) as progress:
            bar = progress.add_task("waiting", total=state.accepted)

            def show(final: FinalStatuses, note: str) -> None:
                progress.update(bar, completed=final.count, description=note or "waiting")

            watch = Watch(endpoint.receipt, self.files.note_refused, self._waiting(), show)
            return watch.run(self.files.receipts())

    def _waiting(self) -> Waiting:
        return Waiting(sleep, monotonic, self._patience_seconds)

    def _print_refused(self) -> None:
        count = 0
        for count, (line, reason) in enumerate(self.files.refused(), 1):
            if count <= _MAX_REASONS_SHOWN:
                typer.echo(f"  line {line}: {in_one_line(reason, _MAX_REASON_CHARS)}")
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
