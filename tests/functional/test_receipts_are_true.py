"""Each receipt status is a claim about readers: it is true, and a reason says why no page came."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from services.ingest.domain.states import ReceiptState
from services.ingest.handler import find_receipt_state
from shared import inbox, keys
from shared.errors import EdgeUnavailableError
from shared.messages import ArticleRemoved
from shared.pipeline import PUBLISH_PAGES
from shared.receipts import Outcome
from tests.functional.conftest import Line

EARLY, LATER = "2026-11-01T09:00:00Z", "2026-11-01T11:00:00Z"
HEADLINE = "Ferry returns to Port Almina"


def a_live_article(line: Line) -> str:
    accepted = line.post()
    line.run()
    line.tick()
    return accepted.receipt


def an_accepted_article(line: Line) -> str:
    return line.post().receipt


def an_embargoed_article(line: Line) -> str:
    accepted = line.post(embargo_until=(line.now + timedelta(hours=1)).isoformat())
    line.run()
    line.tick()
    return accepted.receipt


def a_superseded_article(line: Line) -> str:
    line.post(headline="Ferry is back", version_created=LATER)
    line.run()
    late = line.post()
    line.run()
    line.tick()
    return late.receipt


def a_duplicate(line: Line) -> str:
    a_live_article(line)
    return line.post().receipt


def a_killed_article(line: Line) -> str:
    receipt = a_live_article(line)
    line.post(status="canceled", body="", version_created=LATER)
    line.run()
    line.tick()
    return receipt


def a_kill(line: Line) -> str:
    a_live_article(line)
    kill = line.post(status="canceled", body="", version_created=LATER)
    line.run()
    line.tick()
    return kill.receipt


def a_withdrawal(line: Line) -> str:
    a_live_article(line)
    withdrawal = line.post(status="withheld", body="", version_created=LATER)
    line.run()
    line.tick()
    return withdrawal.receipt


def an_article_that_arrived_after_its_expiry(line: Line) -> str:
    accepted = line.post(expires_at=(line.now - timedelta(hours=1)).isoformat())
    line.run()
    line.tick()
    return accepted.receipt


def an_unmatched_kill(line: Line) -> str:
    kill = line.post(status="canceled", body="")
    line.run()
    line.tick()
    return kill.receipt


def a_held_article(line: Line) -> str:
    line.post(status="canceled", body="", version_created=EARLY)
    held = line.post()
    line.run()
    line.tick()
    return held.receipt


def a_failed_article(line: Line) -> str:
    accepted = line.post()
    message = line.queue.pop(0)
    payload = message.model_dump(mode="json")
    line.intake.letters.bury(PUBLISH_PAGES.task_name, payload, ValueError("broken"), attempts=1, at=line.now)
    line.now += timedelta(minutes=1)
    return accepted.receipt


def a_refused_submission(line: Line) -> str:
    submitted = line.submit(b'{"source_id": "story-1", "headline": "", "body": ""}')
    assert inbox.find_entry(line.content, "epn", submitted.receipt) is not None
    line.run()
    return submitted.receipt


def state_of(line: Line, receipt: str) -> ReceiptState:
    state = find_receipt_state(receipt, line.intake)
    assert state is not None
    return state


def readers_get(line: Line, state: ReceiptState) -> set[str]:
    """Return the HTTP statuses of every address that the article of a receipt ever had."""
    claimed = line.record(state.article or "").claimed
    return {line.status_at(path) if line.public.find_head(path) else "404" for path in claimed}


def is_shown(line: Line) -> bool:
    return any(HEADLINE.encode() in body for body, _ in line.site_bytes().values())


CASES: tuple[tuple[Callable[[Line], str], Outcome, set[str]], ...] = (
    (an_accepted_article, Outcome.ACCEPTED, set()),
    (an_embargoed_article, Outcome.SCHEDULED, set()),
    (a_live_article, Outcome.LIVE, {"200"}),
    (a_duplicate, Outcome.LIVE, {"200"}),
    (a_superseded_article, Outcome.SUPERSEDED, {"200", "301"}),
    (a_killed_article, Outcome.KILLED, {"410"}),
    (a_kill, Outcome.KILLED, {"410"}),
    (a_withdrawal, Outcome.WITHDRAWN, {"410"}),
    (an_article_that_arrived_after_its_expiry, Outcome.WITHDRAWN, {"410"}),
    (an_unmatched_kill, Outcome.UNMATCHED, set()),
    (a_held_article, Outcome.HELD, set()),
    (a_failed_article, Outcome.FAILED, set()),
    (a_refused_submission, Outcome.REFUSED, set()),
)
ON_THE_WAY = {Outcome.ENRICHED, Outcome.RENDERED, Outcome.PUBLISHED, Outcome.DUPLICATE}
"""Stages between two of those above; `duplicate` is a reply's status, its receipt is that of the first posting."""


def test_every_status_has_its_case() -> None:
    assert {outcome for _, outcome, _ in CASES} | ON_THE_WAY == set(Outcome)


@pytest.mark.parametrize("forgets", [False, True], ids=["redis remembers", "redis forgot"])
@pytest.mark.parametrize(("make", "outcome", "statuses"), CASES, ids=lambda value: getattr(value, "__name__", None))
def test_what_a_receipt_says_is_what_readers_get(
    line: Line, make: Callable[[Line], str], outcome: Outcome, statuses: set[str], *, forgets: bool
) -> None:
    receipt = make(line)
    if forgets:
        line.redis.flushall()

    state = state_of(line, receipt)

    assert state.status is outcome
    assert readers_get(line, state) == statuses
    assert is_shown(line) == (outcome is Outcome.LIVE)
    assert bool(state.url) == (outcome is Outcome.LIVE)
    assert bool(state.reason) == (outcome.is_final and outcome is not Outcome.LIVE)
    if state.url:
        path = urlsplit(state.url).path.removeprefix("/") + keys.INDEX_DOCUMENT
        assert HEADLINE in line.page(path)


def test_a_kill_names_the_addresses_where_readers_do_not_get_410_yet(line: Line) -> None:
    article = line.post(slug="first").article
    line.run()
    line.post(slug="second", version_created=LATER)
    line.run()
    first, second = (line.site.base_url + keys.url_path(path) for path in line.record(article).claimed)

    kill = line.act("kill", article)
    assert set(state_of(line, kill.receipt).waits_for) == {first, second}

    line.edge.shows_at = {urlsplit(first).path: 200}
    (message,) = (each for each in line.queue if isinstance(each, ArticleRemoved))
    with pytest.raises(EdgeUnavailableError, match="do not get 410 yet"):
        line.deliver(message)
    state = state_of(line, kill.receipt)
    assert (state.status, state.waits_for) == (Outcome.ACCEPTED, (first,))

    line.edge.shows_at = {}
    line.run()
    state = state_of(line, kill.receipt)
    assert (state.status, state.waits_for) == (Outcome.KILLED, ())


def test_an_edge_that_is_down_costs_a_kill_one_call_and_every_address_waits(line: Line) -> None:
    article = line.post(slug="first").article
    line.run()
    line.post(slug="second", version_created=LATER)
    line.run()
    kill = line.act("kill", article)
    (message,) = (each for each in line.queue if isinstance(each, ArticleRemoved))
    line.edge.is_down, line.edge.asked = True, []

    with pytest.raises(EdgeUnavailableError, match="do not get 410 yet"):
        line.deliver(message)

    assert len(line.edge.asked) == 1
    assert len(state_of(line, kill.receipt).waits_for) == 2


def test_a_text_that_a_kill_stops_is_not_called_killed_before_the_edge_forgot_it(line: Line) -> None:
    article = line.post().article
    line.run()
    line.act("kill", article)
    late = line.post(version_created=None, headline="Sent after the kill")

    assert not state_of(line, late.receipt).status.is_final

    line.run()
    line.sweep()
    line.run()
    assert state_of(line, late.receipt).status is Outcome.KILLED
    assert readers_get(line, state_of(line, late.receipt)) == {"410"}
