"""`pressline tokens`: who may post, take down, read and operate."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.desk import wiring
from shared.runtime import tokens
from shared.runtime.tokens import Scope
from shared.site.sites import load_sites

app = typer.Typer(help="Bearer tokens: make, list, revoke. Only hashes are kept.", no_args_is_help=True)


@app.command()
def create(
    feed: Annotated[
        list[str] | None, typer.Option(help="Its feed, as the site's TOML names it; repeatable. Default: the first.")
    ] = None,
    scope: Annotated[list[Scope] | None, typer.Option(help="What it allows; repeatable. Default: publish.")] = None,
    name: Annotated[str | None, typer.Option(help="Its holder, for logs and the record of actions.")] = None,
    site: Annotated[
        list[str] | None, typer.Option(help="Its sites; repeatable. Default: every configured one.")
    ] = None,
) -> None:
    """Make a token and print it once.

    Tokens of one feed refer to the same articles, so a new token can correct and kill what an old one posted.
    """
    known = load_sites(wiring.settings().sites_folder)
    sites = site or list(known)
    if unknown := [each for each in sites if each not in known]:
        raise typer.BadParameter(f"{', '.join(unknown)}: not configured; there are {', '.join(known)}")
    feeds = list(dict.fromkeys(feed or []))
    configured = list(dict.fromkeys(each.id for chosen in sites for each in known[chosen].feeds))
    if unknown := [each for each in feeds if each not in configured]:
        sites_named = ", ".join(sites)
        raise typer.BadParameter(
            f"{', '.join(unknown)}: no feed of {sites_named}; there are {', '.join(configured)}", param_hint="--feed"
        )
    holder = name or "-".join(feeds) or "unnamed"
    scopes = scope or [Scope.PUBLISH]
    typer.echo(
        tokens.mint(wiring.content(), name=holder, scopes=scopes, sites=sites, feeds=feeds, now=datetime.now(UTC))
    )


@app.command("list")
def list_all() -> None:
    """List the tokens that are in force."""
    table = Table("name", "scopes", "sites", "feeds", "made", "hash begins", box=None, pad_edge=False)
    for record in tokens.list_tokens(wiring.content()):
        scopes = ", ".join(sorted(scope.value for scope in record.scopes))
        made = f"{record.created_at:%Y-%m-%d %H:%M}"
        table.add_row(
            Text(record.name),
            scopes,
            ", ".join(record.sites),
            ", ".join(record.feeds) or "first",
            made,
            record.sha256[:12],
        )
    Console().print(table)


@app.command()
def revoke(hash_begins: Annotated[str, typer.Argument(help="The beginning of its hash, as `list` shows it.")]) -> None:
    """Take a token out of force; it works for a few seconds more, while endpoints remember it."""
    record = tokens.revoke(wiring.content(), hash_begins)
    if record is None:
        typer.echo("No one token's hash begins so; `pressline tokens list` shows them.", err=True)
        raise typer.Exit(1)
    typer.echo(f"revoked: {record.name}")
