"""`python -m infra.local`: the commands of the embedded stack. `make help` lists the short forms."""

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
        "Run Pressline on this machine: Redis, S3, a stand-in for the CDN, and every service as its own process. "
        "All state is in the folder .run and survives a stop. Settings are environment variables; see .env.example."
    ),
)

Files = Annotated[list[Path] | None, typer.Argument(help="Post these files instead of the samples.")]


@app.command()
def up() -> None:
    """Start the stack in the background. If it runs already, start its missing processes."""
    from infra.local.show import progress, show_urls  # noqa: PLC0415 -- rich: the supervisor does not need it
    from infra.local.stack import start_stack  # noqa: PLC0415

    settings = _settings()
    with progress() as watch:
        stack = start_stack(settings, watch)
    show_urls(_console(), stack)


@app.command()
def down() -> None:
    """Stop every process. Published articles and queued messages stay for the next start."""
    from infra.local.stack import stop_stack  # noqa: PLC0415

    was_up = stop_stack(_settings())
    _console().print("The stack is down. Its state stays." if was_up else "The stack was down already.")


@app.command()
def run(
    child: Annotated[bool, typer.Option("--child", hidden=True, help="The parent shows why it failed.")] = False,  # noqa: FBT002
) -> None:
    """Run the stack in the foreground until Ctrl-C, and print each start, end and restart of a process."""
    from infra.local.stack import run_stack  # noqa: PLC0415

    try:
        run_stack(_settings(), _print_report)
    except StackError:
        if child and sys.stdout.isatty():
            raise typer.Exit(1) from None
        raise


@app.command()
def status() -> None:
    """Show each process: state, pid, port, memory, age, restarts. Exit with 1 if one is not ready."""
    from infra.local.show import show_status  # noqa: PLC0415

    if not show_status(_console(), _settings()):
        raise typer.Exit(1)


@app.command()
def logs(
    service: Annotated[str, typer.Argument(help="redis, s3, edge, endpoint, render, render-bulk, … or supervisor.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Also show new lines, until Ctrl-C.")] = False,  # noqa: FBT002
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, max=2_000, help="Show this many lines.")] = 100,
) -> None:
    """Show the last lines of a process's log."""
    from infra.local.show import show_log  # noqa: PLC0415

    show_log(_settings(), service, lines=lines, is_following=follow)


@app.command()
def ports() -> None:
    """Show every port of the stack: its purpose, its state, and the setting that changes it."""
    from infra.local.show import show_ports  # noqa: PLC0415

    show_ports(_console(), _settings())


@app.command()
def demo(
    files: Files = None,
    once: Annotated[bool, typer.Option("--once", help="Stop at the end; exit 1 if an article is not live.")] = False,  # noqa: FBT002
) -> None:
    """Start the stack if it is down, post sample articles, and show the time until each page was readable."""
    from infra.local.demo import run_demo  # noqa: PLC0415

    if not run_demo(_settings(), files or [], is_once=once):
        raise typer.Exit(1)


def main() -> None:
    """Run a command; show an error of the operator as text, without a traceback."""
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


def _print_report(text: str, lines: list[str]) -> None:
    """Print a message about a process, and the log lines that belong to it."""
    sys.stdout.write("".join([f"{text}\n", *(f"    {line}\n" for line in lines)]))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
