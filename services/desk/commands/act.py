"""`pressline kill`, `withdraw`, `restore`: take an article down, and bring it back."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from services.desk import wiring
from services.desk.ports import EndpointRefusedError, EndpointUnavailableError

_WAIT_SECONDS = 20.0

Article = Annotated[str, typer.Argument(help="The article's id, as `post` and `status` show it.")]
Why = Annotated[str, typer.Option(help="For the record; `pressline status ARTICLE` shows it.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until readers see it.")]
Site = Annotated[str | None, typer.Option(help="The site, where the token is bound to several.")]


def kill(article: Article, why: Why = "", wait: Wait = False, site: Site = None) -> None:  # noqa: FBT002
    """Take an article down at once and for good: no later revision brings it back, only a restore.

    Ends with 1 if it was not taken, or with --wait is not done in time.
    """
    _act("kill", article, why=why, wait=wait, site=site)


def withdraw(article: Article, why: Why = "", wait: Wait = False, site: Site = None) -> None:  # noqa: FBT002
    """Take an article out of the listings and then down; its next usable revision brings it back.

    Ends with 1 if it was not taken, or with --wait is not done in time.
    """
    _act("withdraw", article, why=why, wait=wait, site=site)


def restore(article: Article, why: Why = "", wait: Wait = False, site: Site = None) -> None:  # noqa: FBT002
    """Bring a killed or withdrawn article back, with the newest text that may be shown by now.

    Also lifts a removal that arrived before its article, and publishes a text that such a kill holds.

    Ends with 1 if it was not taken, or with --wait is not done in time.
    """
    _act("restore", article, why=why, wait=wait, site=site)


def _act(kind: str, article: str, *, why: str, wait: bool, site: str | None) -> None:
    console = Console()
    try:
        reply = wiring.endpoint().act(kind, article, why=why, site=site, wait_seconds=_WAIT_SECONDS if wait else None)
    except (EndpointRefusedError, EndpointUnavailableError) as error:
        console.print(Text(str(error), style="red"), soft_wrap=True)
        raise typer.Exit(1) from error
    outcome = str(reply["status"])
    is_late = (wait and outcome == "accepted") or outcome == "unmatched"
    where = str(reply.get("url") or reply["receipt"])
    console.print(Text.assemble((outcome, "yellow" if is_late else "green"), "  ", where), soft_wrap=True)
    if reply.get("text_of"):
        console.print(Text(f"the text is that of revision {reply['text_of']}"), soft_wrap=True)
    for note in filter(None, (reply.get("reason"), *(reply.get("report") or {}).get("warnings", []))):
        console.print(Text(note), soft_wrap=True)
    for address in reply.get("waits_for", []):
        console.print(Text(f"readers do not get 410 yet: {address}"), soft_wrap=True)
    if is_late:
        raise typer.Exit(1)
