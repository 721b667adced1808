"""`pressline post`: post articles from files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from services.desk import wiring
from services.desk.commands.dry_run import try_out
from services.desk.ports import EndpointRefusedError, EndpointUnavailableError

_OK_STATUSES = {
    "accepted",
    "live",
    "duplicate",
    "superseded",
    "scheduled",
    "withdrawn",
    "killed",
}  # without held and unmatched


def post(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="Files with one article each.")],
    wait: Annotated[bool, typer.Option("--wait", help="Wait until each page is live.")] = False,  # noqa: FBT002
    seconds: Annotated[float, typer.Option(help="With --wait: the longest wait for a page.", min=0.1, max=30)] = 20.0,
    site: Annotated[str | None, typer.Option(help="The site, if the token has several.")] = None,
    feed: Annotated[str | None, typer.Option(help="The feed, if the token has several.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the result of each post; change nothing.")] = False,  # noqa: FBT002
) -> None:
    """Post articles in any format that the endpoint reads.

    An article may name a picture file beside it (`"picture": {"file": "harbour.jpg"}`): the file is uploaded first.

    With --dry-run nothing is stored or uploaded. The report and the public files that each post would change are shown.

    Exit code 1: an article was refused, or with --wait was not live in time.
    """
    console = Console()
    endpoint = wiring.endpoint()
    has_failed = False
    if dry_run:
        try_out(files, site=site, feed=feed, console=console)
        return
    with console.status("") as spinner:
        for number, path in enumerate(files, 1):
            spinner.update(f"{number} of {len(files)}: {path.name}")
            try:
                reply = endpoint.post_article(path, site=site, feed=feed, wait_seconds=seconds if wait else None)
            except (EndpointRefusedError, EndpointUnavailableError) as error:
                has_failed = True
                _print_result(console, "refused", path, "", [str(error)], style="red")
                continue
            status = str(reply["status"])
            is_ok = status in _OK_STATUSES and not (wait and status == "accepted")
            has_failed |= not is_ok
            notes = [reply["reason"]] if reply.get("reason") else []
            notes += (reply.get("report") or {}).get("warnings", [])
            notes += [f"does not answer 410 yet: {address}" for address in reply.get("waits_for", [])]
            address_or_receipt = str(reply.get("url") or reply["receipt"])
            _print_result(console, status, path, address_or_receipt, notes, style="green" if is_ok else "yellow")
    if has_failed:
        raise typer.Exit(1)


def _print_result(
    console: Console, status: str, path: Path, address_or_receipt: str, notes: list[str], *, style: str
) -> None:
    """Print one line for a file, with an unbroken address, and its notes below."""
    line = Text.assemble((f"{status:<11}", style), f" {path.name}  ", address_or_receipt)
    console.print(line, soft_wrap=True)
    for note in notes:
        console.print(Text(f"            {note}"), soft_wrap=True)
