"""`pressline import`: bring an archive in, resumably, with a progress bar."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services.desk.commands.import_run import ImportOptions, run_import

_Path = Annotated[str, typer.Argument(help="The file.")]
_Site = Annotated[str | None, typer.Option(help="The site, if the token has several.")]
_Feed = Annotated[str | None, typer.Option(help="The feed whose source and defaults the articles get.")]
_State = Annotated[Path | None, typer.Option(help="The progress file; PATH.pressline-import if not given.")]
_Restart = Annotated[bool, typer.Option("--restart", help="Ignore the progress file and start over.")]
_Wait = Annotated[bool, typer.Option("--wait", help="Wait until each article is live or has failed.")]
_Patience = Annotated[float, typer.Option(help="Stop after so many seconds without progress.", min=0)]

app = typer.Typer(name="import", help="Import an archive.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Import an archive.

    Ctrl-C stops an import. After that, or after a crash or a lost connection, the same command continues.

    The import pauses while the queues are too long. Upload pictures before it (`POST /v1/media`).

    Two lists are written beside the file: PATH.pressline-receipts.ndjson, and PATH.pressline-refused.ndjson with the
    reason of each refusal.

    Exit code 1: an article was refused, or the import was stopped.
    """


@app.command()
def ndjson(
    path: Annotated[str, typer.Argument(help="One article a line, as JSON; `-` for standard input.")],
    site: _Site = None,
    feed: _Feed = None,
    state: _State = None,
    restart: _Restart = False,  # noqa: FBT002
    wait: _Wait = False,  # noqa: FBT002
    patience: _Patience = 600.0,
) -> None:
    """Post the articles of a file to `POST /v1/batches`, in the bulk lane, so that the day's news goes first.

    Try two articles: `head -2 archive.ndjson | pressline import ndjson - --wait`. Then import the file by name.
    """
    run_import("ndjson", path, ImportOptions(site, feed, state, restart, wait, patience))


@app.command()
def wxr(
    path: _Path,
    site: _Site = None,
    feed: _Feed = None,
    state: _State = None,
    restart: _Restart = False,  # noqa: FBT002
    wait: _Wait = False,  # noqa: FBT002
    patience: _Patience = 600.0,
) -> None:
    """Import WordPress's export. Old addresses become redirects; drafts, private posts and pages are not published.

    Readers' comments and e-mail addresses stay in the file. A refused item is listed by its place in the file.
    """
    run_import("wxr", path, ImportOptions(site, feed, state, restart, wait, patience))


@app.command()
def ghost(
    path: _Path,
    site: _Site = None,
    feed: _Feed = None,
    state: _State = None,
    restart: _Restart = False,  # noqa: FBT002
    wait: _Wait = False,  # noqa: FBT002
    patience: _Patience = 600.0,
) -> None:
    """Import Ghost's export. `/{slug}/` becomes a redirect; drafts and posts for members are not published."""
    run_import("ghost", path, ImportOptions(site, feed, state, restart, wait, patience))


@app.command("feed")
def import_feed(
    path: _Path,
    site: _Site = None,
    feed: _Feed = None,
    state: _State = None,
    restart: _Restart = False,  # noqa: FBT002
    wait: _Wait = False,  # noqa: FBT002
    patience: _Patience = 600.0,
) -> None:
    """Import the entries of a saved feed: RSS, Atom or JSON Feed."""
    run_import("feed", path, ImportOptions(site, feed, state, restart, wait, patience))
