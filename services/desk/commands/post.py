"""`pressline post`: send articles as a newsroom would."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from services.desk import wiring
from services.desk.ports import EndpointRefusedError, EndpointUnavailableError

_GOOD = {"accepted", "live", "duplicate", "superseded", "scheduled", "withdrawn", "killed"}  # not held, not unmatched


def post(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="Articles, one a file.")],
    wait: Annotated[bool, typer.Option("--wait", help="Wait until each page is live.")] = False,  # noqa: FBT002
    seconds: Annotated[float, typer.Option(help="How long to wait for one page.", min=0.1, max=30)] = 20.0,
    site: Annotated[str | None, typer.Option(help="The site, where the token is bound to several.")] = None,
    feed: Annotated[str | None, typer.Option(help="The feed, where the token belongs to several.")] = None,
) -> None:
    """Post articles in any format that the endpoint reads.

    A picture that an article names by file (`"picture": {"file": "harbour.jpg"}`, beside it) is uploaded first.
    Ends with 1 if any article was not taken, or with --wait is not live in time.
    """
    console = Console()
    endpoint = wiring.endpoint()
    has_failed = False
    with console.status("") as status:
        for number, path in enumerate(files, 1):
            status.update(f"{number} of {len(files)}: {path.name}")
            try:
                reply = endpoint.post_article(path, site=site, feed=feed, wait_seconds=seconds if wait else None)
            except (EndpointRefusedError, EndpointUnavailableError) as error:
                has_failed = True
                _say(console, "refused", path, "", [str(error)], style="red")
                continue
            outcome = str(reply["status"])
            is_good = outcome in _GOOD and not (wait and outcome == "accepted")
            has_failed |= not is_good
            notes = [reply["reason"]] if reply.get("reason") else []
            notes += (reply.get("report") or {}).get("warnings", [])
            notes += [f"readers do not get 410 yet: {address}" for address in reply.get("waits_for", [])]
            where = str(reply.get("url") or reply["receipt"])
            _say(console, outcome, path, where, notes, style="green" if is_good else "yellow")
    if has_failed:
        raise typer.Exit(1)


def _say(console: Console, outcome: str, path: Path, where: str, notes: list[str], *, style: str) -> None:
    """Print a line for a file, an address in one piece, and what there is to note of it below."""
    line = Text.assemble((f"{outcome:<11}", style), f" {path.name}  ", where)
    console.print(line, soft_wrap=True)
    for note in notes:
        console.print(Text(f"            {note}"), soft_wrap=True)
