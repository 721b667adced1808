"""The demonstration: starts the stack, has the samples (or other files) posted, and shows what came of them."""

from __future__ import annotations

import json
import shlex
import signal
import textwrap
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import unquote

from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra.local.newsroom import STAGES, UNCHANGED, Outcome, post_all
from infra.local.settings import PROJECT, StackSettings
from infra.local.show import show_urls
from infra.local.stack import embedded_stack, start_stack
from infra.local.state import RunFolder, StackError, StackFile

SAMPLES = PROJECT / "infra" / "samples"
_HEADLINE_CHARS = 60
_ANY_WIDTH = 2_000
_LOOK_SECONDS = 0.5


def run_demo(settings: StackSettings, files: Sequence[Path], *, is_once: bool) -> bool:
    """Start the stack unless it is up, post, show; stay until Ctrl-C unless `is_once`. Returns whether all is live.

    Raises:
        StackError: the stack cannot start, or a file cannot be read.
    """
    console = Console(highlight=False)
    chosen = [path.resolve() for path in files] or sorted(SAMPLES.glob("*.json"))
    documents = {path: _document(path) for path in chosen}
    with ExitStack() as context:
        context.enter_context(_stopped_by_signals())
        folder = RunFolder(settings.run_folder)
        is_ours = not folder.is_supervised()
        if is_ours:
            console.print("Starting the stack …")
            stack = context.enter_context(embedded_stack(settings, is_quiet=False))
        else:
            stack = start_stack(settings)
        try:
            outcomes = post_all(stack, documents, console)
            _show(console, outcomes, settings, stack)
            if not is_once:
                _stay(console, folder, is_ours=is_ours)
        except KeyboardInterrupt:
            console.print("Stopping …" if is_ours else "")
            return not is_once
    return all(outcome.is_live for outcome in outcomes)


def _document(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise StackError(message) from error


def _show(console: Console, outcomes: Sequence[Outcome], settings: StackSettings, stack: StackFile) -> None:
    table = _table(outcomes)
    needed = Console(width=_ANY_WIDTH).measure(table).maximum
    if not console.is_terminal:  # nothing folds a line that is read from a file
        console = Console(highlight=False, width=max(needed, console.width))
    if console.width >= needed:
        console.print(table)
    else:
        _show_list(console, outcomes)
    console.print("Milliseconds from POST; unchanged: it was live already.\n")
    for outcome in outcomes:
        if not outcome.is_live:
            console.print(
                f"{outcome.file.name} is not live ({outcome.status}): {outcome.reason}", markup=False, soft_wrap=True
            )
    show_urls(console, stack)
    console.print("\nPost one of your own (from this folder):")
    # Printed whole, so that it can be copied: no wrapping at the terminal's width.
    console.print(_curl(settings, stack), markup=False, soft_wrap=True)


def _table(outcomes: Sequence[Outcome]) -> Table:
    table = Table("Headline", "URL", "readable", *STAGES, box=None, pad_edge=False)
    for column in table.columns:
        column.no_wrap = True
    for column in table.columns[2:]:
        column.justify = "right"
    for outcome in outcomes:
        headline = Text(textwrap.shorten(outcome.headline, _HEADLINE_CHARS, placeholder=" …"))
        stages = [_ms(outcome.stages_ms.get(stage)) for stage in STAGES]
        table.add_row(headline, unquote(outcome.url or ""), _readable(outcome), *stages)
    return table


def _show_list(console: Console, outcomes: Sequence[Outcome]) -> None:
    """Show the same in a narrow terminal, an address being of use only in one piece."""
    for outcome in outcomes:
        console.print(Text(outcome.headline, style="bold"))
        if outcome.url:
            console.print(f"  {unquote(outcome.url)}", markup=False, soft_wrap=True)
        stages = [f"{stage} {_ms(outcome.stages_ms[stage])}" for stage in STAGES if stage in outcome.stages_ms]
        console.print(f"  readable {_readable(outcome)}: {', '.join(stages)}", markup=False)


def _readable(outcome: Outcome) -> str:
    if not outcome.is_live:
        return outcome.status
    return "unchanged" if outcome.status in UNCHANGED else _ms(outcome.readable_ms)


def _curl(settings: StackSettings, stack: StackFile) -> str:
    article = {
        "source": "my-newsroom",
        "source_id": "first-post",
        "headline": "Our first story on Pressline",
        "standfirst": "Posted with curl, readable a moment later.",
        "section": "news",
        "language": "en",
        "body": "<p>Change these words, post again, and the page changes.</p>",
    }
    token_file = shlex.quote(_shown(RunFolder(settings.run_folder).token_file))
    return (
        f'curl -sS -H "Authorization: Bearer $(cat {token_file})" '
        f"-H 'Content-Type: application/json' -H 'Prefer: wait=10' "
        f"--data-binary {shlex.quote(json.dumps(article))} {stack.api}/v1/articles"
    )


def _shown(path: Path) -> str:
    with suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _stay(console: Console, folder: RunFolder, *, is_ours: bool) -> None:
    """Wait for Ctrl-C.

    Raises:
        StackError: the stack ended without us.
    """
    console.print("\nCtrl-C stops everything." if is_ours else "\nCtrl-C ends this; the stack goes on (make down).")
    while folder.is_supervised():
        time.sleep(_LOOK_SECONDS)
    message = "the stack has ended"
    raise StackError(message)


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into Ctrl-C inside, so that whatever ends us ends the stack too.

    SIGINT is set as well: who starts us with `&` in a script makes us ignore it.
    """

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
