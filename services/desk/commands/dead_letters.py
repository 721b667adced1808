"""`pressline dead-dead_letters`: what could not succeed, and why; send it again or drop it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from services.desk import wiring
from services.desk.commands.times import FORMS, instant
from services.desk.domain.printable import in_one_line, printable
from services.desk.domain.times import age_of
from services.desk.handler import dead_letters
from services.desk.handler.dead_letters import Selection, StoredDeadLetter, UnreplayableDeadLetterError
from shared.messaging.pipeline import WORKERS
from shared.runtime.dead_letters import item_of
from shared.runtime.errors import PresslineError

app = typer.Typer(
    no_args_is_help=True,
    help="Messages that could not succeed: each was put aside in the content bucket, with payload and reason.\n\n"
    "First `list`, then `show` one. If what it failed at is mended, `replay` sends it to the stage that failed; "
    "nothing newer is overwritten by it, so that replaying too much does no harm. What will never be wanted, `drop`.",
)

_MIN_ID_CHARS = 4

Ids = Annotated[list[str] | None, typer.Argument(metavar="ID", help="Ids as `list` shows them, or how they begin.")]
Service = Annotated[str | None, typer.Option(help=f"Only what this service could not do: {', '.join(WORKERS)}.")]
RevisionsAfter = Annotated[
    datetime | None, typer.Option(parser=instant, metavar="TIME", help=f"Only what was put aside since. {FORMS}")
]
Until = Annotated[
    datetime | None, typer.Option(parser=instant, metavar="TIME", help="Only what was put aside by then.")
]
All = Annotated[bool, typer.Option("--all", help="Every letter there is.")]


@app.command("list")
def list_dead_letters(
    service: Service = None,
    since: RevisionsAfter = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many to show at most.")] = 50,
) -> None:
    """List dead letters, the newest first."""
    content, now = wiring.content(), datetime.now(UTC)
    found = dead_letters.find_dead_letters(content, _selection(None, service, since, until), now)
    table = Table("id", "age", "task", "about", "error", "reason", box=None, pad_edge=False)
    shown = list(islice(found, limit + 1))
    for kept in shown[:limit]:
        dead_letter = kept.dead_letter
        table.add_row(
            Text(dead_letter.id[:8]),
            age_of(dead_letter.buried_at, now),
            Text(in_one_line(dead_letter.task, 40)),
            Text(in_one_line(item_of(dead_letter), 40)),
            Text(in_one_line(dead_letter.error, 40)),
            Text(in_one_line(dead_letter.reason, 120)),
        )
    console = Console()
    if not shown:
        console.print("No dead letters.")
        return
    console.print(table)
    if len(shown) > limit:
        console.print(f"There are more than {limit}; see them with --limit, or fewer with --service and --since.")


@app.command()
def show(
    dead_letter_id: Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it.")],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, which `pressline run` takes.")] = False,  # noqa: FBT002
) -> None:
    """Show all that is known of one letter; what strangers wrote is shown with its control characters spelt out."""
    found = list(
        islice(
            dead_letters.find_dead_letters(
                wiring.content(), _selection([dead_letter_id], None, None, None), datetime.now(UTC)
            ),
            20,
        )
    )
    if not found:
        typer.echo(
            f"No letter's id begins with {printable(dead_letter_id)}; `pressline dead-letters list` shows them.",
            err=True,
        )
        raise typer.Exit(1)
    if len({each.dead_letter.id for each in found}) > 1:
        typer.echo(f"Several begin so: {', '.join(each.dead_letter.id for each in found)}", err=True)
        raise typer.Exit(1)
    dead_letter, now = found[0].dead_letter, datetime.now(UTC)
    if as_json:
        typer.echo(dead_letter.as_json())
        return
    at = f"{dead_letter.buried_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC ({age_of(dead_letter.buried_at, now)} ago)"
    lines = {
        "id": dead_letter.id,
        "key": found[0].key,
        "task": dead_letter.task,
        "put aside": at,
        "attempts": str(dead_letter.attempts),
        "error": dead_letter.error,
        "reason": dead_letter.reason,
    }
    for name, value in lines.items():
        typer.echo(f"{name:<10} {printable(value)}")
    typer.echo("\npayload\n" + printable(json.dumps(dead_letter.payload, indent=2, ensure_ascii=False)))
    typer.echo("\ntraceback\n" + printable(dead_letter.traceback))


@app.command()
def replay(
    ids: Ids = None,
    service: Service = None,
    since: RevisionsAfter = None,
    until: Until = None,
    every: All = False,  # noqa: FBT002
) -> None:
    """Send letters to the stage that failed, once more.

    Stop it with Ctrl-C and run it again as you like: what was not sent is still there, and nothing is lost.

    For one: `replay 3f2a`. For an hour's: `replay --service render --since 1h`. For all: `replay --all`.
    """
    selection = _chosen(ids, service, since, until, every=every)
    content, quarantine, send = wiring.content(), wiring.quarantine(), wiring.sender()
    sent, left = 0, []
    try:
        for kept in _with_progress("sending", selection):
            try:
                dead_letters.replay(kept, content, quarantine, send)
            except UnreplayableDeadLetterError as error:
                left.append(f"{kept.dead_letter.id}: {in_one_line(str(error), 200)}")
            else:
                sent += 1
    except (KeyboardInterrupt, PresslineError) as error:
        why = "Stopped" if isinstance(error, KeyboardInterrupt) else f"Stopped, for {in_one_line(str(error), 200)}"
        typer.echo(f"{why}. {sent} sent; nothing is lost: the same command goes on with the rest.", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{sent} sent again.")
    for line in left:
        typer.echo(f"left where it is: {line}", err=True)
    if left or not sent:
        raise typer.Exit(1)


@app.command()
def drop(
    ids: Ids = None,
    service: Service = None,
    since: RevisionsAfter = None,
    until: Until = None,
    every: All = False,  # noqa: FBT002
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,  # noqa: FBT002
) -> None:
    """Remove letters for good; the articles that they name stay as they are."""
    selection = _chosen(ids, service, since, until, every=every)
    content, now = wiring.content(), datetime.now(UTC)
    if not yes:
        count = sum(1 for _ in dead_letters.find_dead_letters(content, selection, now))
        typer.confirm(f"Drop {count} dead {'dead_letter' if count == 1 else 'dead_letters'} for good?", abort=True)
    dropped = 0
    for kept in _with_progress("dropping", selection):
        content.delete(kept.key)
        dropped += 1
    typer.echo(f"{dropped} dropped.")
    if not dropped:
        raise typer.Exit(1)


def _selection(ids: list[str] | None, service: str | None, since: datetime | None, until: datetime | None) -> Selection:
    if service is not None and service not in WORKERS:
        raise typer.BadParameter(f"there are {', '.join(WORKERS)}", param_hint="--service")
    beginnings = tuple(each.strip().lower() for each in ids or ())
    if any(len(each) < _MIN_ID_CHARS for each in beginnings):
        raise typer.BadParameter(f"give at least {_MIN_ID_CHARS} characters of each id", param_hint="ID")
    return Selection(beginnings, service, since, until)


def _chosen(
    ids: list[str] | None, service: str | None, since: datetime | None, until: datetime | None, *, every: bool
) -> Selection:
    """Return what was chosen; choosing nothing is no way to say all."""
    if not (ids or service or since or until or every):
        raise typer.BadParameter("say which letters: ids, --service, --since, --until, or --all")
    return _selection(ids, service, since, until)


def _with_progress(doing: str, selection: Selection) -> Iterator[StoredDeadLetter]:
    """Yield the chosen letters under a progress bar."""
    content, now = wiring.content(), datetime.now(UTC)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        total = sum(1 for _ in dead_letters.find_keys(content, selection, now))
        task = progress.add_task(doing, total=total)
        for kept in dead_letters.find_dead_letters(content, selection, now):
            yield kept
            progress.advance(task)
        progress.update(task, total=progress.tasks[task].completed)  # the keys tell days, not times
