"""`pressline tokens`: bearer tokens and their rights (publish, kill, read, operate)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.desk import wiring
from services.desk.commands.times import FUTURE_FORMS, duration, future_instant
from services.desk.domain.printable import in_one_line
from shared.runtime import tokens
from shared.runtime.tokens import DEFAULT_GRACE, Scope, TokenRecord
from shared.site.sites import Site, load_sites

_NOT_FOUND = "No token, or more than one, has a hash that begins so; see `pressline tokens list`."
_SOON = timedelta(days=14)

app = typer.Typer(
    help="Create, list, rotate and revoke bearer tokens. Only their hashes are stored. `audit` shows each change.",
    no_args_is_help=True,
)
HashBegins = Annotated[
    str, typer.Argument(metavar="HASH", help="The beginning of the token's hash, as `list` shows it.")
]


@app.command()
def create(
    feed: Annotated[
        list[str] | None,
        typer.Option(help="The token's feed, as in the site's TOML; repeatable. Default: the first feed."),
    ] = None,
    scope: Annotated[list[Scope] | None, typer.Option(help="A right; repeatable. Default: publish.")] = None,
    name: Annotated[str | None, typer.Option(help="The token's holder, shown in logs and in actions.")] = None,
    site: Annotated[list[str] | None, typer.Option(help="A site; repeatable. Default: all sites.")] = None,
    expires: Annotated[
        datetime | None,
        typer.Option(parser=future_instant, metavar="TIME", help=f"The token's end. Default: none. {FUTURE_FORMS}"),
    ] = None,
    rate: Annotated[
        int | None,
        typer.Option(
            min=0, help="Requests in a minute; 0: no limit. Default: the endpoint's PRESSLINE_RATE_LIMIT_PER_MINUTE."
        ),
    ] = None,
) -> None:
    """Create a token and print it once.

    Tokens of one feed refer to the same articles: a new token can correct and kill articles of an old one.
    """
    now, known = datetime.now(UTC), load_sites(wiring.settings().sites_folder)
    sites = site or list(known)
    feeds = list(dict.fromkeys(feed or []))
    _check_names(known, sites, feeds)
    if expires is not None and expires <= now:
        raise typer.BadParameter("is in the past", param_hint="--expires")
    token = tokens.mint(
        wiring.content(),
        name=name or "-".join(feeds) or "unnamed",
        scopes=scope or [Scope.PUBLISH],
        sites=sites,
        feeds=feeds,
        now=now,
        expires_at=expires,
        requests_per_minute=rate,
        by=wiring.operator(),
    )
    typer.echo(token)


def _check_names(known: dict[str, Site], sites: list[str], feeds: list[str]) -> None:
    """Return if all sites and feeds are configured.

    Raises:
        typer.BadParameter: one is not; the error lists those that are.
    """
    if unknown := [each for each in sites if each not in known]:
        raise typer.BadParameter(f"{', '.join(unknown)}: not configured; the sites are {', '.join(known)}")
    configured = list(dict.fromkeys(each.id for chosen in sites for each in known[chosen].feeds))
    if unknown := [each for each in feeds if each not in configured]:
        sites_named = ", ".join(sites)
        raise typer.BadParameter(
            f"{', '.join(unknown)}: no feed of {sites_named}; the feeds are {', '.join(configured)}",
            param_hint="--feed",
        )


@app.command("list")
def list_all() -> None:
    """List the tokens with their rights and their end; never a token itself."""
    now = datetime.now(UTC)
    table = Table(
        "name", "scopes", "sites", "feeds", "created", "expires", "rate", "hash begins", box=None, pad_edge=False
    )
    for record in tokens.list_tokens(wiring.content()):
        table.add_row(
            Text(in_one_line(record.name, 60)),
            ", ".join(sorted(scope.value for scope in record.scopes)),
            ", ".join(record.sites),
            ", ".join(record.feeds) or "first",
            f"{record.created_at:%Y-%m-%d %H:%M}",
            _expiry(record, now),
            _rate(record),
            record.hash_begins,
        )
    Console().print(table)


def _expiry(record: TokenRecord, now: datetime) -> Text:
    if record.expires_at is None:
        return Text("never")
    shown = f"{record.expires_at.astimezone(UTC):%Y-%m-%d %H:%M}"
    if record.is_expired(now):
        return Text(f"expired {shown}", style="red")
    return Text(shown, style="yellow" if record.expires_at < now + _SOON else "")


def _rate(record: TokenRecord) -> str:
    if record.requests_per_minute is None:
        return "default"
    return f"{record.requests_per_minute}/min" if record.requests_per_minute else "no limit"


@app.command()
def rotate(
    hash_begins: HashBegins,
    grace: Annotated[
        timedelta | None,
        typer.Option(parser=duration, metavar="TIME", help="The time that the old token still works. Default: 24h."),
    ] = None,
) -> None:
    """Create a successor with the same name, rights and lifetime, and print it once; the old token then expires.

    Give the successor to the sender within the grace. `--grace 0s` ends the old token at once, after about ten seconds.
    """
    rotated = tokens.rotate(
        wiring.content(),
        hash_begins,
        now=datetime.now(UTC),
        grace=DEFAULT_GRACE if grace is None else grace,
        by=wiring.operator(),
    )
    if rotated is None:
        typer.echo(f"{_NOT_FOUND} An expired token cannot be rotated.", err=True)
        raise typer.Exit(1)
    token, successor, old = rotated
    typer.echo(token)
    typer.echo(
        f"rotated: {in_one_line(old.name, 60)}; {old.hash_begins} works until {old.expires_at:%Y-%m-%d %H:%M} UTC, "
        f"its successor is {successor.hash_begins}",
        err=True,
    )


@app.command()
def revoke(hash_begins: HashBegins) -> None:
    """Revoke a token; endpoints cache tokens, so it works for a few seconds more."""
    record = tokens.revoke(wiring.content(), hash_begins, now=datetime.now(UTC), by=wiring.operator())
    if record is None:
        typer.echo(_NOT_FOUND, err=True)
        raise typer.Exit(1)
    typer.echo(f"revoked: {in_one_line(record.name, 60)}")
