"""`pressline backup`: copy the content bucket to a second bucket, or restore from there."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from services.desk import wiring
from services.desk.handler.backup import BackupCounts, BackupDeps, TooManyFailuresError, back_up, restore

_COPY_THREADS = 8
_MAX_FAILURES_SHOWN = 10


def backup(
    is_restore: Annotated[bool, typer.Option("--restore", help="Copy missing objects back.")] = False,  # noqa: FBT002
    prefix: Annotated[str, typer.Option(help="Only keys with this prefix, such as articles/epn/.")] = "",
) -> None:
    """Copy the content bucket to a second bucket (PRESSLINE_BACKUP_BUCKET), or restore from there.

    Copies only objects that are missing or differ, and verifies each copy. After an interruption, run it again: it
    copies the rest. Nothing is deleted.

    --restore overwrites nothing. Tokens and dead letters may be missing on purpose: they come back only if --prefix
    names them.

    Exit code 1: some objects could not be copied.
    """
    console = Console()
    content, backup_bucket = wiring.content(), wiring.backup()
    if is_restore:
        source, target, copy = backup_bucket, content, restore
    else:
        source, target, copy = content, backup_bucket, back_up
        backup_bucket.ensure_bucket()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[copied]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(f"{source.bucket} → {target.bucket}", total=None, copied="counting")
        progress.update(task, total=sum(1 for _ in source.list_keys(prefix)))

        def show(counts: BackupCounts) -> None:
            copied = f"{counts.copied} copied ({decimal(counts.copied_bytes)}), {len(counts.failures)} failed"
            progress.update(task, completed=counts.examined, copied=copied)

        try:
            counts = copy(BackupDeps(source, target, _COPY_THREADS, show), prefix)
        except TooManyFailuresError as error:
            console.print(Text(f"stopped: {error}", style="red"), soft_wrap=True)
            raise typer.Exit(1) from error
        except KeyboardInterrupt as error:
            console.print("stopped; copied objects stay, and a second run copies the rest")
            raise typer.Exit(130) from error
    _print_summary(console, counts, f"{source.bucket} → {target.bucket}")
    if counts.failures:
        raise typer.Exit(1)


def _print_summary(console: Console, counts: BackupCounts, direction: str) -> None:
    """Print the counts and the first failures."""
    line = (
        f"{direction}: {counts.copied} copied ({decimal(counts.copied_bytes)}), {counts.already_there} already there,"
    )
    console.print(
        Text(f"{line} {len(counts.failures)} failed", style="red" if counts.failures else "green"), soft_wrap=True
    )
    if counts.left_out:
        missing = f"not restored: {counts.left_out} tokens or dead letters, which may be missing on purpose"
        console.print(f"{missing} (--prefix tokens/ restores tokens)", soft_wrap=True)
    for failure in counts.failures[:_MAX_FAILURES_SHOWN]:
        console.print(Text(f"  {failure}", style="red"), soft_wrap=True)
