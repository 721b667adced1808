"""`pressline audit`: takedowns and changes of tokens and secrets, from the audit log in the content bucket."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.desk import wiring
from services.desk.commands.times import FORMS, instant
from services.desk.domain.printable import in_one_line
from services.desk.handler.audit import AuditedChange, audited_changes
from shared.runtime.audit import AuditEntry

_DEFAULT_TIME = timedelta(days=30)
_NONE = "-"


def audit(
    site: Annotated[
        str | None, typer.Option(help="Only articles and tokens of this site, also of a former one.")
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(parser=instant, metavar="TIME", help=f"Default: 30d. {FORMS}")
    ] = None,
    until: Annotated[datetime | None, typer.Option(parser=instant, metavar="TIME", help="Default: now.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,  # noqa: FBT002
) -> None:
    """Show kills, withdrawals, restores and changes of tokens and secrets, oldest first.

    Each has its author, time, reason and request.
    """
    now = datetime.now(UTC)
    until = until or now
    changes = audited_changes(
        wiring.content(), wiring.revisions(), since=since or until - _DEFAULT_TIME, until=until, site=site
    )
    if as_json:
        for change in changes:
            typer.echo(json.dumps(change.as_json(), ensure_ascii=True))
        return
    table = Table("time (UTC)", "event", "by", "about", "outcome", "reason", "request", box=None, pad_edge=False)
    for change in changes:
        table.add_row(*(Text(each) for each in _row(change)))
    console = Console()
    console.print(table if table.row_count else "Nothing in this time.")


def _about(entry: AuditEntry) -> str:
    if entry.article:
        return f"{entry.site} {entry.article}"
    if entry.token:
        return f"{entry.token} {in_one_line(entry.token_name or '', 40)}"
    return " ".join((*entry.sites, *entry.feeds))


def _row(change: AuditedChange) -> tuple[str, ...]:
    entry = change.entry
    return (
        f"{entry.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
        entry.event.value,
        in_one_line(entry.by, 40) or "unknown",
        _about(entry),
        entry.outcome or _NONE,
        in_one_line(change.why, 120) or _NONE,
        in_one_line(entry.request or "", 64) or _NONE,
    )
