"""`pressline stack`: addresses and health of the embedded stack, and the preparation of a store."""

from __future__ import annotations

from os import EX_CONFIG

import httpx
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.desk import wiring
from services.desk.settings import find_stack
from shared.runtime.errors import PresslineError, StoreNotConformantError
from shared.storage.conformance import check_buckets

app = typer.Typer(help="Show addresses and health of the stack; prepare a store.", invoke_without_command=True)


@app.callback()
def show(context: typer.Context) -> None:
    """Show addresses, process ids and health of the stack in this folder."""
    if context.invoked_subcommand is not None:
        return
    console = Console()
    stack = find_stack(wiring.settings().run_folder)
    if stack is None:
        console.print("No embedded stack has run in this folder. Start one with: make up")
        raise typer.Exit(1)
    table = Table("service", "address", "pid", "state", box=None, pad_edge=False)
    pids = stack["pids"]
    table.add_row("endpoint", stack["api"], str(pids.get("endpoint", "")), _state(f"{stack['api']}/readyz"))
    table.add_row("API docs", f"{stack['api']}/docs", "", "")
    table.add_row("edge (the site)", stack["edge"], str(pids.get("edge", "")), "")
    table.add_row("Redis", stack["redis"], str(pids.get("redis", "")), "")
    table.add_row("S3", stack["s3"]["endpoint"], str(pids.get("s3", "")), "")
    for service, url in stack["metrics"].items():
        if service != "endpoint":
            table.add_row(service, url, str(pids.get(service, "")), _state(url.replace("/metrics", "/healthz")))
    console.print(table)


@app.command()
def prepare() -> None:
    """Create missing buckets and check that the store conforms; safe to run again.

    Exit code 78: the store does not conform, and no service would start on it.
    """
    console = Console()
    site_storages = {site.bucket: wiring.public(site) for site in wiring.sites().values() if site.bucket}
    for storage in (wiring.content(), wiring.public(), *site_storages.values()):
        try:
            storage.ensure_bucket()
            storage.put(".warm", b"", content_type="text/plain")
            storage.delete(".warm")
        except PresslineError as error:
            console.print(Text(f"{storage.bucket}: {error}", style="red"))
            raise typer.Exit(1) from error
    try:
        for conformance in check_buckets(wiring.settings()):
            console.print(f"{conformance.bucket}: ready, {conformance.summary}", soft_wrap=True, highlight=False)
    except StoreNotConformantError as error:
        console.print(Text(str(error), style="red"), soft_wrap=True)
        raise typer.Exit(EX_CONFIG) from error


def _state(url: str) -> str:
    try:
        answer = httpx.get(url, timeout=3, trust_env=False)
    except httpx.HTTPError as error:
        return f"down ({type(error).__name__})"
    return "healthy" if answer.is_success else f"{answer.status_code}: {answer.text.strip()[:200]}"
