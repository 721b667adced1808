"""`pressline feeds secret`: the secrets with which senders sign their requests."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from services.desk import wiring
from shared.runtime import feed_secrets
from shared.site.sites import Site, load_sites

app = typer.Typer(
    help="Manage a feed's secrets. Superdesk's HTTP push and Ghost's webhooks sign with a secret instead of a token.",
    no_args_is_help=True,
)

FeedId = Annotated[str, typer.Argument(metavar="FEED", help="The feed, as in the site's TOML.")]
SiteOption = Annotated[str | None, typer.Option("--site", help="The site. Default: the only one with this feed.")]


@app.command()
def add(
    feed: FeedId,
    site: SiteOption = None,
    from_stdin: Annotated[  # noqa: FBT002 -- an option of the command line
        bool, typer.Option("--stdin", help="Read the secret from standard input instead of making one.")
    ] = False,
) -> None:
    """Add a secret and print it once. The secret before it stays valid, so that the sender can change over."""
    chosen = _site_with(feed, site)
    given = sys.stdin.read(feed_secrets.MAX_SECRET_CHARS + 2).strip() if from_stdin else None
    try:
        secret = feed_secrets.add_secret(
            wiring.content(), chosen.id, feed, secret=given, now=datetime.now(UTC), by=wiring.operator()
        )
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--stdin") from error
    typer.echo("stored" if from_stdin else secret.get_secret_value())


@app.command("keep-newest")
def keep_newest(feed: FeedId, site: SiteOption = None) -> None:
    """Remove all secrets except the newest, once the sender uses it."""
    chosen = _site_with(feed, site)
    now, operator = datetime.now(UTC), wiring.operator()
    removed = feed_secrets.keep_newest(wiring.content(), chosen.id, feed, now=now, by=operator)
    typer.echo(f"removed: {removed}; endpoints cache secrets, so it works for a few seconds more")


@app.command()
def remove(feed: FeedId, site: SiteOption = None) -> None:
    """Remove all secrets, so that the feed accepts tokens only."""
    chosen = _site_with(feed, site)
    now, operator = datetime.now(UTC), wiring.operator()
    removed = feed_secrets.remove_secrets(wiring.content(), chosen.id, feed, now=now, by=operator)
    typer.echo(f"removed: {removed}; endpoints cache secrets, so it works for a few seconds more")


def _site_with(feed: str, site: str | None) -> Site:
    """Return the site of a feed.

    Raises:
        typer.BadParameter: no site, or several sites, have the feed.
    """
    known = load_sites(wiring.settings().sites_folder)
    found = [each for each in known.values() if site in (None, each.id) and any(own.id == feed for own in each.feeds)]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(each.id for each in found)
        raise typer.BadParameter(f"several sites have the feed {feed}; name one with --site: {names}")
    feeds = ", ".join(f"{each.id}/{own.id}" for each in known.values() for own in each.feeds)
    raise typer.BadParameter(f"no such feed; the feeds are {feeds}", param_hint="FEED")
