"""`python -m infra.local`: the embedded stack from the command line. `make help` shows the short ways to say it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from infra.local.settings import StackSettings
from infra.local.state import StackError

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help=(
        "The embedded stack: Redis, S3, a stand-in for the CDN and every service, each a process of its own. "
        "State lives in .run and survives; settings are environment variables (see .env.example)."
    ),
)

Files = Annotated[list[Path] | None, typer.Argument(help="Post these instead of the samples, as they are.")]


@app.command()
def up() -> None:
    """Start the stack in the background, or what is down of it; returns when all is ready."""
    from infra.local.show import progress, show_urls  # noqa: PLC0415 -- rich, which a supervisor need not carry
    from infra.local.stack import start_stack  # noqa: PLC0415

    settings = _settings()
    with progress() as watch:
        stack = start_stack(settings, watch)
    show_urls(_console(), stack)


@app.command()
def down() -> None:
    """Stop every process; what was published and queued stays and is there at the next start."""
    from infra.local.stack import stop_stack  # noqa: PLC0415

    _console().print("The stack is down; its state stays." if stop_stack(_settings()) else "Nothing was running.")


@app.command()
def run(
    child: Annotated[bool, typer.Option("--child", hidden=True, help="Somebody else shows why it failed.")] = False,  # noqa: FBT002
) -> None:
    """Run the stack in the foreground until Ctrl-C, saying what happens to its processes."""
    from infra.local.stack import run_stack  # noqa: PLC0415

    try:
        run_stack(_settings(), _say)
    except StackError:
        if child and sys.stdout.isatty():
            raise typer.Exit(1) from None
        raise


@app.command()
def status() -> None:
    """Show each process: pid, port, memory, age, restarts."""
    from infra.local.show import show_status  # noqa: PLC0415

    if not show_status(_console(), _settings()):
        raise typer.Exit(1)


@app.command()
def logs(
    service: Annotated[str, typer.Argument(help="redis, s3, edge, endpoint, render, render-bulk, … or supervisor")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as it grows, until Ctrl-C.")] = False,  # noqa: FBT002
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, max=2_000)] = 100,
) -> None:
    """Show the end of a process's log."""
    from infra.local.show import show_log  # noqa: PLC0415

    show_log(_settings(), service, lines=lines, is_following=follow)


@app.command()
def ports() -> None:
    """Show every port that the stack opens, whether it is free, and the setting that moves it."""
    from infra.local.show import show_ports  # noqa: PLC0415

    show_ports(_console(), _settings())


@app.command()
def demo(
    files: Files = None,
    once: Annotated[bool, typer.Option("--once", help="End when all is live; 1 and a reason if it is not.")] = False,  # noqa: FBT002
) -> None:
    """Start the stack if it is down, post articles as a newsroom would, and show when each could be read."""
    from infra.local.demo import run_demo  # noqa: PLC0415

    if not run_demo(_settings(), files or [], is_once=once):
        raise typer.Exit(1)


def main() -> None:
    """Run a command; what a person can mend is said in words, without a traceback."""
    try:
        app()
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)


def _settings() -> StackSettings:
    try:
        return StackSettings()
    except ValidationError as error:
        lines = [f"PRESSLINE_{'_'.join(map(str, fault['loc'])).upper()}: {fault['msg']}" for fault in error.errors()]
        raise StackError("\n".join(lines)) from None


def _console() -> Console:
    from rich.console import Console  # noqa: PLC0415

    return Console(highlight=False)


def _say(text: str, lines: list[str]) -> None:
    """Say on stdout what happened to a process, and the log lines that go with it."""
    sys.stdout.write("".join([f"{text}\n", *(f"    {line}\n" for line in lines)]))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
