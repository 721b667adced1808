"""`pressline webhooks`: servers that get an event each time a submission reaches a status."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.desk import wiring
from services.desk.domain.printable import in_one_line, printable
from services.desk.domain.times import age_of
from services.desk.handler import webhooks
from shared.runtime.event_log import EntryKind, NewEntry
from shared.runtime.webhooks import DeliveryState, SigningSecret, Subscriber, announced_names, secret_of
from shared.runtime.webhooks.stored import dead_letter_ids, dead_letters_of, find_dead_letter
from shared.storage import ObjectStorage

app = typer.Typer(
    no_args_is_help=True,
    help="Webhooks: servers that get an event each time a submission reaches a status.\n\n"
    "Start with `add`, which shows the secret once, then `test`. The requests are those of Standard Webhooks: verify "
    "`webhook-signature` with the secret. Events come in order and at least once; `webhook-id` shows a repetition. "
    "After three days without success, or a refusal (4xx), an event becomes a dead letter of its subscriber.",
)

_SECRET_BYTES = 32
_MAX_COUNTED = 99
_MAX_REPLAYED = 5_000
_STATUSES = ", ".join(announced_names())

Name = Annotated[str, typer.Argument(help="The subscriber's name.")]


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="A name of your choice: a-z, 0-9 and hyphens, such as `app-backend`.")],
    url: Annotated[str, typer.Argument(help="The address that takes the events, by POST.")],
    site: Annotated[list[str] | None, typer.Option(help="Only events of this site; repeatable. Default: all.")] = None,
    status: Annotated[
        list[str] | None, typer.Option(help=f"Only events of this status; repeatable. Default: all of {_STATUSES}.")
    ] = None,
) -> None:
    """Add a subscriber and print its secret once; it gets the events from now on."""
    _require_sites(site or ())
    secret, now = secret_of(secrets.token_bytes(_SECRET_BYTES)), datetime.now(UTC)
    try:
        subscriber = Subscriber.model_validate(
            {
                "name": name,
                "url": url,
                "sites": tuple(site or ()),
                "statuses": tuple(status or ()),
                "secrets": (SigningSecret(value=secret),),
                "created_at": now,
            }
        )
    except ValidationError as error:
        faults = "; ".join(f"{fault['loc'][0]}: {fault['msg']}" for fault in error.errors())
        raise typer.BadParameter(printable(faults)) from error
    wiring.subscribers().require_free(name)
    wiring.delivery_states().delete(webhooks.receiver(name))  # of a removed subscriber of the same name
    wiring.subscribers().add(subscriber, wiring.status_events().end())
    typer.echo(secret.get_secret_value())


@app.command("list")
def list_all() -> None:
    """List the subscribers, and how far their deliveries have come."""
    now, states = datetime.now(UTC), wiring.delivery_states()
    table = Table("name", "url", "events", "deliveries", "dead letters", box=None, pad_edge=False)
    for subscriber in wiring.subscribers().list_all():
        count = sum(1 for _ in dead_letters_of(wiring.content(), subscriber.name, limit=_MAX_COUNTED + 1))
        table.add_row(
            Text(subscriber.name),
            Text(in_one_line(subscriber.url, 60)),
            Text(_selection_of(subscriber)),
            Text(_progress(subscriber, states.find(webhooks.receiver(subscriber.name)), now)),
            f"more than {_MAX_COUNTED}" if count > _MAX_COUNTED else str(count),
        )
    Console().print(table)


@app.command()
def rotate(
    name: Name,
    grace_hours: Annotated[
        float, typer.Option(min=0, max=720, help="Hours in which requests carry the signatures of both secrets.")
    ] = 24.0,
) -> None:
    """Give a subscriber a new secret, and print it once."""
    secret = secret_of(secrets.token_bytes(_SECRET_BYTES))
    wiring.subscribers().rotate(name, secret, now=datetime.now(UTC), grace=timedelta(hours=grace_hours))
    typer.echo(secret.get_secret_value())


@app.command()
def remove(name: Name) -> None:
    """Remove a subscriber; its dead letters stay."""
    wiring.subscribers().remove(name)
    wiring.delivery_states().delete(webhooks.receiver(name))
    typer.echo(f"removed: {name}")


@app.command()
def pause(name: Name) -> None:
    """Pause a subscriber; its events wait."""
    wiring.subscribers().pause(name, "paused by an operator", datetime.now(UTC))
    typer.echo(f"paused: {name}")


@app.command()
def resume(name: Name) -> None:
    """Resume a paused or failing subscriber at once, with the first event that was not delivered."""
    wiring.subscribers().resume(name)
    webhooks.end_wait(name, wiring.delivery_states())
    typer.echo(f"resumed: {name}")


@app.command("test")
def send_test(
    name: Name,
    wait_seconds: Annotated[float, typer.Option(min=1, max=120, help="The longest wait for the result.")] = 20.0,
) -> None:
    """Send a test event (`type` is `test`), and show the subscriber's answer."""
    subscriber = wiring.subscribers().get(name)
    if subscriber.paused_at:
        typer.echo(f"{name} is paused: {printable(subscriber.pause_reason or '')}", err=True)
        raise typer.Exit(1)
    entry = wiring.event_log().append(NewEntry(EntryKind.TEST, subscriber=name))
    result = webhooks.await_result(name, entry, wiring.delivery_states(), wait_seconds=wait_seconds)
    if result is None:
        typer.echo("No attempt was made in time; see `pressline webhooks list`, and the relay's log.", err=True)
        raise typer.Exit(1)
    if result.last_failure:
        typer.echo(f"not delivered: {printable(result.last_failure)}", err=True)
        raise typer.Exit(1)
    typer.echo("delivered")


@app.command("dead-letters")
def list_dead_letters(
    name: Name,
    dead_letter_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="The dead letter to show, with event and answer.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The largest number to show.")] = 50,
) -> None:
    """List a subscriber's dead letters, oldest first; with ID, show one."""
    content, now = wiring.content(), datetime.now(UTC)
    if dead_letter_id is not None:
        found = find_dead_letter(content, name, webhooks.checked_id(dead_letter_id))
        if found is None:
            typer.echo("There is no such dead letter.", err=True)
            raise typer.Exit(1)
        typer.echo(printable(json.dumps(found.model_dump(mode="json"), indent=2, ensure_ascii=False)))
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("id", no_wrap=True)  # for `replay`
    for name_of_column in ("age", "event", "article", "attempts", "reason"):
        table.add_column(name_of_column)
    shown = list(islice(dead_letters_of(content, name, limit=limit), limit))
    for each in shown:
        table.add_row(
            Text(each.id),
            age_of(each.stored_at, now),
            each.event.status.value,
            Text(in_one_line(each.event.article or each.event.receipt, 60)),
            str(each.attempts),
            Text(in_one_line(each.reason, 100)),
        )
    Console().print(table if shown else "No dead letters.")


@app.command()
def replay(
    name: Name,
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID", help="Ids as `dead-letters` shows them.")] = None,
    is_all: Annotated[bool, typer.Option("--all", help="All dead letters.")] = False,  # noqa: FBT002
) -> None:
    """Deliver dead letters again; a delivered one is deleted.

    Ctrl-C stops it without loss: the same command sends the rest.
    """
    if not ids and not is_all:
        raise typer.BadParameter("name dead letters, or use --all")
    wiring.subscribers().get(name)
    content, sent = wiring.content(), 0
    found = list(islice(dead_letter_ids(content, name), _MAX_REPLAYED + 1)) if is_all else _found(content, name, ids)
    for dead_letter_id in found[:_MAX_REPLAYED]:
        wiring.event_log().append(NewEntry(EntryKind.REPLAY, subscriber=name, subject=dead_letter_id))
        sent += 1
    typer.echo(f"{sent} sent to the relay.")
    if len(found) > _MAX_REPLAYED:
        typer.echo(f"There are more than {_MAX_REPLAYED}: run the command again after their delivery.", err=True)
    if not sent:
        raise typer.Exit(1)


def _found(content: ObjectStorage, name: str, ids: Iterable[str] | None) -> list[str]:
    """Return the ids that belong to dead letters of the subscriber, and tell of the others."""
    known = []
    for dead_letter_id in [webhooks.checked_id(each) for each in ids or ()]:
        if find_dead_letter(content, name, dead_letter_id) is None:
            typer.echo(f"there is no dead letter {printable(dead_letter_id)}", err=True)
        else:
            known.append(dead_letter_id)
    return known


def _require_sites(names: Iterable[str]) -> None:
    known = wiring.sites()
    if unknown := [each for each in names if each not in known]:
        raise typer.BadParameter(f"{printable(unknown[0])}: not configured; the sites are {', '.join(known)}")


def _selection_of(subscriber: Subscriber) -> str:
    statuses = ", ".join(subscriber.statuses) or "all"
    return f"{statuses} of {', '.join(subscriber.sites)}" if subscriber.sites else statuses


def _progress(subscriber: Subscriber, state: DeliveryState | None, now: datetime) -> str:
    if subscriber.paused_at:
        return f"paused since {age_of(subscriber.paused_at, now)}: {in_one_line(subscriber.pause_reason or '', 60)}"
    if state is None:
        return "none yet"
    if state.failing_since:
        failure = in_one_line(state.last_failure or "", 60)
        return f"failing since {age_of(state.failing_since, now)} ({state.attempts} attempts): {failure}"
    return f"last success {age_of(state.last_success_at, now)} ago" if state.last_success_at else "none yet"
