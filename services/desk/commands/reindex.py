"""`pressline reindex`: have the index made again from the bucket, and watch."""

from __future__ import annotations

from time import monotonic, sleep
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from services.desk import wiring
from shared.index import Index, Restore
from shared.site import keys
from shared.site.sites import Site, get_site

_POLL_INTERVAL_SECONDS = 0.2


def reindex(
    site: Annotated[str | None, typer.Option(help="The site; all of them if not given.")] = None,
    patience: Annotated[float, typer.Option(help="Seconds without progress after which to give up watching.")] = 30.0,
) -> None:
    """Empty the index and have the scheduler make it again from the bucket: what lists show, in which order.

    Readers keep the pages that are there; listings are renewed once the index is whole. Articles go on being published.
    Ctrl-C ends the watching, not the work.
    """
    sites, console, index = wiring.sites(), Console(), wiring.index()
    chosen = [get_site(sites, site)] if site else list(sites.values())
    for each in chosen:
        index.clear(each)
    try:
        is_done = [watch(each, index, console, patience_seconds=patience) for each in chosen]
    except KeyboardInterrupt:
        console.print("No longer watching. The scheduler goes on.")
        return
    if not all(is_done):
        raise typer.Exit(1)


def watch(site: Site, index: Index, console: Console, *, patience_seconds: float) -> bool:
    """Show how far making the index whole has come, until it is; tell whether it was before patience ended."""
    started = moved_at = monotonic()
    restore: Restore | None = None
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[articles]} articles"))
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        bar = progress.add_task(f"reindex {site.id}", total=1.0, articles=0)
        while index.complete_until(site) is None:
            found = index.find_restore(site)
            if found != restore:
                restore, moved_at = found, monotonic()
                _show(progress, bar, found)
            if monotonic() - moved_at > patience_seconds:
                break
            sleep(_POLL_INTERVAL_SECONDS)
    if index.complete_until(site) is None:
        who = "the scheduler has stopped at it" if restore else "no scheduler takes it up; is one running"
        console.print(f"{site.id}: {who}? The index is not whole, and its listings stay as they are.", style="red")
        return False
    last = index.find_restore(site)
    console.print(f"{site.id}: {last.done if last else 0} articles in {monotonic() - started:.1f} s")
    return True


def _show(progress: Progress, bar: TaskID, restore: Restore | None) -> None:
    if restore is not None:
        share = keys.article_share(restore.cursor) if restore.since is None else None
        progress.update(bar, completed=share or 0.0, articles=restore.done)
