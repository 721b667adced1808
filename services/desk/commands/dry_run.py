"""`pressline post --dry-run`: show the result that each post would have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

from services.desk import wiring
from services.desk.domain.printable import printable
from services.desk.ports import EndpointRefusedError, EndpointUnavailableError

_INDENT = " " * 12


def try_out(files: Sequence[Path], *, site: str | None, feed: str | None, console: Console) -> None:
    """Print the result of a dry run of each file; exit with 1 if one was refused or had no answer."""
    endpoint, has_failed = wiring.endpoint(), False
    for path in files:
        try:
            reply = endpoint.dry_run(path, site=site, feed=feed)
        except (EndpointRefusedError, EndpointUnavailableError) as error:
            has_failed = True
            _print(console, "refused", "red", path.name, [str(error)])
            continue
        is_alone = not reply.get("entries")
        summary = f"{path.name}  dry run: nothing was stored"
        _print(console, str(reply["status"]), "green", summary, _lines(reply) if is_alone else reply["notes"])
        for entry in reply.get("entries") or ():
            _print(console, str(entry["status"]), "green", str(entry["name"]), _lines(entry))
    if has_failed:
        raise typer.Exit(1)


def _lines(result: dict[str, Any]) -> Iterator[str]:
    """Yield the lines about one article: its report, and the files that would change."""
    report = result["report"]
    yield f"format {report['format']}"
    if result.get("reason"):
        yield str(result["reason"])
    yield from (f"warning: {warning}" for warning in report["warnings"])
    yield from (f"left out: {each['pointer']}: {each['reason']}" for each in report["dropped"])
    yield from (f"fault: {each['pointer']} {each['detail']}" for each in result.get("errors", ()))
    changes = result.get("changes")
    if changes is not None:
        yield f"{len(changes)} public file(s) would change"
        yield from (f"  {each['url']}  ({each['why']})" for each in changes)
    yield from (f"note: {note}" for note in result.get("notes", ()))


def _print(console: Console, status: str, style: str, text: str, lines: Iterator[str] | Sequence[str]) -> None:
    console.print(Text.assemble((f"{status:<11}", style), f" {printable(text)}"), soft_wrap=True)
    for line in lines:
        console.print(Text(f"{_INDENT}{printable(line)}"), soft_wrap=True)
