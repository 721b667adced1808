"""`pressline run`: run one handler on one message, outside the queues."""

from __future__ import annotations

from typing import Annotated

import typer

from services.desk import wiring
from shared.messaging.pipeline import PIPELINE
from shared.runtime.step_events import UnusableEventError, find_step, message_of, read_event

_STEPS = ", ".join(step.task_name for step in PIPELINE)


def run(
    step: Annotated[
        str,
        typer.Argument(metavar="STEP", help=f"{_STEPS}. Or a service, if the event decides the step."),
    ],
    event: Annotated[
        typer.FileBinaryRead,
        typer.Argument(
            metavar="EVENT", help="A JSON file: a message, a dead letter or a printed follow-up; - for stdin."
        ),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read, show each write on stderr, write nothing.")] = False,  # noqa: FBT002
) -> None:
    """Run one handler on one message, for debugging: without queue, retries, dead letters or time limit.

    Follow-up messages are printed as JSON, one a line. Without --dry-run they are emitted too, and the handler writes
    as in a worker. Exit code 1: an item failed (its traceback is printed). Exit code 2: the event cannot be used.

    With --dry-run the handler reads the real buckets and the real Redis. Each PUT, each write to Redis and each purge
    is shown on stderr and not made. Later reads return the shown PUTs. The printed follow-ups carry them as `objects`.
    So a dry run of the next step reads them too. A dry run shows the pages that a change of the index makes stale. It
    prints no message for them, and it asks no edge for a page.

    Why does this article not render?

        pressline dead-letters list

        pressline dead-letters show 3f2a --json | pressline run render - --dry-run

    What would publish do with the rendered page?

        pressline run render.ArticlesEnriched event.json --dry-run > page.json

        pressline run publish page.json --dry-run

    What would become of an accepted article, step by step?

        pressline run enrich event.json --dry-run > enriched.json

        pressline run render enriched.json --dry-run > page.json
    """
    text = event.read()
    try:
        found = read_event(text)
        chosen = find_step(step, found)
        message_of(chosen, found)
    except UnusableEventError as error:
        raise typer.BadParameter(str(error)) from error
    raise typer.Exit(wiring.run_step(chosen, text, is_dry_run=dry_run))
