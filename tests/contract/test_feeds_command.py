"""`pressline feeds`, with a relay in the same process and a real server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Thread
from time import monotonic, sleep
from typing import Any

import pytest
from typer.testing import CliRunner

from services.desk import wiring
from services.desk.commands import feeds
from shared.runtime.feed_polls import FeedPolls, PollState
from shared.runtime.hub_subscriptions import HubSubscription, HubSubscriptions
from shared.runtime.receipts import Receipt, ReceiptEntry, ReceiptStatus
from shared.runtime.receipts.stored import store_receipts
from shared.site.sites import Feed, Site
from shared.storage.memory import MemoryObjectStorage
from tests.contract.newsroom import NOW, a_site
from tests.contract.test_polled_feeds import Relay, a_stopped_event
from tests.feed_server import a_feed_server, rss

WIDE = {"COLUMNS": "300"}


def a_site_with(url: str, **fields: Any) -> Site:
    polled = Feed(id="quay", name="Quay wire", source="quay", poll_url=url, poll_interval_seconds=60, **fields)
    return a_site("epn").model_copy(update={"feeds": (*a_site("epn").feeds, polled)})


def use(storage: MemoryObjectStorage, sites: dict[str, Site], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "content", lambda: storage)
    monkeypatch.setattr(wiring, "feed_polls", lambda: FeedPolls(storage))
    monkeypatch.setattr(wiring, "sites", lambda: sites)


def test_the_list_shows_each_feed_its_last_poll_and_the_outcome(
    storage: MemoryObjectStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_feed_server(rss("Quay reopens")) as server:
        use(storage, {"epn": a_site_with(server.url, formats=("rss",))}, monkeypatch)
        assert "polled every 60 s" in CliRunner().invoke(feeds.app, ["list"], env=WIDE).stdout
        receipt = Relay(storage, server.url).poll().receipt or ""
        unread = CliRunner().invoke(feeds.app, ["list"], env=WIDE).stdout
        entries = tuple(
            ReceiptEntry(name=str(n), status=each)
            for n, each in enumerate((ReceiptStatus.DUPLICATE, ReceiptStatus.DUPLICATE, ReceiptStatus.REFUSED))
        )
        store_receipts(storage, [Receipt(receipt=receipt, site="epn", entries=entries)])

        shown = CliRunner().invoke(feeds.app, ["list"], env=WIDE).stdout

    assert "not read yet" in unread
    assert "epn/newsroom (Newsroom)" in shown
    assert "2 duplicate, 1 refused" in shown
    assert f"{len(server.body)} bytes" in shown
    assert server.url in shown


def test_a_servers_text_cannot_write_to_the_terminal(
    storage: MemoryObjectStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "http://quay.example/"
    use(storage, {"epn": a_site_with(url)}, monkeypatch)
    FeedPolls(storage).save("epn", "quay", PollState(url=url, polled_at=NOW, result="a\x1b[2Jb"))

    shown = CliRunner().invoke(feeds.app, ["list"], env=WIDE).stdout

    assert "\x1b[2J" not in shown
    assert r"a\x1b[2Jb" in shown


def test_a_requested_poll_is_made_at_once_and_shown(
    storage: MemoryObjectStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_feed_server(rss("Quay reopens")) as server:
        use(storage, {"epn": a_site_with(server.url)}, monkeypatch)
        relay = Relay(storage, server.url)
        relay.poll()
        server.body = rss("Quay closes")
        poller, polls = relay.poller(), FeedPolls(storage)

        def poll_once() -> None:
            ends = monotonic() + 20
            while not polls.is_requested("epn", "quay") and monotonic() < ends:
                sleep(0.01)
            relay.now = relay.now.replace(second=relay.now.second + 1)  # before the next poll is due
            poller.run_round(a_stopped_event())

        thread = Thread(target=poll_once)
        thread.start()
        result = CliRunner().invoke(feeds.app, ["poll", "quay"])
        thread.join()

    assert result.exit_code == 0
    assert f"submitted {len(server.body)} bytes" in result.stdout
    assert relay.state.receipt
    assert relay.state.receipt in result.stdout


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("poll", "newsroom"), "no feed newsroom with a poll_url"),
        (("poll", "quay"), "name the site with --site, one of epn, other"),
        (("poll", "quay", "--site", "epn", "--wait-seconds", "1"), "is the relay running?"),
        (("list", "--site", "nowhere"), "nowhere: not configured"),
    ],
)
def test_a_command_that_cannot_succeed_names_the_reason(
    storage: MemoryObjectStorage, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], text: str
) -> None:
    site = a_site_with("http://quay.example/rss")
    use(storage, {"epn": site, "other": site.model_copy(update={"id": "other"})}, monkeypatch)

    result = CliRunner().invoke(feeds.app, words, env=WIDE)

    assert result.exit_code != 0
    assert text in result.output


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "hub: not verified"),
        ({"denied_reason": "no\x1b[2Jtopic"}, r"hub: denied (no\x1b[2Jtopic)"),
        ({"lease_ends_at": datetime.now(UTC) + timedelta(days=1)}, "hub: no delivery yet"),
        ({"lease_ends_at": datetime.now(UTC) - timedelta(days=1)}, "hub: not verified"),
    ],
)
def test_the_list_shows_the_subscription_at_a_hub(
    storage: MemoryObjectStorage, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any], text: str
) -> None:
    url, subscription = "http://quay.example/", "A" * 43
    use(storage, {"epn": a_site_with(url)}, monkeypatch)
    FeedPolls(storage).save("epn", "quay", PollState(url=url, polled_at=NOW, subscription=subscription))
    HubSubscriptions(storage).put(
        HubSubscription(
            id=subscription,
            site="epn",
            feed="quay",
            hub="https://hub.example/",
            topic=url,
            secret="s" * 43,
            requested_at=NOW,
            **fields,
        )
    )

    shown = CliRunner().invoke(feeds.app, ["list"], env=WIDE).stdout

    assert text in shown
    assert subscription not in shown
    assert "s" * 43 not in shown
