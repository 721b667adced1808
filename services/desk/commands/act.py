"""`pressline kill`, `withdraw`, `restore`: remove an article from the site, and bring it back."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from services.desk import wiring
from services.desk.ports import EndpointRefusedError, EndpointUnavailableError

_WAIT_SECONDS = 20.0

Article = Annotated[str, typer.Argument(help="The article's id, as `post` and `status` show it.")]
Why = Annotated[str, typer.Option(help="The reason; `pressline status ARTICLE` shows it.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until readers see the change, at most 20 seconds.")]
Site = Annotated[str | None, typer.Option(help="The site, if the token has several.")]


def kill(article: Article, why: Why = "", wait: Wait = False, site: Site = None) -> None:  # noqa: FBT002
    """Kill an article: its pages answer 410 first, then the listings change. Only `restore` brings it back.

    Exit code 1: the kill was refused, or with --wait it was not done in time.
    """
    _act("kill", article, why=why, wait=wait, site=site)


def withdraw(article: Article, why: Why = "", wait: Wait = False, site: Site = None) -> None:  # noqa: FBT002
    """Withdraw an article: the listings change first, then its pages answer 410. The next text brings it back.

    Exit code 1: the withdrawal was refused, or with --wait it was not done in time.
    """
    _act("withdraw", article, why=why, wait=wait, site=site)


def restore(article: Article, why: Why = "", wait: Wait = False, site: Site = None) -> None:  # noqa: FBT002
    """Bring a killed or withdrawn article back, with its newest text that is not under embargo.

    Also ends a removal that arrived before its article, and publishes a text that such a kill holds.

    Exit code 1: the restore was refused, or with --wait it was not done in time.
    """
    _act("restore", article, why=why, wait=wait, site=site)


def _act(action: str, article: str, *, why: str, wait: bool, site: str | None) -> None:
    console = Console()
    try:
        reply = wiring.endpoint().act(action, article, why=why, site=site, wait_seconds=_WAIT_SECONDS if wait else None)
    except (EndpointRefusedError, EndpointUnavailableError) as error:
        console.print(Text(str(error), style="red"), soft_wrap=True)
        raise typer.Exit(1) from error
    status = str(reply["status"])
    is_unfinished = (wait and status == "accepted") or status == "unmatched"
    address_or_receipt = str(reply.get("url") or reply["receipt"])
    console.print(
        Text.assemble((status, "yellow" if is_unfinished else "green"), "  ", address_or_receipt), soft_wrap=True
    )
    if reply.get("text_of"):
        console.print(Text(f"the text comes from revision {reply['text_of']}"), soft_wrap=True)
    for note in filter(None, (reply.get("reason"), *(reply.get("report") or {}).get("warnings", []))):
        console.print(Text(note), soft_wrap=True)
    for address in reply.get("waits_for", []):
        console.print(Text(f"does not answer 410 yet: {address}"), soft_wrap=True)
    if is_unfinished:
        raise typer.Exit(1)
