"""`pressline front show | pin | unpin`: pins of the home page and of section fronts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from services.desk import wiring
from services.desk.commands.times import FUTURE_FORMS, future_instant
from services.desk.domain.printable import printable
from services.desk.domain.times import as_option

app = typer.Typer(name="front", help="Pin articles to the home page or to a section's front.", no_args_is_help=True)

Front = Annotated[str, typer.Argument(help="`home`, or a section's id.")]
Site = Annotated[str | None, typer.Option(help="The site, if the token has several.")]


@app.command()
def show(front: Front = "home", site: Site = None) -> None:
    """Show the pinned articles of a front, their end, and the editor who pinned them."""
    with wiring.endpoint() as endpoint:
        pinned = endpoint.front(front, site=site)
    if not pinned["articles"]:
        typer.echo(f"Nothing is pinned to {front}.")
        return
    for number, article in enumerate(pinned["articles"], 1):
        typer.echo(f"{number:>2}  {article}")
    typer.echo(printable(f"until {pinned['until'] or 'unpinned'}; pinned by {pinned['set_by']} at {pinned['set_at']}"))


@app.command()
def pin(
    front: Front,
    articles: Annotated[list[str], typer.Argument(help="Article ids, the top one first; at most ten.")],
    until: Annotated[
        datetime | None,
        typer.Option(parser=future_instant, metavar="TIME", help=f"The end of the pins. {FUTURE_FORMS}"),
    ] = None,
    site: Site = None,
) -> None:
    """Pin articles to the top of a front, in this order. They replace the pins before.

    Until six in the evening: `pressline front pin home ARTICLE --until 18:00`.
    """
    with wiring.endpoint() as endpoint:
        pinned = endpoint.pin(front, articles, until=as_option(until) if until else None, site=site)
    typer.echo(f"{len(pinned['articles'])} articles pinned to {front}.")
    for warning in pinned["warnings"]:
        typer.echo(printable(warning))


@app.command()
def unpin(front: Front, site: Site = None) -> None:
    """Remove all pins of a front."""
    with wiring.endpoint() as endpoint:
        endpoint.unpin(front, site=site)
    typer.echo(f"Nothing is pinned to {front}.")
