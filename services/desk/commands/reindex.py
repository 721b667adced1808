"""`pressline reindex`: rebuild the index from the content bucket, and show the progress."""

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
    site: Annotated[str | None, typer.Option(help="The site; all sites if not given.")] = None,
    patience: Annotated[float, typer.Option(help="Stop watching after so many seconds without progress.")] = 30.0,
) -> None:
    """Empty the index in Redis; the scheduler rebuilds it from the content bucket.

    The index holds the cards of every listing. Readers keep the current pages, and articles are still published.
    Listings are renewed once the index is complete. Ctrl-C ends only the progress display.
    """
    sites, console, index = wiring.sites(), Console(), wiring.index()
    chosen = [get_site(sites, site)] if site else list(sites.values())
    for each in chosen:
        index.clear(each)
    try:
        is_done = [watch(each, index, console, patience_seconds=patience) for each in chosen]
    except KeyboardInterrupt:
        console.print("No longer watching. The scheduler continues.")
        return
    if not all(is_done):
        raise typer.Exit(1)


def watch(site: Site, index: Index, console: Console, *, patience_seconds: float) -> bool:
    """Show the progress until the index is complete; return False after `patience_seconds` without progress."""
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
        reason = "the scheduler makes no progress" if restore else "no scheduler has started; is one running?"
        console.print(f"{site.id}: {reason}. The index is not complete, and no listing is rendered.", style="red")
        return False
    last = index.find_restore(site)
    console.print(f"{site.id}: {last.done if last else 0} articles in {monotonic() - started:.1f} s")
    return True


def _show(progress: Progress, bar: TaskID, restore: Restore | None) -> None:
    if restore is not None:
        share = keys.article_share(restore.cursor) if restore.since is None else None
        progress.update(bar, completed=share or 0.0, articles=restore.done)
