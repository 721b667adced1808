"""`pressline webhooks`, with a relay in the same process and a real subscriber."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from redis import Redis
from typer.testing import CliRunner, Result

from services.desk import wiring
from services.desk.commands import webhooks
from shared.runtime.receipts import ReceiptStatus
from shared.storage.memory import MemoryObjectStorage
from tests.contract.newsroom import a_site
from tests.contract.test_webhooks import ARTICLES, Relay, a_server, running


@dataclass
class Desk:
    """An operator's terminal."""

    relay: Relay

    def __call__(self, *words: str) -> Result:
        return CliRunner().invoke(webhooks.app, words)


@pytest.fixture
def desk(redis: Redis, storage: MemoryObjectStorage, monkeypatch: pytest.MonkeyPatch) -> Desk:
    relay = Relay(redis, storage)
    monkeypatch.setattr(wiring, "content", lambda: storage)
    monkeypatch.setattr(wiring, "subscribers", lambda: relay.deps.subscribers)
    monkeypatch.setattr(wiring, "delivery_states", lambda: relay.states)
    monkeypatch.setattr(wiring, "event_log", lambda: relay.log)
    monkeypatch.setattr(wiring, "status_events", lambda: relay.deps.events)
    monkeypatch.setattr(wiring, "sites", lambda: {"epn": a_site("epn")})
    return Desk(relay)


def test_a_new_subscriber_gets_its_secret_once_and_only_later_events(desk: Desk) -> None:
    desk.relay.announce(ARTICLES[0])
    with a_server() as server:
        added = desk("add", "app", server.url, "--site", "epn", "--status", "live")
        desk.relay.announce(ARTICLES[1], ReceiptStatus.LIVE)
        desk.relay.deliver()

    secret = added.stdout.strip()
    assert secret.startswith("whsec_")
    assert secret not in desk("list").stdout
    assert server.statuses == ["live"]
    assert "live of epn" in desk("list").stdout


def test_a_taken_name_is_refused_and_the_state_of_its_deliveries_stays(desk: Desk) -> None:
    with a_server() as server:
        desk("add", "app", server.url)
        desk.relay.announce(ARTICLES[0])
        desk.relay.deliver()
        before = desk.relay.state()

        assert desk("add", "app", server.url).exit_code == 1
        assert desk.relay.state() == before


def test_a_replay_of_more_dead_letters_than_allowed_tells_that_some_remain(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "_MAX_REPLAYED", 2)
    with a_server(answers=[(404, {})] * 3) as server:
        desk("add", "app", server.url)
        for article in ARTICLES:
            desk.relay.announce(article)
        desk.relay.deliver()
        first = desk("replay", "app", "--all")
        desk.relay.deliver()
        second = desk("replay", "app", "--all")

    assert first.stdout == "2 sent to the relay.\n"
    assert "more than 2" in first.stderr
    assert (second.stdout, second.stderr) == ("1 sent to the relay.\n", "")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("app", "ftp://x.test/"), "https://"),
        (("App!", "https://x.test/"), "name"),
        (("app", "https://x.test/", "--site", "nowhere"), "nowhere"),
        (("app", "https://x.test/", "--status", "enriched"), "enriched"),
    ],
)
def test_a_wrong_subscriber_is_refused_with_its_fault(desk: Desk, words: tuple[str, ...], named: str) -> None:
    refused = desk("add", *words)

    assert refused.exit_code == 2
    assert named in refused.output


def test_a_rotation_prints_another_secret_and_an_unknown_name_is_an_error(desk: Desk) -> None:
    first = desk("add", "app", "https://hooks.example/").stdout.strip()

    assert desk("rotate", "app").stdout.strip() not in ("", first)
    assert desk("rotate", "unknown").exit_code == 1
    assert [secret.expires_at is None for secret in desk.relay.deps.subscribers.get("app").secrets] == [True, False]


def test_a_paused_subscriber_waits_and_a_resumed_one_is_tried_at_once(desk: Desk) -> None:
    with a_server(answers=[(500, {})]) as server:
        desk("add", "app", server.url)
        desk.relay.announce(ARTICLES[0])
        desk.relay.deliver()
        assert "failing since" in desk("list").stdout
        desk("pause", "app")
        assert "paused since" in desk("list").stdout
        assert desk("test", "app").exit_code == 1

        desk("resume", "app")
        assert desk.relay.deliver() is None

    assert server.statuses == ["accepted", "accepted"]


def test_dead_letters_are_listed_shown_and_replayed(desk: Desk) -> None:
    with a_server(answers=[(404, {}), (404, {})]) as server:
        desk("add", "app", server.url)
        assert "No dead letters." in desk("dead-letters", "app").stdout
        for article in ARTICLES[:2]:
            desk.relay.announce(article)
        desk.relay.deliver()
        listed = desk("dead-letters", "app").stdout
        assert listed.count("HTTP 404") == 2
        first = listed.splitlines()[1].split()[0]
        assert '"status": "accepted"' in desk("dead-letters", "app", first).stdout

        assert desk("replay", "app").exit_code == 2
        assert desk("replay", "app", "../../tokens").exit_code == 1
        assert desk("replay", "app", first).stdout == "1 sent to the relay.\n"
        assert desk("replay", "app", "--all").stdout == "2 sent to the relay.\n"
        desk.relay.deliver()

    assert len(server.requests) == 4  # the first one is delivered once
    assert "No dead letters." in desk("dead-letters", "app").stdout


def test_a_test_shows_the_answer_of_the_subscriber(desk: Desk) -> None:
    with a_server() as server, running(desk.relay):
        desk("add", "app", server.url)
        desk.relay.ahead += timedelta(seconds=5)
        assert desk("test", "app").stdout == "delivered\n"

        server.answers.append((403, {}))
        refused = desk("test", "app")

    assert refused.exit_code == 1
    assert "HTTP 403" in refused.output


def test_a_removed_subscriber_leaves_nothing_but_its_dead_letters(desk: Desk, storage: MemoryObjectStorage) -> None:
    desk("add", "app", "https://hooks.example/")

    assert desk("remove", "app").stdout == "removed: app\n"
    assert list(storage.list_keys("")) == []
    assert desk("remove", "app").exit_code == 1
