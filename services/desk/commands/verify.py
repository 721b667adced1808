"""`pressline verify`: is public what should be, and nothing else?"""

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
from services.desk.handler.versions import count_pages, keep_counts, look_again, summary
from shared.messaging.messages import Message
from shared.reconcile import DriftKind, ReconcileDeps
from shared.reconcile.passes import Reconciliation
from shared.reconcile.repair import repair_of
from shared.site.sites import Site, get_site

_READERS = 8
_FEW = 10  # so many extra objects are removed without a question


def verify(
    site: Annotated[str | None, typer.Option(help="The site; all of them if not given.")] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Have what differs mended.")] = False,  # noqa: FBT002
    remove_many: Annotated[  # noqa: FBT002
        bool, typer.Option("--remove-many", help="Also where more than a tenth of all that is public is too much.")
    ] = False,
    show: Annotated[int, typer.Option(help="How many of each kind to name.", min=0)] = 10,
    patience: Annotated[float, typer.Option(help="Seconds before the second look at what differs.", min=0)] = 5.0,
) -> None:
    """Compare what is public with what the content bucket says should be.

    What is missing, too much, behind or has other bytes is looked at twice, so that what is just being published does
    not count. Pages of another version of theme and settings are counted. Ends with 1 where anything differs. With
    --repair the workers are told; what others put into the public bucket is named and never touched. Pages of another
    version are left to `pressline rebuild --theme`.
    """
    sites, console = wiring.sites(), Console()
    has_drift = False
    for each in [get_site(sites, site)] if site else list(sites.values()):
        deps = wiring.deps(each)
        with closing(Reconciliation(each, deps, wait=lambda: sleep(patience), readers=_READERS)) as comparison:
            compare(each, comparison, console)
            report(each, comparison, console, show=show)
            has_drift |= comparison.drift() > 0
            has_drift |= report_versions(each, console, show=show, patience=patience) > 0
            if repair and comparison.drift():
                emit, told = wiring.emitter(), 0
                for message in repairs(each, comparison, deps, console, may_remove_many=remove_many):
                    emit([message])
                    told += 1
                console.print(f"{told} messages to the workers; later, `pressline verify` shows what is left.")
    if has_drift:
        raise typer.Exit(1)


def compare(site: Site, comparison: Reconciliation, console: Console) -> None:
    """Take all steps of a comparison and show how far it is."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[done]}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(site.id, total=1.0, done=0)
        for step in comparison.steps():
            share = {"total": 1.0, "completed": step.share} if step.share is not None else {"total": None}
            progress.update(bar, description=f"{site.id}: {step.stage}", done=step.done, **share)


def report(site: Site, comparison: Reconciliation, console: Console, *, show: int) -> None:
    """Print a count of each kind, and the first of each with their reasons."""
    counts = comparison.counts()
    table = Table(site.id, *(kind.value for kind in DriftKind), box=None, pad_edge=False)
    table.add_row(f"{comparison.count_public()} objects", *(str(counts[kind]) for kind in DriftKind))
    console.print(table)
    shown: Counter[DriftKind] = Counter()
    for drift in comparison.found():
        shown[drift.kind] += 1
        if shown[drift.kind] <= show:
            what = drift.path or f"article {drift.article}"
            console.print(
                Text.assemble((f"{drift.kind.value:<13}", "yellow"), f"{what}  {drift.reason}"), soft_wrap=True
            )
        elif shown[drift.kind] == show + 1:
            console.print(f"{drift.kind.value:<13}and {counts[drift.kind] - show} more")


def report_versions(site: Site, console: Console, *, show: int, patience: float) -> int:
    """Count pages by version, store the counts for `pressline status`, and print which carry another; return how many.

    No repair is made of them: ten thousand pages are renewed by one `rebuild --theme`, not path by path.
    """
    count = wiring.version_count(site)
    if count is None:
        return 0
    for _ in count_pages(count):
        pass
    if count.others:
        sleep(patience)
        look_again(count)
    counts = keep_counts(wiring.content(), site, count, datetime.now(UTC))
    for path in count.others[:show]:
        console.print(Text.assemble(("other version", "yellow"), f"  {path}"), soft_wrap=True)
    console.print(Text(summary(site, counts)), soft_wrap=True)
    return len(count.others)


def repairs(
    site: Site, comparison: Reconciliation, deps: ReconcileDeps, console: Console, *, may_remove_many: bool
) -> Iterator[Message]:
    """Yield what has to be said; where very much is too much, the wrong content bucket is the likelier reason."""
    extra = comparison.counts()[DriftKind.EXTRA]
    is_too_much = extra > max(_FEW, comparison.count_public() // 10) and not may_remove_many
    if is_too_much:
        console.print(
            f"{extra} extra objects are left alone, for they are many: is this the right content bucket, and whole? "
            "--remove-many removes them.",
            style="red",
            soft_wrap=True,
        )
    for drift in comparison.found():
        message = None if is_too_much and drift.kind is DriftKind.EXTRA else repair_of(drift, site, deps)
        if message is not None:
            yield message
