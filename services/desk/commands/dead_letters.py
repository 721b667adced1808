"""`pressline dead-letters`: list, show, replay and drop messages that could not succeed."""

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
    help="Dead letters: messages that could not succeed, stored in the content bucket with payload and error.\n\n"
    "Start with `list`, then `show` one. When the cause is fixed, `replay` sends the message to the step that failed. "
    "A replay never overwrites newer pages, so replaying too many does no harm. `drop` deletes dead letters.",
)

_MIN_ID_CHARS = 4

Ids = Annotated[
    list[str] | None, typer.Argument(metavar="ID", help="Ids as `list` shows them, or their first characters.")
]
Service = Annotated[str | None, typer.Option(help=f"Only dead letters of this service: {', '.join(WORKERS)}.")]
SinceTime = Annotated[
    datetime | None, typer.Option(parser=instant, metavar="TIME", help=f"Only dead letters since then. {FORMS}")
]
Until = Annotated[datetime | None, typer.Option(parser=instant, metavar="TIME", help="Only dead letters until then.")]
All = Annotated[bool, typer.Option("--all", help="All dead letters.")]


@app.command("list")
def list_dead_letters(
    service: Service = None,
    since: SinceTime = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The largest number to show.")] = 50,
) -> None:
    """List dead letters, the newest first."""
    content, now = wiring.content(), datetime.now(UTC)
    found = dead_letters.find_dead_letters(content, _selection(None, service, since, until), now)
    table = Table("id", "age", "task", "about", "error", "reason", box=None, pad_edge=False)
    shown = list(islice(found, limit + 1))
    for stored in shown[:limit]:
        dead_letter = stored.dead_letter
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
        console.print(f"There are more than {limit}. Raise --limit, or select with --service and --since.")


@app.command()
def show(
    dead_letter_id: Annotated[
        str, typer.Argument(metavar="ID", help="An id as `list` shows it, or its first characters.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for `pressline run`.")] = False,  # noqa: FBT002
) -> None:
    """Show one dead letter with payload and traceback; control characters are printed as escapes."""
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
            f"No dead letter's id begins with {printable(dead_letter_id)}; see `pressline dead-letters list`.",
            err=True,
        )
        raise typer.Exit(1)
    if len({each.dead_letter.id for each in found}) > 1:
        typer.echo(f"Several ids begin so: {', '.join(each.dead_letter.id for each in found)}", err=True)
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
        "stored at": at,
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
    since: SinceTime = None,
    until: Until = None,
    is_all: All = False,  # noqa: FBT002
) -> None:
    """Send dead letters to the step that failed, once more.

    Ctrl-C stops it without loss: unsent dead letters stay stored, and the same command sends the rest.

    One: `replay 3f2a`. The last hour's: `replay --service render --since 1h`. All: `replay --all`.
    """
    selection = _chosen(ids, service, since, until, is_all=is_all)
    content, quarantine, send = wiring.content(), wiring.quarantine(), wiring.sender()
    sent, unsent = 0, []
    try:
        for stored in _with_progress("sending", selection):
            try:
                dead_letters.replay(stored, content, quarantine, send)
            except UnreplayableDeadLetterError as error:
                unsent.append(f"{stored.dead_letter.id}: {in_one_line(str(error), 200)}")
            else:
                sent += 1
    except (KeyboardInterrupt, PresslineError) as error:
        why = "Stopped" if isinstance(error, KeyboardInterrupt) else f"Stopped: {in_one_line(str(error), 200)}"
        typer.echo(f"{why}. {sent} sent; nothing is lost: the same command sends the rest.", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{sent} sent again.")
    for line in unsent:
        typer.echo(f"not sent: {line}", err=True)
    if unsent or not sent:
        raise typer.Exit(1)


@app.command()
def drop(
    ids: Ids = None,
    service: Service = None,
    since: SinceTime = None,
    until: Until = None,
    is_all: All = False,  # noqa: FBT002
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Delete without confirmation.")] = False,  # noqa: FBT002
) -> None:
    """Delete dead letters for good; their articles do not change."""
    selection = _chosen(ids, service, since, until, is_all=is_all)
    content, now = wiring.content(), datetime.now(UTC)
    if not yes:
        count = sum(1 for _ in dead_letters.find_dead_letters(content, selection, now))
        typer.confirm(f"Drop {count} dead {'letter' if count == 1 else 'letters'} for good?", abort=True)
    dropped = 0
    for stored in _with_progress("dropping", selection):
        content.delete(stored.key)
        dropped += 1
    typer.echo(f"{dropped} dropped.")
    if not dropped:
        raise typer.Exit(1)


def _selection(ids: list[str] | None, service: str | None, since: datetime | None, until: datetime | None) -> Selection:
    if service is not None and service not in WORKERS:
        raise typer.BadParameter(f"the services are {', '.join(WORKERS)}", param_hint="--service")
    id_prefixes = tuple(each.strip().lower() for each in ids or ())
    if any(len(each) < _MIN_ID_CHARS for each in id_prefixes):
        raise typer.BadParameter(f"give at least {_MIN_ID_CHARS} characters of each id", param_hint="ID")
    return Selection(id_prefixes, service, since, until)


def _chosen(
    ids: list[str] | None, service: str | None, since: datetime | None, until: datetime | None, *, is_all: bool
) -> Selection:
    """Return the selection; an empty one needs --all.

    Raises:
        typer.BadParameter: nothing was selected.
    """
    if not (ids or service or since or until or is_all):
        raise typer.BadParameter("select dead letters: ids, --service, --since, --until, or --all")
    return _selection(ids, service, since, until)


def _with_progress(description: str, selection: Selection) -> Iterator[StoredDeadLetter]:
    """Yield the selected dead letters and show a progress bar."""
    content, now = wiring.content(), datetime.now(UTC)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        total = sum(1 for _ in dead_letters.find_keys(content, selection, now))
        task = progress.add_task(description, total=total)
        for stored in dead_letters.find_dead_letters(content, selection, now):
            yield stored
            progress.advance(task)
        progress.update(
            task, total=progress.tasks[task].completed
        )  # keys hold days, not times: the total was an upper bound
