"""`pressline front show | pin | unpin`: which articles lead the home page or a section's front."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from services.desk import wiring
from services.desk.commands.times import FORMS_TO_COME, coming_instant
from services.desk.domain.printable import printable
from services.desk.domain.times import in_words

app = typer.Typer(name="front", help="Pin articles to the home page or to a section's front.", no_args_is_help=True)

Front = Annotated[str, typer.Argument(help="`home`, or a section's id.")]
Site = Annotated[str | None, typer.Option(help="The site, where the token is bound to several.")]


@app.command()
def show(front: Front = "home", site: Site = None) -> None:
    """Show which articles are pinned to a front, until when, and who did it."""
    with wiring.endpoint() as endpoint:
        pinned = endpoint.front(front, site=site)
    if not pinned["articles"]:
        typer.echo(f"Nothing is pinned to {front}.")
        return
    for number, article in enumerate(pinned["articles"], 1):
        typer.echo(f"{number:>2}  {article}")
    typer.echo(
        printable(f"until {pinned['until'] or 'they are unpinned'}; by {pinned['set_by']} at {pinned['set_at']}")
    )


@app.command()
def pin(
    front: Front,
    articles: Annotated[list[str], typer.Argument(help="Ids of articles, the first on top; at most ten.")],
    until: Annotated[
        datetime | None, typer.Option(parser=coming_instant, metavar="TIME", help=f"When they end. {FORMS_TO_COME}")
    ] = None,
    site: Site = None,
) -> None:
    """Have articles lead a front, in this order; what was pinned there before is not any more.

    Until six in the evening: `pressline front pin home ARTICLE --until 18:00`.
    """
    with wiring.endpoint() as endpoint:
        told = endpoint.pin(front, articles, until=in_words(until) if until else None, site=site)
    typer.echo(f"{len(told['articles'])} articles lead {front}.")
    for warning in told["warnings"]:
        typer.echo(printable(warning))


@app.command()
def unpin(front: Front, site: Site = None) -> None:
    """Let a front have its own order again."""
    with wiring.endpoint() as endpoint:
        endpoint.unpin(front, site=site)
    typer.echo(f"Nothing is pinned to {front}.")
