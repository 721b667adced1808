"""`pressline tokens`: bearer tokens and their rights (publish, kill, read, operate)."""

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

app = typer.Typer(help="Create, list and revoke bearer tokens. Only their hashes are stored.", no_args_is_help=True)


@app.command()
def create(
    feed: Annotated[
        list[str] | None,
        typer.Option(help="The token's feed, as in the site's TOML; repeatable. Default: the first feed."),
    ] = None,
    scope: Annotated[list[Scope] | None, typer.Option(help="A right; repeatable. Default: publish.")] = None,
    name: Annotated[str | None, typer.Option(help="The token's holder, shown in logs and in actions.")] = None,
    site: Annotated[list[str] | None, typer.Option(help="A site; repeatable. Default: all sites.")] = None,
) -> None:
    """Create a token and print it once.

    Tokens of one feed refer to the same articles: a new token can correct and kill articles of an old one.
    """
    known = load_sites(wiring.settings().sites_folder)
    sites = site or list(known)
    if unknown := [each for each in sites if each not in known]:
        raise typer.BadParameter(f"{', '.join(unknown)}: not configured; the sites are {', '.join(known)}")
    feeds = list(dict.fromkeys(feed or []))
    configured = list(dict.fromkeys(each.id for chosen in sites for each in known[chosen].feeds))
    if unknown := [each for each in feeds if each not in configured]:
        sites_named = ", ".join(sites)
        raise typer.BadParameter(
            f"{', '.join(unknown)}: no feed of {sites_named}; the feeds are {', '.join(configured)}",
            param_hint="--feed",
        )
    holder = name or "-".join(feeds) or "unnamed"
    scopes = scope or [Scope.PUBLISH]
    typer.echo(
        tokens.mint(wiring.content(), name=holder, scopes=scopes, sites=sites, feeds=feeds, now=datetime.now(UTC))
    )


@app.command("list")
def list_all() -> None:
    """List the valid tokens."""
    table = Table("name", "scopes", "sites", "feeds", "created", "hash begins", box=None, pad_edge=False)
    for record in tokens.list_tokens(wiring.content()):
        scopes = ", ".join(sorted(scope.value for scope in record.scopes))
        created = f"{record.created_at:%Y-%m-%d %H:%M}"
        table.add_row(
            Text(record.name),
            scopes,
            ", ".join(record.sites),
            ", ".join(record.feeds) or "first",
            created,
            record.sha256[:12],
        )
    Console().print(table)


@app.command()
def revoke(hash_begins: Annotated[str, typer.Argument(help="The beginning of the hash, as `list` shows it.")]) -> None:
    """Revoke a token; endpoints cache tokens, so it works for a few seconds more."""
    record = tokens.revoke(wiring.content(), hash_begins)
    if record is None:
        typer.echo("No token, or more than one, has a hash that begins so; see `pressline tokens list`.", err=True)
        raise typer.Exit(1)
    typer.echo(f"revoked: {record.name}")
