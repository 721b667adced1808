"""`pressline rebuild`: render all pages or selected ones again, through the workers, in the bulk lane."""

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
from services.desk.handler.versions import count_pages, recheck_pages, store_counts, summary
from shared.runtime.errors import PresslineError
from shared.runtime.rebuild_runs import RunCounts
from shared.site import keys
from shared.site.listings import GONE
from shared.site.sites import Site, get_site

_POLL_INTERVAL_SECONDS = 0.2
_PAGE_RECHECK_INTERVAL_SECONDS = 1.0  # for pages that are still being published
_MAX_IDLE_SECONDS = 30.0  # without a renewed listing: stop watching
_MAX_FAILED_SHARE, _MIN_FAILED_ARTICLES = 0.1, 50  # above both: the theme is broken, so stop
_console = Console(stderr=True)


def rebuild(
    site: Annotated[str | None, typer.Option(help="The site; not needed if only one is configured.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All pages.")] = False,  # noqa: FBT002
    section: Annotated[str | None, typer.Option(help="Only articles of this section, and its listings.")] = None,
    since: Annotated[
        datetime | None,
        typer.Option(parser=instant, metavar="TIME", help=f"Only articles published since then. {FORMS}"),
    ] = None,
    theme: Annotated[bool, typer.Option("--theme", help="Only pages of another theme or settings.")] = False,  # noqa: FBT002
    enrich: Annotated[bool, typer.Option("--enrich", help="Enrich the texts again first.")] = False,  # noqa: FBT002
    resume: Annotated[str | None, typer.Option(metavar="RUN", help="Continue a stopped run.")] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Preview the changes of so many pages; publish nothing.")
    ] = None,
    diff: Annotated[bool, typer.Option("--diff", help="With --sample: write the changes to an HTML file.")] = False,  # noqa: FBT002
    theme_folder: Annotated[
        Path | None,
        typer.Option(
            exists=True, file_okay=False, help="With --sample: the theme to preview; the site's if not given."
        ),
    ] = None,
) -> None:
    """Render pages again through the workers, in the bulk lane, and publish those that differ.

    Unchanged pages are neither put nor purged. Ctrl-C pauses the run. Its progress is stored in the content bucket:
    after a pause or a crash, continue with the command that is printed at the start.

    Before a new theme is rolled out: `rebuild --sample 200 --diff --theme-folder themes/epn`. After the rollout, and
    after a change of a site's settings: `rebuild --theme`. After an upgrade whose changelog names the enrichers:
    `rebuild --all --enrich`.
    """
    chosen = _site(site)
    if resume is not None:
        run = find_run(wiring.content(), chosen.id, resume)
    elif not (everything or section or since or theme or sample):
        raise typer.BadParameter("select pages: --all, --section, --since, --theme, or --sample for a preview")
    elif enrich and sample:
        raise typer.BadParameter("a preview uses the texts as they are enriched now", param_hint="--enrich")
    else:
        run = _new_run(
            chosen, section=section, since=since, is_by_theme=theme, is_enriched_anew=enrich, max_articles=sample
        )
    if sample is not None:
        _preview(run, chosen, theme_folder, has_diff=diff)
        return
    work = wiring.rebuild(run, chosen)
    work.begin()
    _console.print(f"If it stops, continue with: {_resume_command(run)}", soft_wrap=True)  # unbroken, to be copied
    stale_count = _run_to_end(work, chosen)
    _watch_listings(chosen, stale_count)
    if run.is_by_theme:
        _count_versions(chosen)


def _site(name: str | None) -> Site:
    sites = wiring.sites()
    if name is None and len(sites) > 1:
        raise typer.BadParameter(f"give one of {', '.join(sites)}", param_hint="--site")
    return get_site(sites, name or next(iter(sites)))


def _new_run(
    site: Site,
    *,
    section: str | None,
    since: datetime | None,
    is_by_theme: bool,
    is_enriched_anew: bool,
    max_articles: int | None,
) -> Run:
    if section is not None and not site.has_section(section):
        known = ", ".join(each.id for each in site.sections)
        raise typer.BadParameter(f"{section}: the sections are {known}", param_hint="--section")
    now = datetime.now(UTC)
    return Run(
        site=site.id,
        run=f"{now:%Y%m%dT%H%M%S%f}"[:-3],
        section=section,
        since=since,
        is_by_theme=is_by_theme,
        is_enriched_anew=is_enriched_anew,
        max_articles=max_articles,
        started_at=now,
    )


def _resume_command(run: Run) -> str:
    return f"pressline rebuild --site {run.site} --resume {run.run}"


def _run_to_end(work: Rebuild, site: Site) -> int:
    """Run to the end, or print the command that continues; return the number of listings marked stale."""
    run = work.run
    try:
        stale_count = mark_listings_stale(wiring.index(), site, run)  # the scheduler queues them between the batches
        if run.is_by_theme:
            _await_gone_page(site)
        _show_progress(work, lambda: run.max_articles or count_articles(work.content, run.site))
    except (KeyboardInterrupt, PresslineError) as error:
        why = "Paused" if isinstance(error, KeyboardInterrupt) else f"Stopped: {error}"
        _console.print(f"{why}. Continue with: {_resume_command(run)}", style="yellow", soft_wrap=True)
        work.save(now=True)
        raise typer.Exit(1) from error
    counts, failed = work.counts, work.counts.failed
    _console.print(
        f"{run.site}: {counts.changed} pages changed, {counts.unchanged} unchanged, {counts.skipped} articles skipped"
    )
    if failed:
        _console.print(f"{failed} articles were not rebuilt: see `pressline dead-letters list`", style="red")
        raise typer.Exit(1)
    return stale_count


def _show_progress(work: Rebuild, count: Callable[[], int]) -> None:
    figures = "{task.fields[rate]:.0f}/s"
    if work.run.preview is None:  # a preview publishes nothing, so these counts stay 0
        figures += "  {task.fields[changed]} changed, {task.fields[unchanged]} unchanged"
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(figures),
        TimeRemainingColumn(),
    )
    began_at, first = monotonic(), work.counts.articles
    with Progress(*columns, console=_console) as progress:
        bar = progress.add_task(work.run.site, total=None, rate=0.0, changed=0, unchanged=0)

        def show() -> RunCounts:
            counts = work.counts
            rate = (counts.articles - first) / max(monotonic() - began_at, 0.001)
            progress.update(
                bar, completed=counts.articles, rate=rate, changed=counts.changed, unchanged=counts.unchanged
            )
            return counts

        is_open = work.go_on()
        progress.update(bar, total=count())  # counted while workers render the first batches
        while is_open:
            counts = show()
            if counts.failed > max(_MIN_FAILED_ARTICLES, _MAX_FAILED_SHARE * counts.articles):
                raise PresslineError(f"{counts.failed} of {counts.articles} articles have failed; is the theme broken?")
            sleep(_POLL_INTERVAL_SECONDS)
            is_open = work.go_on()
        progress.update(bar, total=show().articles)


def _await_gone_page(site: Site) -> None:
    """Wait until the site's own 410 page is renewed, because removed articles get copies of it."""
    index, began_at = wiring.index(), monotonic()
    while index.stale_versions(site, [GONE]) and monotonic() - began_at < _MAX_IDLE_SECONDS:
        sleep(_POLL_INTERVAL_SECONDS)


def _count_versions(site: Site) -> None:
    """Count pages by version, recheck those still being published, and store the counts for `pressline status`."""
    count = wiring.version_count(site)
    if count is None:
        return
    with Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=_console) as progress:
        bar = progress.add_task("pages by version", total=None)
        for done in count_pages(count):
            progress.update(bar, completed=done)
        progress.update(bar, total=count.pages.total())
    deadline = monotonic() + _MAX_IDLE_SECONDS
    while count.others and monotonic() < deadline:
        sleep(_PAGE_RECHECK_INTERVAL_SECONDS)
        recheck_pages(count)
    counts = store_counts(wiring.content(), site, count, datetime.now(UTC))
    _console.print(summary(site, counts), soft_wrap=True, highlight=False)


def _watch_listings(site: Site, stale_count: int) -> None:
    """Show the progress of the stale listings; the scheduler renews them with or without this command."""
    index, moved_at, left = wiring.index(), monotonic(), stale_count
    with Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=_console) as progress:
        bar = progress.add_task("listings", total=stale_count)
        while still_stale := len(index.stale_listings(site)):
            if still_stale < left:
                left, moved_at = still_stale, monotonic()
            progress.update(bar, completed=max(0, stale_count - still_stale))
            if monotonic() - moved_at > _MAX_IDLE_SECONDS:
                _console.print(f"{still_stale} listings are still stale; the scheduler continues.", style="yellow")
                return
            sleep(_POLL_INTERVAL_SECONDS)
        progress.update(bar, completed=stale_count)


def _preview(run: Run, site: Site, folder: Path | None, *, has_diff: bool) -> None:
    content, preview = wiring.content(), keys.preview_prefix(site.id, run.run)
    if folder is not None:
        content.put(keys.preview_theme_key(preview), zipped_theme(folder), content_type="application/zip")
    work = wiring.rebuild(run.model_copy(update={"preview": preview}), site)
    try:
        _show_progress(work, lambda: run.max_articles or 0)
        found = list(differences(content, wiring.public(site), preview))
    finally:
        clear_preview(content, preview)
    changed = sum(bool(each.lines) for each in found)
    typer.echo(f"{changed} of {len(found)} pages would change; nothing was published.")
    if has_diff:
        file = Path(f"rebuild-{site.id}-{run.run}.html")
        file.write_text(report(site.id, folder.resolve().name if folder else site.theme, found), encoding="utf-8")
        typer.echo(f"Differences: {file}")
    if failed := work.counts.failed:
        _console.print(f"{failed} could not be rendered; see preview.failed in the log of render", style="red")
        raise typer.Exit(1)
