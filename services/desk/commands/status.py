"""`pressline status`: queue lengths, dead letters and health; or the state of one article or receipt."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer
from redis import Redis
from redis.exceptions import RedisError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.desk import wiring
from services.desk.handler.versions import version_lines
from services.desk.ports import EndpointRefusedError, EndpointUnavailableError
from shared.messaging.pipeline import WORKERS
from shared.model.history import MAX_UNMATCHED_LISTED, unmatched_removals
from shared.model.lane import Lane
from shared.runtime.errors import PresslineError
from shared.runtime.receipts import receipt_id
from shared.runtime.redis_client import redis_condition

_MAX_RECEIPTS_SHOWN = 5  # of unmatched removals
_ARTICLE = re.compile(r"^[a-z2-7]{26}$")


def status(
    article: Annotated[
        str | None, typer.Argument(help="An article's id or a receipt; the whole pipeline if not given.")
    ] = None,
    site: Annotated[str | None, typer.Option(help="The site, if the token has several.")] = None,
) -> None:
    """Show queue lengths, dead letters and the endpoint's health; or the state of one article or receipt."""
    console = Console()
    try:
        if article is None:
            _show_pipeline(console)
        elif _ARTICLE.match(article):
            _show(console, wiring.endpoint().article(article, site=site))
        else:
            _show(console, wiring.endpoint().receipt(article))
    except (EndpointRefusedError, EndpointUnavailableError) as error:
        console.print(Text(str(error), style="red"))
        raise typer.Exit(1) from error


def _show(console: Console, state: dict[str, Any]) -> None:
    table = Table(show_header=False, box=None, pad_edge=False)
    report = state.get("report") or {}
    notes = {"warnings": report.get("warnings"), "dropped": [_dropped_text(each) for each in report.get("dropped", [])]}
    for name, value in (state | {key: each for key, each in notes.items() if each}).items():
        if value in (None, [], {}) or name in {"links", "report"}:
            continue
        if name == "stages":
            value = "\n".join(f"{stage['at']}  {stage['name']}" for stage in value)  # noqa: PLW2901
        elif name == "near_matches":
            value = "\n".join(f"{each['article']}  source {each['source']}: {each['headline']}" for each in value)  # noqa: PLW2901
        elif name == "actions":
            value = "\n".join(f"{each['at']}  {each['kind']} by {each['by']}: {each['why']}" for each in value)  # noqa: PLW2901
        elif isinstance(value, list):
            value = "\n".join(str(each.get("url", each)) if isinstance(each, dict) else str(each) for each in value)  # noqa: PLW2901
        table.add_row(Text(name, style="bold"), Text(str(value)))
    console.print(table)


def _dropped_text(part: dict[str, str]) -> str:
    return f"{part['pointer'] or 'the document'}: {part['reason']}"


def _show_pipeline(console: Console) -> None:
    """Show readiness, queue lengths, dead letters, and pages of another version of theme and settings."""
    readiness = wiring.endpoint().readiness()
    console.print("endpoint:", readiness["status"])
    for warning in readiness.get("warnings", []):
        console.print(Text(warning, style="yellow"))
    table = Table("waiting", *(lane.value for lane in Lane), "dead letters", box=None, pad_edge=False)
    try:
        redis = Redis.from_url(wiring.settings().redis_url, decode_responses=True, socket_timeout=3)
        for service in WORKERS:
            waiting = [str(redis.llen(f"{service}.{lane}")) for lane in Lane]
            dead_letters = sum(1 for _ in wiring.content().list_keys(f"dead-letters/{service}/", limit=1000))
            table.add_row(service, *waiting, str(dead_letters) if dead_letters < 1000 else "1000 or more")  # noqa: PLR2004
        versions = list(version_lines(wiring.sites().values(), wiring.content()))
    except RedisError as error:
        console.print(Text(f"queues: {redis_condition(error)}", style="red"))
        raise typer.Exit(1) from error
    except PresslineError as error:
        console.print(Text(f"store: {error}", style="red"))
        raise typer.Exit(1) from error
    console.print(table)
    for line in versions:
        console.print(Text(line), soft_wrap=True)
    _show_unmatched_removals(console)


def _show_unmatched_removals(console: Console) -> None:
    """Show the unmatched removals in force: their senders may believe that a text was removed."""
    for site in wiring.sites():
        found = unmatched_removals(wiring.content(), site)
        if not found:
            continue
        count = len(found) if len(found) < MAX_UNMATCHED_LISTED else f"{MAX_UNMATCHED_LISTED} or more"
        console.print(Text(f"{site}: unmatched removals in force: {count}", style="yellow"))
        for article, removal in found[:_MAX_RECEIPTS_SHOWN]:
            console.print(Text(f"  pressline status {receipt_id(site, article, removal)}"), soft_wrap=True)
