"""`pressline rebuild`: every page, or some, rendered again by the workers, behind the news of the day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from services.desk import wiring
from services.desk.commands.times import FORMS, instant
from services.desk.domain.rebuild import Run
from services.desk.handler.preview import differences, report, zipped_theme
from services.desk.handler.rebuild import Rebuild, clear_preview, find_run, mark_listings_stale
from services.desk.handler.selection import count_articles
from services.desk.handler.versions import count_pages, keep_counts, look_again, summary
from shared.runtime.errors import PresslineError
from shared.runtime.rebuild_runs import RunCounts
from shared.site import keys
from shared.site.listings import GONE
from shared.site.sites import Site, get_site

_POLL_INTERVAL_SECONDS = 0.2
_RECHECK_INTERVAL_SECONDS = 1.0  # at pages that are on their way
_QUIET_SECONDS = 30.0  # without a listing renewed: somebody else's turn
_FAILED_SHARE, _MIN_FAILED = 0.1, 50  # with more failed articles than this the theme is broken: stop
_console = Console(stderr=True)


def rebuild(
    site: Annotated[str | None, typer.Option(help="The site; may be left out where there is one.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every page.")] = False,  # noqa: FBT002
    section: Annotated[str | None, typer.Option(help="Only articles of this section, and its listings.")] = None,
    since: Annotated[
        datetime | None,
        typer.Option(parser=instant, metavar="TIME", help=f"Only what was published then or later. {FORMS}"),
    ] = None,
    theme: Annotated[bool, typer.Option("--theme", help="Only pages of another theme or settings.")] = False,  # noqa: FBT002
    enrich: Annotated[bool, typer.Option("--enrich", help="Enrich the texts anew first.")] = False,  # noqa: FBT002
    resume: Annotated[str | None, typer.Option(metavar="RUN", help="Go on with a run that was stopped.")] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Try on so many pages what would change; publish nothing.")
    ] = None,
    diff: Annotated[bool, typer.Option("--diff", help="With --sample: write what changes as a page of HTML.")] = False,  # noqa: FBT002
    theme_folder: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="With --sample: the theme to try; else the site's."),
    ] = None,
) -> None:
    """Render pages again and publish those that differ, by the workers, behind the news of the day.

    Bytes that are there already are not put and not purged. Ctrl-C pauses it and tells how to go on; so does whatever
    kills it, for the run is kept in the content bucket: the command is printed at its start.

    Before a new theme is rolled out: `rebuild --sample 200 --diff --theme-folder themes/epn`. After that, and after a
    change of a site's settings: `rebuild --theme`. After an upgrade whose changelog names the enrichers:
    `rebuild --all --enrich`.
    """
    chosen = _site(site)
    if resume is not None:
        run = find_run(wiring.content(), chosen.id, resume)
    elif not (everything or section or since or theme or sample):
        raise typer.BadParameter("say which pages: --all, --section, --since, --theme, or --sample to try")
    elif enrich and sample:
        raise typer.BadParameter("a sample is rendered from the texts as they are enriched now", param_hint="--enrich")
    else:
        run = _new_run(chosen, section=section, since=since, is_by_theme=theme, is_enriched_anew=enrich, most=sample)
    if sample is not None:
        _try_out(run, chosen, theme_folder, has_diff=diff)
        return
    work = wiring.rebuild(run, chosen)
    work.begin()
    _console.print(f"Whatever stops it, go on with: {_resume(run)}", soft_wrap=True)  # a command is copied whole
    touched = _work(work, chosen)
    _watch_listings(chosen, touched)
    if run.is_by_theme:
        _count_versions(chosen)


def _site(name: str | None) -> Site:
    sites = wiring.sites()
    if name is None and len(sites) > 1:
        raise typer.BadParameter(f"which one: {', '.join(sites)}", param_hint="--site")
    return get_site(sites, name or next(iter(sites)))


def _new_run(
    site: Site,
    *,
    section: str | None,
    since: datetime | None,
    is_by_theme: bool,
    is_enriched_anew: bool,
    most: int | None,
) -> Run:
    if section is not None and not site.has_section(section):
        known = ", ".join(each.id for each in site.sections)
        raise typer.BadParameter(f"{section}: there are {known}", param_hint="--section")
    now = datetime.now(UTC)
    return Run(
        site=site.id,
        run=f"{now:%Y%m%dT%H%M%S%f}"[:-3],
        section=section,
        since=since,
        is_by_theme=is_by_theme,
        is_enriched_anew=is_enriched_anew,
        most=most,
        started_at=now,
    )


def _resume(run: Run) -> str:
    return f"pressline rebuild --site {run.site} --resume {run.run}"


def _work(work: Rebuild, site: Site) -> int:
    """Bring a run to its end, or say how to go on with it; return how many listings are rendered beside it."""
    run = work.run
    try:
        touched = mark_listings_stale(wiring.index(), site, run)  # the scheduler fits them in between the batches
        if run.is_by_theme:
            _await_gone_page(site)
        _follow(work, lambda: run.most or count_articles(work.content, run.site))
    except (KeyboardInterrupt, PresslineError) as error:
        why = "Paused" if isinstance(error, KeyboardInterrupt) else f"Stopped: {error}"
        _console.print(f"{why}. Go on with: {_resume(run)}", style="yellow", soft_wrap=True)
        work.save(now=True)
        raise typer.Exit(1) from error
    counts, failed = work.counts, work.counts.failed
    _console.print(
        f"{run.site}: {counts.changed} pages changed, {counts.unchanged} unchanged, {counts.skipped} articles skipped"
    )
    if failed:
        _console.print(f"{failed} articles were not rebuilt: see `pressline dead-letters list`", style="red")
        raise typer.Exit(1)
    return touched


def _follow(work: Rebuild, count: Callable[[], int]) -> None:
    figures = "{task.fields[rate]:.0f}/s"
    if work.run.preview is None:  # of a preview nobody knows it yet: the workers publish nothing
        figures += "  {task.fields[changed]} changed, {task.fields[unchanged]} unchanged"
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(figures),
        TimeRemainingColumn(),
    )
    began, first = monotonic(), work.counts.articles
    with Progress(*columns, console=_console) as progress:
        bar = progress.add_task(work.run.site, total=None, rate=0.0, changed=0, unchanged=0)

        def show() -> RunCounts:
            counts = work.counts
            rate = (counts.articles - first) / max(monotonic() - began, 0.001)
            progress.update(
                bar, completed=counts.articles, rate=rate, changed=counts.changed, unchanged=counts.unchanged
            )
            return counts

        is_open = work.go_on()
        progress.update(bar, total=count())  # while the first batches are at work
        while is_open:
            counts = show()
            if counts.failed > max(_MIN_FAILED, _FAILED_SHARE * counts.articles):
                raise PresslineError(f"{counts.failed} of {counts.articles} articles have failed; is the theme broken?")
            sleep(_POLL_INTERVAL_SECONDS)
            is_open = work.go_on()
        progress.update(bar, total=show().articles)


def _await_gone_page(site: Site) -> None:
    """Wait until the site's own 410 page is renewed: removed articles get copies of it."""
    index, began = wiring.index(), monotonic()
    while index.stale_versions(site, [GONE]) and monotonic() - began < _QUIET_SECONDS:
        sleep(_POLL_INTERVAL_SECONDS)


def _count_versions(site: Site) -> None:
    """Count pages by version, wait for those that are on their way, and store the counts for `pressline status`."""
    count = wiring.version_count(site)
    if count is None:
        return
    with Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=_console) as progress:
        bar = progress.add_task("pages by version", total=None)
        for done in count_pages(count):
            progress.update(bar, completed=done)
        progress.update(bar, total=count.pages.total())
    until = monotonic() + _QUIET_SECONDS
    while count.others and monotonic() < until:
        sleep(_RECHECK_INTERVAL_SECONDS)
        look_again(count)
    counts = keep_counts(wiring.content(), site, count, datetime.now(UTC))
    _console.print(summary(site, counts), soft_wrap=True, highlight=False)


def _watch_listings(site: Site, touched: int) -> None:
    """Show how far the scheduler has come with the listings; it does them whether anybody looks or not."""
    index, moved_at, left = wiring.index(), monotonic(), touched
    with Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=_console) as progress:
        bar = progress.add_task("listings", total=touched)
        while behind := len(index.stale(site)):
            if behind < left:
                left, moved_at = behind, monotonic()
            progress.update(bar, completed=max(0, touched - behind))
            if monotonic() - moved_at > _QUIET_SECONDS:
                _console.print(f"{behind} listings are behind still; the scheduler goes on with them.", style="yellow")
                return
            sleep(_POLL_INTERVAL_SECONDS)
        progress.update(bar, completed=touched)


def _try_out(run: Run, site: Site, folder: Path | None, *, has_diff: bool) -> None:
    content, preview = wiring.content(), keys.preview_prefix(site.id, run.run)
    if folder is not None:
        content.put(keys.preview_theme_key(preview), zipped_theme(folder), content_type="application/zip")
    work = wiring.rebuild(run.model_copy(update={"preview": preview}), site)
    try:
        _follow(work, lambda: run.most or 0)
        found = list(differences(content, wiring.public(site), preview))
    finally:
        clear_preview(content, preview)
    changed = sum(bool(each.lines) for each in found)
    typer.echo(f"{changed} of {len(found)} pages would change; nothing was published.")
    if has_diff:
        file = Path(f"rebuild-{site.id}-{run.run}.html")
        file.write_text(report(site.id, folder.resolve().name if folder else site.theme, found), encoding="utf-8")
        typer.echo(f"How they would: {file}")
    if failed := work.counts.failed:
        _console.print(f"{failed} could not be rendered; the log of render says why: preview.failed", style="red")
        raise typer.Exit(1)
