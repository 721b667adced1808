"""`pressline backup`: a second bucket that holds what the content bucket holds, and the way back."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from services.desk import wiring
from services.desk.handler.backup import BackupCounts, BackupDeps, TooManyFailuresError, back_up, restore

_THREADS = 8
_SHOWN_FAILURES = 10


def backup(
    is_restore: Annotated[bool, typer.Option("--restore", help="Copy back what the content bucket lacks.")] = False,  # noqa: FBT002
    prefix: Annotated[str, typer.Option(help="Only keys that begin so, such as articles/epn/.")] = "",
) -> None:
    """Copy the content bucket to a second one (PRESSLINE_BACKUP_BUCKET), or back from there.

    Only what is missing there or differs is copied, and each copy is verified; run again, it goes on where it was cut
    short. Nothing is deleted. With --restore nothing is written over: tokens and dead letters, which may be missing on
    purpose, come back only where the prefix names them. Ends with 1 if anything could not be copied.
    """
    console = Console()
    content, second = wiring.content(), wiring.backup()
    if is_restore:
        source, target, do = second, content, restore
    else:
        source, target, do = content, second, back_up
        second.ensure_bucket()
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
            progress.update(task, completed=counts.looked_at, copied=copied)

        try:
            counts = do(BackupDeps(source, target, _THREADS, show), prefix)
        except TooManyFailuresError as error:
            console.print(Text(f"stopped: {error}", style="red"), soft_wrap=True)
            raise typer.Exit(1) from error
        except KeyboardInterrupt as error:
            console.print("stopped; what is copied stays copied, and a second run goes on")
            raise typer.Exit(130) from error
    _say(console, counts, f"{source.bucket} → {target.bucket}")
    if counts.failures:
        raise typer.Exit(1)


def _say(console: Console, counts: BackupCounts, way: str) -> None:
    """Print what became of it all, and the first of what failed."""
    line = f"{way}: {counts.copied} copied ({decimal(counts.copied_bytes)}), {counts.there} already there,"
    console.print(
        Text(f"{line} {len(counts.failures)} failed", style="red" if counts.failures else "green"), soft_wrap=True
    )
    if counts.left_out:
        missing = f"left out: {counts.left_out} tokens or dead letters, maybe missing on purpose"
        console.print(f"{missing} (--prefix tokens/ brings them back)", soft_wrap=True)
    for failure in counts.failures[:_SHOWN_FAILURES]:
        console.print(Text(f"  {failure}", style="red"), soft_wrap=True)
