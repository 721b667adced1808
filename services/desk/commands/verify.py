"""`pressline verify`: compare the public bucket with the content bucket, and repair the differences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from time import sleep
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from services.desk import wiring
from services.desk.handler.versions import count_pages, recheck_pages, store_counts, summary
from shared.messaging.messages import Message
from shared.reconcile import DriftKind, ReconcileDeps
from shared.reconcile.passes import Reconciliation
from shared.reconcile.repair import repair_of
from shared.site.sites import Site, get_site

_READER_THREADS = 8
_MAX_UNCONFIRMED_REMOVALS = 10  # so many extra objects are removed without --remove-many


def verify(
    site: Annotated[str | None, typer.Option(help="The site; all sites if not given.")] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Send repairs of the differences to the workers.")] = False,  # noqa: FBT002
    remove_many: Annotated[  # noqa: FBT002
        bool, typer.Option("--remove-many", help="With --repair: remove even more than a tenth of the public objects.")
    ] = False,
    show: Annotated[int, typer.Option(help="The largest number of differences to list, per kind.", min=0)] = 10,
    patience: Annotated[float, typer.Option(help="Seconds before differences are checked again.", min=0)] = 5.0,
) -> None:
    """Compare the public bucket with the content bucket.

    Missing, extra, stale and differing objects are checked twice, so that a publication in progress does not count.
    Pages of another version of theme and settings are counted; `pressline rebuild --theme` renews them.

    With --repair the workers correct the differences. Foreign objects in the public bucket are listed and never
    touched.

    Exit code 1: there are differences.
    """
    sites, console = wiring.sites(), Console()
    has_drift = False
    for each in [get_site(sites, site)] if site else list(sites.values()):
        deps = wiring.deps(each)
        with closing(Reconciliation(each, deps, wait=lambda: sleep(patience), readers=_READER_THREADS)) as comparison:
            compare(each, comparison, console)
            report(each, comparison, console, show=show)
            has_drift |= comparison.drift() > 0
            has_drift |= report_versions(each, console, show=show, patience=patience) > 0
            if repair and comparison.drift():
                emit, sent = wiring.emitter(), 0
                for message in repairs(each, comparison, deps, console, may_remove_many=remove_many):
                    emit([message])
                    sent += 1
                console.print(f"{sent} repairs sent to the workers; run `pressline verify` again later.")
    if has_drift:
        raise typer.Exit(1)


def compare(site: Site, comparison: Reconciliation, console: Console) -> None:
    """Run all steps of a comparison and show the progress."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[done]}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(site.id, total=1.0, done=0)
        for step in comparison.steps():
            share = {"total": 1.0, "completed": step.share} if step.share is not None else {"total": None}
            progress.update(bar, description=f"{site.id}: {step.stage}", done=step.done, **share)


def report(site: Site, comparison: Reconciliation, console: Console, *, show: int) -> None:
    """Print the count of each kind of drift, and the first paths of each kind with their reasons."""
    counts = comparison.counts()
    table = Table(site.id, *(kind.value for kind in DriftKind), box=None, pad_edge=False)
    table.add_row(f"{comparison.count_public()} objects", *(str(counts[kind]) for kind in DriftKind))
    console.print(table)
    shown: Counter[DriftKind] = Counter()
    for drift in comparison.found():
        shown[drift.kind] += 1
        if shown[drift.kind] <= show:
            subject = drift.path or f"article {drift.article}"
            console.print(
                Text.assemble((f"{drift.kind.value:<13}", "yellow"), f"{subject}  {drift.reason}"), soft_wrap=True
            )
        elif shown[drift.kind] == show + 1:
            console.print(f"{drift.kind.value:<13}and {counts[drift.kind] - show} more")


def report_versions(site: Site, console: Console, *, show: int, patience: float) -> int:
    """Count pages by version, store the counts for `pressline status`; return the number of another version.

    These pages get no repairs: one `rebuild --theme` renews ten thousand pages, a repair renews one path.
    """
    count = wiring.version_count(site)
    if count is None:
        return 0
    for _ in count_pages(count):
        pass
    if count.others:
        sleep(patience)
        recheck_pages(count)
    counts = store_counts(wiring.content(), site, count, datetime.now(UTC))
    for path in count.others[:show]:
        console.print(Text.assemble(("other version", "yellow"), f"  {path}"), soft_wrap=True)
    console.print(Text(summary(site, counts)), soft_wrap=True)
    return len(count.others)


def repairs(
    site: Site, comparison: Reconciliation, deps: ReconcileDeps, console: Console, *, may_remove_many: bool
) -> Iterator[Message]:
    """Yield the repair messages; none for extra objects if they are many: the content bucket may be the wrong one."""
    extra = comparison.counts()[DriftKind.EXTRA]
    exceeds_limit = extra > max(_MAX_UNCONFIRMED_REMOVALS, comparison.count_public() // 10) and not may_remove_many
    if exceeds_limit:
        console.print(
            f"{extra} extra objects are not removed, because they are many: is this the right content bucket, "
            "and is it complete? --remove-many removes them.",
            style="red",
            soft_wrap=True,
        )
    for drift in comparison.found():
        message = None if exceeds_limit and drift.kind is DriftKind.EXTRA else repair_of(drift, site, deps)
        if message is not None:
            yield message
