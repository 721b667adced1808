"""`pressline tokens`: who may post, take down, read and operate."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.desk import wiring
from shared import tokens
from shared.sites import load_sites
from shared.tokens import Scope

app = typer.Typer(help="Bearer tokens: make, list, revoke. Only hashes are kept.", no_args_is_help=True)


@app.command()
def create(
    name: Annotated[str, typer.Option(help="Who will use it; articles without a source of their own bear this name.")],
    scope: Annotated[list[Scope], typer.Option(help="What it allows; may be given again.")],
    site: Annotated[list[str] | None, typer.Option(help="For which sites; all configured ones if not given.")] = None,
) -> None:
    """Make a token and print it, this once."""
    known = load_sites(wiring.settings().sites_folder)
    sites = site or list(known)
    if unknown := [each for each in sites if each not in known]:
        raise typer.BadParameter(f"{', '.join(unknown)}: not configured; there are {', '.join(known)}")  # noqa: EM102, TRY003
    typer.echo(tokens.mint(wiring.content(), name=name, scopes=scope, sites=sites, now=datetime.now(UTC)))


@app.command("list")
def list_all() -> None:
    """List the tokens that are in force."""
    table = Table("name", "scopes", "sites", "made", "hash begins", box=None, pad_edge=False)
    for record in tokens.list_tokens(wiring.content()):
        scopes = ", ".join(sorted(scope.value for scope in record.scopes))
        made = f"{record.created_at:%Y-%m-%d %H:%M}"
        table.add_row(Text(record.name), scopes, ", ".join(record.sites), made, record.sha256[:12])
    Console().print(table)


@app.command()
def revoke(hash_begins: Annotated[str, typer.Argument(help="The beginning of its hash, as `list` shows it.")]) -> None:
    """Take a token out of force; it works for a few seconds more, while endpoints remember it."""
    record = tokens.revoke(wiring.content(), hash_begins)
    if record is None:
        typer.echo("No one token's hash begins so; `pressline tokens list` shows them.", err=True)
        raise typer.Exit(1)
    typer.echo(f"revoked: {record.name}")
