"""`pressline why`: the provenance of a page, and the reasons why it is stale."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.desk import wiring
from services.desk.ports import EndpointRefusedError, EndpointUnavailableError


def why(
    url: Annotated[str, typer.Argument(help="A URL of the site, or its path: / or /world/feed.xml")],
    site: Annotated[str | None, typer.Option(help="The site, if the token has several.")] = None,
) -> None:
    """Show the service, time and inputs of a page; if it is stale, show why.

    Exit code 1: the page is stale.
    """
    console = Console()
    try:
        facts = wiring.endpoint().why(url, site=site)
    except (EndpointRefusedError, EndpointUnavailableError) as error:
        console.print(Text(str(error), style="red"))
        raise typer.Exit(1) from error
    provenance, waits, is_current = facts.pop("made") or {}, facts.pop("waits_for"), facts.pop("is_current")
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in (*facts.items(), *((f"made {name}", value) for name, value in provenance.items())):
        if value not in (None, []):
            table.add_row(Text(name, style="bold"), Text("\n".join(value) if isinstance(value, list) else str(value)))
    console.print(table)
    if is_current:
        console.print(Text("The page is current.", style="green"))
        return
    for each in waits:
        console.print(Text(f"Stale: {each}", style="yellow"))
    raise typer.Exit(1)
