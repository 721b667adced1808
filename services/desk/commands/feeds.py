"""`pressline feeds`: the senders of each site, and the polls of those that the relay fetches."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from time import monotonic, sleep
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.desk import wiring
from services.desk.commands import feed_secrets
from services.desk.domain.printable import in_one_line, printable
from services.desk.domain.times import age_of
from shared.runtime.feed_polls import PollState
from shared.runtime.feed_secrets import list_secrets
from shared.runtime.receipts.stored import find_stored_receipt
from shared.runtime.watched_files import WatchState
from shared.site.sites import Feed, Site

app = typer.Typer(
    help="Feeds: the senders of each site, how their articles arrive, and their secrets.", no_args_is_help=True
)
app.add_typer(feed_secrets.app, name="secret")

_CHECK_INTERVAL_SECONDS = 0.25
_MAX_CELL_CHARS = 80


@app.command("list")
def list_all(
    site: Annotated[str | None, typer.Option(help="Only feeds of this site.")] = None,
) -> None:
    """List the feeds: source, formats, secrets, how articles arrive, the last poll, its result and the next poll."""
    now, known = datetime.now(UTC), wiring.sites()
    if site is not None and site not in known:
        raise typer.BadParameter(f"{printable(site)}: not configured; the sites are {', '.join(known)}")
    columns = ("feed", "source", "formats", "secrets", "arrives", "last poll", "result", "next poll")
    table = Table(*columns, box=None, pad_edge=False)
    for each in known.values():
        if site is not None and site != each.id:
            continue
        for feed in each.feeds:
            name = in_one_line(f"{each.id}/{feed.id} ({feed.name})", _MAX_CELL_CHARS)
            formats = ", ".join(feed.formats) or "all"
            cells = (
                name,
                feed.source,
                formats,
                _secrets_of(each, feed),
                _arrival_of(feed),
                *_cells_of(each, feed, now),
            )
            table.add_row(*(Text(printable(cell)) for cell in cells))
    Console().print(table)


@app.command()
def poll(
    feed: Annotated[str, typer.Argument(help="The id of a feed with `poll_url`.")],
    site: Annotated[str | None, typer.Option(help="The feed's site, if several sites have a feed of this id.")] = None,
    wait_seconds: Annotated[float, typer.Option(min=1, max=300, help="The longest wait for the result.")] = 60.0,
) -> None:
    """Poll a feed now, also one that the relay does not poll any more (410), and show the result."""
    chosen = _polled_site(feed, site)
    polls, ends = wiring.feed_polls(), monotonic() + wait_seconds
    before = polls.find(chosen.id, feed)
    polls.request(chosen.id, feed)
    while monotonic() < ends:
        state = polls.find(chosen.id, feed)
        if state and state.polled_at and (before is None or state.polled_at != before.polled_at):
            typer.echo(printable(state.result))
            if state.receipt and state.submitted_at and (before is None or state.receipt != before.receipt):
                typer.echo(f"receipt: {printable(state.receipt)}")
            if state.failures:
                raise typer.Exit(1)
            return
        sleep(_CHECK_INTERVAL_SECONDS)
    typer.echo("No poll was made in time; is the relay running? See its log.", err=True)
    raise typer.Exit(1)


def _polled_site(feed: str, site: str | None) -> Site:
    """Return the only site, or the named one, that polls a feed of this id."""
    found = [each for each in wiring.sites().values() for own in each.feeds if own.id == feed and own.poll_url]
    found = [each for each in found if site in (None, each.id)]
    if not found:
        raise typer.BadParameter(f"no feed {printable(feed)} with a poll_url; see `pressline feeds list`")
    if len(found) > 1:
        raise typer.BadParameter(f"name the site with --site, one of {', '.join(each.id for each in found)}")
    return found[0]


def _secrets_of(site: Site, feed: Feed) -> str:
    """Return the number of a feed's secrets and the date of the newest; never a secret."""
    known = list_secrets(wiring.content(), site.id, feed.id)
    return f"{len(known)}, newest {known[-1].created_at:%Y-%m-%d %H:%M}" if known else "0"


def _arrival_of(feed: Feed) -> str:
    ways = ["posted"]
    if feed.poll_url:
        ways.append(f"polled every {feed.poll_interval_seconds} s: {in_one_line(feed.poll_url, _MAX_CELL_CHARS)}")
    if feed.watch_prefix:
        ways.append(f"watched: s3://{feed.watch_bucket or wiring.settings().content_bucket}/{feed.watch_prefix}")
    return ", ".join(ways)


def _cells_of(site: Site, feed: Feed, now: datetime) -> Iterator[str]:
    """Yield the last poll, the last results, and the next poll."""
    state = wiring.feed_polls().find(site.id, feed.id) if feed.poll_url else None
    if state is not None and state.url != feed.poll_url:
        state = None  # of an earlier address
    polled_at = state.polled_at if state else None
    yield f"{age_of(polled_at, now)} ago" if polled_at else ""
    results = [_result_of(site, state), _hub_of(state, now)] if state and polled_at else []
    if feed.watch_prefix:
        results.append(_result_of_files(wiring.watch_states().find(site.id, feed.id), now))
    yield "; ".join(each for each in results if each)
    yield _next_poll_of(state, now) if state and polled_at else ""


def _next_poll_of(state: PollState, now: datetime) -> str:
    if state.is_gone:
        return "never"
    if state.next_poll_at is None or state.next_poll_at <= now:
        return "now"
    return f"in {age_of(now, state.next_poll_at)}"


def _result_of_files(state: WatchState, now: datetime) -> str:
    if state.taken_at is None:
        return in_one_line(state.result, _MAX_CELL_CHARS)
    waiting = f"{len(state.taken)} without an outcome"
    return f"last file {age_of(state.taken_at, now)} ago, {waiting}; {in_one_line(state.result, _MAX_CELL_CHARS)}"


def _result_of(site: Site, state: PollState) -> str:
    failed = f" ({state.failures} failures)" if state.failures > 1 else ""
    return f"{in_one_line(state.result, _MAX_CELL_CHARS)}{failed}{_outcome_of(site, state)}"


def _hub_of(state: PollState, now: datetime) -> str:
    """Return the state of the subscription at the document's hub; empty if the relay follows none."""
    found = wiring.hub_subscriptions().find(state.subscription) if state.subscription else None
    if found is None:
        return ""
    if found.is_active(now):
        delivered = f"last delivery {age_of(found.delivered_at, now)} ago" if found.delivered_at else "no delivery yet"
        return f"hub: {delivered}"
    if found.denied_reason is not None:
        return f"hub: denied ({in_one_line(found.denied_reason, _MAX_CELL_CHARS)})"
    return "hub: not verified"


def _outcome_of(site: Site, state: PollState) -> str:
    """Return the outcome of the last submission: its status, and the number of its items in each status."""
    if state.receipt is None:
        return ""
    receipt = find_stored_receipt(wiring.content(), site.id, state.receipt)
    if receipt is None:
        return f"; {state.receipt}: not read yet"
    counts: dict[str, int] = {}
    for entry in receipt.entries:
        counts[entry.status.value] = counts.get(entry.status.value, 0) + 1
    text = ", ".join(f"{count} {status}" for status, count in counts.items()) or receipt.status.value
    return f"; {state.receipt}: {text}" + (
        f" ({in_one_line(receipt.reason, _MAX_CELL_CHARS)})" if receipt.reason else ""
    )
