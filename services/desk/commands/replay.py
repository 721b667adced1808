"""`pressline replay`: everything that was accepted between two times goes through the line once more."""

from __future__ import annotations

from datetime import UTC, datetime
from time import sleep
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from services.desk import wiring
from services.desk.commands.times import FORMS, instant
from services.desk.domain.times import in_words, in_words_after
from services.desk.handler.journal import walk_journal
from shared.messaging.pipeline import ENRICH_ARTICLES
from shared.model.lane import Lane
from shared.runtime.errors import PresslineError
from shared.site.sites import load_sites

_MAX_WAITING_MESSAGES = 40  # messages in enrich's bulk queue: a replay does not fill Redis
_RECHECK_INTERVAL_SECONDS = 0.5


def replay(
    since: Annotated[datetime, typer.Option(parser=instant, metavar="TIME", help=f"From when on. {FORMS}")],
    until: Annotated[
        datetime | None, typer.Option(parser=instant, metavar="TIME", help="Until when; now if not given.")
    ] = None,
    site: Annotated[list[str] | None, typer.Option(help="Which site; may be given again. All if not given.")] = None,
    source: Annotated[str | None, typer.Option(help="Only articles of this source.")] = None,
) -> None:
    """Walk the journal and have every article that it names published again, once each, behind the news of the day.

    What readers see already is not put again, nothing older comes back, what was killed stays killed.

    A day: `replay --since 2026-11-25 --until 2026-11-26`. What a source sent lately: `replay --since 3h --source wire`.

    Ctrl-C ends it and tells how to go on.
    """
    end = until or datetime.now(UTC)
    if since > end:
        raise typer.BadParameter(f"{in_words(since)} comes after --until {in_words(end)}", param_hint="--since")
    known = load_sites(wiring.settings().sites_folder)
    sites = site or list(known)
    if unknown := [each for each in sites if each not in known]:
        raise typer.BadParameter(f"{', '.join(unknown)}: there are {', '.join(known)}", param_hint="--site")
    for number, one in enumerate(sites):
        walk = _Walk(one, since, end, source)
        try:
            walk.go()
        except (KeyboardInterrupt, PresslineError) as error:
            why = "Stopped" if isinstance(error, KeyboardInterrupt) else f"Stopped, for {error}"
            typer.echo(f"{why}. {walk.sent} articles of {one} are on their way. Go on with:", err=True)
            for rest in (walk, *(_Walk(later, since, end, source) for later in sites[number + 1 :])):
                typer.echo(f"  {rest.command()}", err=True)
            raise typer.Exit(1) from error
        typer.echo(f"{one}: {walk.sent} articles between {in_words(since)} and {in_words_after(end)} are on their way.")


class _Walk:
    """One site's part of a replay, and how far it has come."""

    def __init__(self, site: str, since: datetime, until: datetime, source: str | None) -> None:
        self.site, self.since, self.until, self.source = site, since, until, source
        self.sent = 0

    def go(self) -> None:
        """Send all of it."""
        emit, backlog = wiring.emitter(), wiring.backlog()
        begin, length = self.since, (self.until - self.since).total_seconds()
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
        journal = walk_journal(
            wiring.content(),
            wiring.revisions(),
            self.site,
            since=begin,
            until=self.until,
            source=self.source,
        )
        with Progress(*columns, console=Console(stderr=True)) as progress:
            task = progress.add_task(self.site, total=max(length, 1))
            for walked in journal:
                if walked.message is not None:
                    while (waiting := backlog.waiting(ENRICH_ARTICLES.service)[Lane.BULK]) > _MAX_WAITING_MESSAGES:
                        progress.update(task, description=f"{self.site}: {waiting} batches wait for enrich")
                        sleep(_RECHECK_INTERVAL_SECONDS)
                    emit([walked.message])
                    self.sent += len(walked.message.items)
                self.since = walked.at
                seconds = (walked.at - begin).total_seconds()
                progress.update(
                    task, completed=seconds, description=f"{self.site} {in_words(walked.at)}, {self.sent} articles"
                )
            progress.update(task, completed=max(length, 1))

    def command(self) -> str:
        """Return the command that does the rest."""
        source = f" --source {self.source}" if self.source else ""
        times = f"--since {in_words(self.since)} --until {in_words_after(self.until)}"
        return f"pressline replay {times} --site {self.site}{source}"
