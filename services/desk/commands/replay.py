"""`pressline replay`: send the journal between two times through the pipeline once more."""

from __future__ import annotations

from datetime import UTC, datetime
from time import sleep
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from services.desk import wiring
from services.desk.commands.times import FORMS, instant
from services.desk.domain.times import as_option, as_option_rounded_up
from services.desk.handler.journal import read_journal
from shared.messaging.pipeline import ENRICH_ARTICLES
from shared.model.lane import Lane
from shared.runtime.errors import PresslineError
from shared.site.sites import load_sites

_MAX_QUEUED_MESSAGES = 40  # in enrich's bulk queue, so that a replay does not fill Redis
_QUEUE_POLL_INTERVAL_SECONDS = 0.5


def replay(
    since: Annotated[datetime, typer.Option(parser=instant, metavar="TIME", help=f"The start. {FORMS}")],
    until: Annotated[
        datetime | None, typer.Option(parser=instant, metavar="TIME", help="The end; now if not given.")
    ] = None,
    site: Annotated[list[str] | None, typer.Option(help="The site; repeatable. All sites if not given.")] = None,
    source: Annotated[str | None, typer.Option(help="Only articles of this source.")] = None,
) -> None:
    """Send each article that the journal names through the pipeline again, once, in the bulk lane.

    Unchanged pages are not put again. No older text comes back, and killed articles stay killed.

    One day: `replay --since 2026-11-25 --until 2026-11-26`. One source: `replay --since 3h --source wire`.

    Ctrl-C stops it and prints the command that continues.
    """
    end = until or datetime.now(UTC)
    if since > end:
        raise typer.BadParameter(f"{as_option(since)} is after --until {as_option(end)}", param_hint="--since")
    known = load_sites(wiring.settings().sites_folder)
    sites = site or list(known)
    if unknown := [each for each in sites if each not in known]:
        raise typer.BadParameter(f"{', '.join(unknown)}: the sites are {', '.join(known)}", param_hint="--site")
    for number, one in enumerate(sites):
        site_replay = _SiteReplay(one, since, end, source)
        try:
            site_replay.run()
        except (KeyboardInterrupt, PresslineError) as error:
            why = "Stopped" if isinstance(error, KeyboardInterrupt) else f"Stopped: {error}"
            typer.echo(f"{why}. {site_replay.sent} articles of {one} are queued. Continue with:", err=True)
            for rest in (site_replay, *(_SiteReplay(later, since, end, source) for later in sites[number + 1 :])):
                typer.echo(f"  {rest.command()}", err=True)
            raise typer.Exit(1) from error
        interval = f"between {as_option(since)} and {as_option_rounded_up(end)}"
        typer.echo(f"{one}: {site_replay.sent} articles {interval} are queued.")


class _SiteReplay:
    """One site's part of a replay, and its progress."""

    def __init__(self, site: str, since: datetime, until: datetime, source: str | None) -> None:
        self.site, self.since, self.until, self.source = site, since, until, source
        self.sent = 0

    def run(self) -> None:
        """Send all batches of the journal."""
        emit, backlog = wiring.emitter(), wiring.backlog()
        begin, length = self.since, (self.until - self.since).total_seconds()
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
        journal = read_journal(
            wiring.content(),
            wiring.revisions(),
            self.site,
            since=begin,
            until=self.until,
            source=self.source,
        )
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task(self.site, total=max(length, 1))
            for entry in journal:
                if entry.message is not None:
                    while (waiting := backlog.waiting(ENRICH_ARTICLES.service)[Lane.BULK]) > _MAX_QUEUED_MESSAGES:
                        progress.update(task, description=f"{self.site}: {waiting} batches wait for enrich")
                        sleep(_QUEUE_POLL_INTERVAL_SECONDS)
                    emit([entry.message])
                    self.sent += len(entry.message.items)
                self.since = entry.at
                seconds = (entry.at - begin).total_seconds()
                progress.update(
                    task, completed=seconds, description=f"{self.site} {as_option(entry.at)}, {self.sent} articles"
                )
            progress.update(task, completed=max(length, 1))

    def command(self) -> str:
        """Return the command that continues from here."""
        source = f" --source {self.source}" if self.source else ""
        times = f"--since {as_option(self.since)} --until {as_option_rounded_up(self.until)}"
        return f"pressline replay {times} --site {self.site}{source}"
