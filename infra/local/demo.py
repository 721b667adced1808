"""The demo: starts the stack, posts the samples or other files, and shows the time until each page was readable."""

from __future__ import annotations

import json
import shlex
import signal
import statistics
import textwrap
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import unquote

from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra.local.posting import STAGES, PostResult, post_articles
from infra.local.settings import PROJECT, StackSettings
from infra.local.stack import embedded_stack, start_stack
from infra.local.state import RunFolder, StackError, StackFile

SAMPLES = PROJECT / "infra" / "samples"
_MAX_HEADLINE_CHARS = 60
_UNLIMITED_WIDTH_CHARS = 2_000
_POLL_SECONDS = 0.5


def run_demo(settings: StackSettings, files: Sequence[Path], *, is_once: bool) -> bool:
    """Start the stack if it is down, post the files and show the results; return whether all articles are live.

    Unless `is_once`, stay until Ctrl-C.

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
            results = post_articles(stack, documents, console)
            _show_results(console, results)
            _show_next_steps(console, settings, stack)
            _show_summary(console, results, stack, is_stopping=is_ours and is_once)
            if not is_once:
                _stay(console, folder, is_ours=is_ours)
        except KeyboardInterrupt:
            console.print("Stopping the stack …" if is_ours else "")
            return not is_once
    return all(result.is_live for result in results)


def summary_of(results: Sequence[PostResult]) -> str:
    """Return the number of live articles, and the median and worst time of those that were posted just now."""
    live = sum(result.is_live for result in results)
    text = f"{live} of {len(results)} articles are live."
    if times_ms := [result.readable_ms for result in results if result.readable_ms and not result.is_unchanged]:
        median_ms = statistics.median(times_ms)
        text += f" POST to readable page: median {_ms(median_ms)} ms, worst {_ms(max(times_ms))} ms."
    if unchanged := sum(result.is_live and result.is_unchanged for result in results):
        text += f" {unchanged} {'was' if unchanged == 1 else 'were'} live before."
    return text


def _document(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise StackError(message) from error


def _show_results(console: Console, results: Sequence[PostResult]) -> None:
    table = _table(results)
    needed_chars = Console(width=_UNLIMITED_WIDTH_CHARS).measure(table).maximum
    if not console.is_terminal:  # output to a file or a pipe needs no line breaks
        console = Console(highlight=False, width=max(needed_chars, console.width))
    if console.width >= needed_chars:
        console.print(table)
    else:
        _show_list(console, results)
    console.print("Times are milliseconds from POST. unchanged: the article was live before.")
    for result in results:
        if not result.is_live:
            console.print(
                f"{result.file.name} is not live ({result.status}): {result.reason}", markup=False, soft_wrap=True
            )


def _show_next_steps(console: Console, settings: StackSettings, stack: StackFile) -> None:
    console.print(f"\nAPI docs: {stack.api}/docs\nPost an article of your own (run this in the current folder):")
    # On one line, so that it can be copied.
    console.print(_curl(settings, stack), markup=False, soft_wrap=True)


def _show_summary(console: Console, results: Sequence[PostResult], stack: StackFile, *, is_stopping: bool) -> None:
    later = "  (the stack stops now and keeps the articles; `make up` starts it again)" if is_stopping else ""
    console.print(f"\n{summary_of(results)}\nSite: {stack.edge}/{later}", soft_wrap=True)


def _table(results: Sequence[PostResult]) -> Table:
    table = Table("headline", "URL", "readable", *STAGES, box=None, pad_edge=False)
    for column in table.columns:
        column.no_wrap = True
    for column in table.columns[2:]:
        column.justify = "right"
    for result in results:
        headline = Text(textwrap.shorten(result.headline, _MAX_HEADLINE_CHARS, placeholder=" …"))
        stages = [_ms(result.stages_ms.get(stage)) for stage in STAGES]
        table.add_row(headline, unquote(result.url or ""), _readable(result), *stages)
    return table


def _show_list(console: Console, results: Sequence[PostResult]) -> None:
    """Show the same results for a narrow terminal, with each URL on one line."""
    for result in results:
        console.print(Text(result.headline, style="bold"))
        if result.url:
            console.print(f"  {unquote(result.url)}", markup=False, soft_wrap=True)
        stages = [f"{stage} {_ms(result.stages_ms[stage])}" for stage in STAGES if stage in result.stages_ms]
        console.print(f"  readable {_readable(result)}: {', '.join(stages)}", markup=False)


def _readable(result: PostResult) -> str:
    if not result.is_live:
        return result.status
    return "unchanged" if result.is_unchanged else _ms(result.readable_ms)


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
    token_file = shlex.quote(_relative(RunFolder(settings.run_folder).token_file))
    return (
        f'curl -sS -H "Authorization: Bearer $(cat {token_file})" '
        f"-H 'Content-Type: application/json' -H 'Prefer: wait=10' "
        f"--data-binary {shlex.quote(json.dumps(article))} {stack.api}/v1/articles"
    )


def _relative(path: Path) -> str:
    with suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _stay(console: Console, folder: RunFolder, *, is_ours: bool) -> None:
    """Wait for Ctrl-C.

    Raises:
        StackError: the stack ended.
    """
    console.print("Ctrl-C stops the stack." if is_ours else "Ctrl-C ends the demo. `make down` stops the stack.")
    while folder.is_supervised():
        time.sleep(_POLL_SECONDS)
    message = "the stack has ended"
    raise StackError(message)


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Treat SIGTERM and SIGHUP as Ctrl-C inside the block, so that each of them also ends the stack.

    This sets SIGINT too, because a shell script that starts the demo with `&` makes it ignore SIGINT.
    """

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
