"""`pressline import ndjson`: an archive goes in, with a progress bar, and goes on where it was cut short."""

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
from services.desk.domain.imports import Ends, ImportState
from services.desk.domain.printable import in_one_line, printable
from services.desk.handler.imports import ENDED_WELL, Import, Waiting, Watch
from shared.runtime.errors import PresslineError

_SHOWN_REASONS = 10
_REASON_CHARS = 200
_NOTE_CHARS = 80

app = typer.Typer(name="import", help="Bring an archive in.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Bring an archive in."""


@app.command()
def ndjson(
    path: Annotated[str, typer.Argument(help="One article a line, as JSON; `-` for standard input.")],
    site: Annotated[str | None, typer.Option(help="The site, where the token is bound to several.")] = None,
    state: Annotated[
        Path | None, typer.Option(help="Where to keep how far it has come; PATH.pressline-import if not given.")
    ] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Begin anew, whatever is kept.")] = False,  # noqa: FBT002
    wait: Annotated[bool, typer.Option("--wait", help="Wait until each article is live, or refused.")] = False,  # noqa: FBT002
    patience: Annotated[float, typer.Option(help="Seconds without any progress after which to stop.", min=0)] = 600.0,
) -> None:
    """Post the articles of a file, behind the news of the day; `POST /v1/batches` is what takes them.

    To try it with two: `head -2 archive.ndjson | pressline import ndjson - --wait`. The whole: the file's name for `-`.

    Ctrl-C stops it, and the same command goes on, as it does after a crash or a lost connection.

    While too much waits to be published it waits too. Pictures are posted first.

    Beside the file: PATH.pressline-receipts.ndjson, and PATH.pressline-refused.ndjson with what was refused and why.

    Ends with 1 if anything was refused, or if it was stopped.
    """
    run = _Run(path, state, site=site, patience_seconds=patience)
    try:
        is_good = run.go(restart=restart, wait=wait)
    except (KeyboardInterrupt, PresslineError) as error:
        run.say_how_to_go_on(error, wait=wait)
        raise typer.Exit(1) from error
    finally:
        run.files.close()
    if not is_good:
        raise typer.Exit(1)


class _Run:
    """One run of the command, and what is said of it."""

    def __init__(self, source: str, state_path: Path | None, *, site: str | None, patience_seconds: float) -> None:
        self.files = wiring.import_files(source, state_path)
        self._source, self._state_path, self._site = source, state_path, site
        self._patience_seconds = patience_seconds
        self._state: ImportState | None = None

    def go(self, *, restart: bool, wait: bool) -> bool:
        """Send what is left, and watch if that is asked for; tell whether all of it is well."""
        state = self._state = self.files.begin(site=self._site, restart=restart)
        if state.line:
            typer.echo(f"Going on after line {state.line}.", err=True)
        figures = "{task.fields[lines]:,} lines, {task.fields[rate]:,.0f}/s"
        with wiring.endpoint() as endpoint, _progress(figures) as progress:
            shown = _Sending(progress, state)
            post = partial(endpoint.post_batch, site=self._site)
            sending = Import(self.files, post, state, self._waiting(), shown.show)
            sending.run()
        name = self.files.path.name
        typer.echo(f"{name}: {state.line:,} lines, {state.accepted:,} accepted, {state.refused:,} refused at the door.")
        is_good = not state.refused
        if wait:
            ends = self._watch(state)
            counts = ", ".join(f"{count:,} {outcome}" for outcome, count in ends.by_outcome.most_common())
            typer.echo(f"Of {ends.watched:,} accepted: {counts or 'none'}.")
            is_good = is_good and ENDED_WELL.issuperset(ends.by_outcome)
        else:
            typer.echo("What the workers make of them --wait tells.")
        self._say_refused()
        return is_good

    def say_how_to_go_on(self, error: BaseException, *, wait: bool) -> None:
        """Say why it ended early, and with which command it goes on."""
        why = "Stopped" if isinstance(error, KeyboardInterrupt) else f"Stopped: {printable(str(error))}"
        if self._state is None:
            typer.echo(why, err=True)
        elif self.files.is_stdin:
            lines = f"{self._state.line:,} lines were taken"
            typer.echo(f"{why}. {lines}; standard input cannot be read again, so send what comes after them.", err=True)
        else:
            options = [*(("--site", self._site) if self._site else ()), *(("--wait",) if wait else ())]
            options += ("--state", str(self._state_path)) if self._state_path else ()
            command = shlex.join(["pressline", "import", "ndjson", self._source, *options])
            typer.echo(f"{why}. {self._state.line:,} lines are done. Go on with:\n  {command}", err=True)

    def _watch(self, state: ImportState) -> Ends:
        figures = "{task.completed:,} of {task.total:,} at their end"
        with wiring.endpoint() as endpoint, _progress(figures) as progress:
            bar = progress.add_task("waiting", total=state.accepted)

            def show(ends: Ends, note: str) -> None:
                progress.update(bar, completed=ends.watched, description=note or "waiting")

            watch = Watch(endpoint.receipt, self.files.note_refused, self._waiting(), show)
            return watch.run(self.files.receipts())

    def _waiting(self) -> Waiting:
        return Waiting(sleep, monotonic, self._patience_seconds)

    def _say_refused(self) -> None:
        count = 0
        for count, (line, reason) in enumerate(self.files.refused(), 1):
            if count <= _SHOWN_REASONS:
                typer.echo(f"  line {line}: {in_one_line(reason, _REASON_CHARS)}")
        if count:
            more = f"and {count - _SHOWN_REASONS:,} more; " if count > _SHOWN_REASONS else ""
            typer.echo(f"  {more}all of them: {self.files.refused_path}")


class _Sending:
    """The bar of what is sent: by bytes, for nobody has counted the lines."""

    def __init__(self, progress: Progress, state: ImportState) -> None:
        self._progress = progress
        self._first_line, self._began_at = state.line, monotonic()
        total = state.file.size_bytes if state.file else None
        self._bar: TaskID = progress.add_task("", total=total, completed=state.offset, lines=state.line, rate=0.0)

    def show(self, state: ImportState, note: str) -> None:
        """Show how far it is, and why it stands still where it does."""
        rate = (state.line - self._first_line) / max(monotonic() - self._began_at, 0.001)
        counts = f"{state.accepted:,} accepted, {state.refused:,} refused"
        if note:
            counts += f" (waiting: {in_one_line(note, _NOTE_CHARS)})"
        self._progress.update(self._bar, completed=state.offset, lines=state.line, rate=rate, description=counts)


def _progress(figures: str) -> Progress:
    columns = (BarColumn(), TextColumn(figures), TextColumn("{task.description}", markup=False))
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True)
