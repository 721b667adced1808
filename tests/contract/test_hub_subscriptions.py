"""A polled feed with a WebSub hub: the relay subscribes, the real endpoint verifies, and the hub delivers."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from anyio.from_thread import BlockingPortal

from services.relay.domain.hub_links import HubLinks, find_hub_links
from services.relay.handler import FeedPoller
from services.relay.handler.subscriptions import HubFollower
from services.relay.ports import Answer, UndeliveredError
from shared.runtime.feed_polls import PollState
from shared.runtime.hub_subscriptions import HubSubscription, HubSubscriptions
from shared.site.sites import Feed, Site
from shared.storage.memory import MemoryObjectStorage
from tests.contract.newsroom import NOW, Api, Newsroom, a_site, an_app
from tests.contract.test_polled_feeds import Relay, a_stopped_event, fetcher
from tests.feed_server import FeedServer, a_feed_server, rss

HUB = "https://hub.example/"
TOPIC = "https://quay.example/rss.xml"
DOCUMENT = rss("Quay reopens").replace(
    b"<link>", f'<atom:link rel="hub" href="{HUB}"/><atom:link rel="self" href="{TOPIC}"/><link>'.encode(), 1
)


@dataclass
class Hub:
    """A hub that notes the requests of the relay, and calls the callback on the real endpoint."""

    requests: list[dict[str, str]] = field(default_factory=list)
    status: int = 202
    is_down: bool = False

    def __call__(self, url: str, body: bytes, headers: Any) -> Answer:
        if self.is_down:
            raise UndeliveredError("down")
        assert url == HUB
        self.requests.append({name: values[0] for name, values in parse_qs(body.decode()).items()})
        return Answer(self.status)

    @property
    def path(self) -> str:
        return urlsplit(self.requests[-1]["hub.callback"]).path

    def verify(self, api: Api, **changed: str) -> httpx.Response:
        fields = {
            "hub.mode": "subscribe",
            "hub.topic": self.requests[-1]["hub.topic"],
            "hub.challenge": "c-1",
            "hub.lease_seconds": "864000",
        }
        return api("GET", f"{self.path}?{urlencode({**fields, **changed})}")

    def deliver(self, api: Api, body: bytes, *, method: str = "sha256", secret: str | None = None) -> httpx.Response:
        key = (secret or self.requests[-1]["hub.secret"]).encode()
        digest = hmac.new(key, body, getattr(hashlib, method)).hexdigest()
        headers = {"X-Hub-Signature": f"{method}={digest}", "Content-Type": "application/rss+xml"}
        return api("POST", self.path, content=body, headers=headers)


@dataclass
class Followed:
    """A relay, an endpoint and a hub."""

    relay: Relay
    hub: Hub
    newsroom: Newsroom
    portal: BlockingPortal
    feed_changes: dict[str, Any] = field(default_factory=dict)

    @property
    def site(self) -> Site:
        feed = Feed(id="quay", name="Quay", source="quay", poll_url=self.relay.url, poll_interval_seconds=60)
        return a_site("epn").model_copy(update={"feeds": (feed.model_copy(update=self.feed_changes),)})

    @property
    def api(self) -> Api:
        return Api(an_app(self.newsroom, self.relay.content, sites={"epn": self.site}), self.portal, None)

    @property
    def subscriptions(self) -> HubSubscriptions:
        return HubSubscriptions(self.relay.content)

    @property
    def subscription(self) -> HubSubscription:
        found = self.subscriptions.find(self.relay.state.subscription or "")
        assert found is not None
        return found

    def poll(self, seconds: float = 0) -> PollState:
        self.relay.now += timedelta(seconds=seconds)
        follower = HubFollower("https://api.example/", self.subscriptions, self.hub)
        poller = FeedPoller(self.site, self.site.feeds[0], fetcher(), self.relay.deps, follower)
        poller.run_round(a_stopped_event())
        return self.relay.state


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with a_feed_server(DOCUMENT) as found:
        yield found


@pytest.fixture
def followed(storage: MemoryObjectStorage, server: FeedServer, newsroom: Newsroom, portal: BlockingPortal) -> Followed:
    return Followed(Relay(storage, server.url), Hub(), newsroom, portal)


def test_the_relay_subscribes_to_the_hub_that_a_document_announces(followed: Followed) -> None:
    followed.poll()

    (request,) = followed.hub.requests
    assert (request["hub.mode"], request["hub.topic"]) == ("subscribe", TOPIC)
    assert request["hub.callback"] == f"https://api.example/v1/websub/{followed.subscription.id}"
    assert request["hub.secret"] == followed.subscription.secret
    assert not followed.subscription.is_active(NOW)


def test_the_endpoint_confirms_what_the_relay_requested_and_nothing_else(followed: Followed) -> None:
    followed.poll()
    api = followed.api

    assert followed.hub.verify(api, **{"hub.topic": "https://other.example/"}).status_code == 404
    assert followed.hub.verify(api, **{"hub.mode": "unsubscribe"}).status_code == 404
    assert api("GET", f"/v1/websub/{'A' * 43}?hub.mode=subscribe").status_code == 404
    confirmed = followed.hub.verify(api, **{"hub.challenge": "<b>c</b>"})

    assert (confirmed.status_code, confirmed.text) == (200, "<b>c</b>")
    assert confirmed.headers["content-type"].startswith("text/plain")
    assert followed.subscription.lease_ends_at == NOW + timedelta(days=10)


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
def test_a_signed_document_is_submitted_to_the_feed(followed: Followed, method: str) -> None:
    followed.poll()
    followed.hub.verify(followed.api)

    answer = followed.hub.deliver(followed.api, DOCUMENT, method=method)

    assert answer.status_code == 202
    (call,) = followed.newsroom.calls
    assert (call["raw"], call["feed"].id, call["may_take_down"]) == (DOCUMENT, "quay", False)
    assert followed.subscription.delivered_at == NOW


@pytest.mark.parametrize(
    "signature", ["", "sha256=", "md5=00", "sha256=é", "sha1=" + "0" * 40, "sha256", "constructor=00"]
)
def test_a_document_without_the_right_signature_is_refused(followed: Followed, signature: str) -> None:
    followed.poll()
    headers = {"X-Hub-Signature": signature.encode()}

    answer = followed.api("POST", followed.hub.path, content=DOCUMENT, headers=headers)

    assert (answer.status_code, followed.newsroom.calls) == (403, [])
    assert followed.hub.deliver(followed.api, DOCUMENT, secret="another").status_code == 403


def test_a_subscription_of_a_feed_that_is_not_polled_any_more_is_gone(followed: Followed) -> None:
    followed.poll()
    followed.feed_changes = {"poll_url": None}

    assert followed.hub.deliver(followed.api, DOCUMENT).status_code == 410
    assert followed.api("POST", f"/v1/websub/{'A' * 43}", content=b"x").status_code == 410
    assert followed.api("POST", "/v1/websub/short", content=b"x").status_code == 410


def test_a_lease_is_renewed_a_day_before_its_end_with_the_same_callback(followed: Followed) -> None:
    followed.poll()
    followed.hub.verify(followed.api)
    followed.poll(3_700)
    assert len(followed.hub.requests) == 1

    followed.poll(timedelta(days=9).total_seconds())

    assert len(followed.hub.requests) == 2
    assert followed.hub.requests[0] == followed.hub.requests[1]


def test_a_request_that_a_hub_did_not_verify_is_repeated_after_an_hour(followed: Followed) -> None:
    followed.hub.is_down = True
    followed.poll()
    followed.hub.is_down = False
    followed.poll(61)
    assert followed.hub.requests == []

    followed.poll(3_600)

    assert len(followed.hub.requests) == 1


def test_a_denied_subscription_has_a_reason(followed: Followed) -> None:
    followed.poll()

    denied = followed.hub.verify(followed.api, **{"hub.mode": "denied", "hub.reason": "no such topic"})

    assert denied.status_code == 200
    assert followed.subscription.denied_reason == "no such topic"
    assert not followed.subscription.is_active(NOW)


def test_polls_are_slower_only_while_the_hub_delivers(followed: Followed) -> None:
    followed.poll()
    followed.hub.verify(followed.api)
    verified = followed.poll(61)
    followed.hub.deliver(followed.api, DOCUMENT)
    delivered = followed.poll(61)
    late = followed.poll(timedelta(days=3).total_seconds())

    polls = (verified, delivered, late)
    waits = [each.next_poll_at - each.polled_at for each in polls if each.next_poll_at and each.polled_at]
    assert waits == [timedelta(seconds=60), timedelta(seconds=240), timedelta(seconds=60)]


def test_another_hub_ends_the_old_subscription(followed: Followed, server: FeedServer) -> None:
    followed.poll()
    old = followed.subscription.id
    server.body = DOCUMENT.replace(TOPIC.encode(), b"https://quay.example/new.xml")

    followed.poll(61)

    assert followed.subscriptions.find(old) is None
    assert followed.subscription.topic == "https://quay.example/new.xml"


def test_a_feed_that_follows_no_hub_is_only_polled(followed: Followed) -> None:
    followed.feed_changes = {"follows_hub": False}

    followed.poll()

    assert followed.hub.requests == []
    assert followed.relay.state.subscription is None


JSON_FEED = b'{"feed_url": "https://t.example/", "hubs": [{"type": "WebSub", "url": "https://h.example/"}]}'
ATOM = b'<feed xmlns="http://www.w3.org/2005/Atom"><link rel="self" href="https://t.example/?a=1&amp;b=2"/>'


@pytest.mark.parametrize(
    ("link", "body", "found"),
    [
        ("", DOCUMENT, HubLinks(HUB, TOPIC)),
        (
            "",
            ATOM + b"<link href='https://h.example/' rel='hub'/>",
            HubLinks("https://h.example/", "https://t.example/?a=1&b=2"),
        ),
        (
            '<https://h.example/>; rel=hub, <https://t.example/>; rel="self"',
            b"",
            HubLinks("https://h.example/", "https://t.example/"),
        ),
        ("<https://h.example/>; rel=hub", b"", HubLinks("https://h.example/", "https://own.example/")),
        (
            "",
            JSON_FEED,
            HubLinks("https://h.example/", "https://t.example/"),
        ),
        ("", b'{"hubs": [{"type": "rssCloud", "url": "https://h.example/"}, 3, {"type": "WebSub", "url": 3}]}', None),
        ("", b'{"hubs": "x"}', None),
        ("", b"{" * 100_000, None),
        ("", ATOM + b'<entry><link rel="hub" href="https://h.example/"/></entry>', None),
        ("", ATOM + b'<link rel="hub" href="file:///etc/passwd"/>', None),
        ("", ATOM + b'<link rel="hub" href="https://user:word@h.example/"/>', None),
        ("", ATOM + b'<link rel="hub" href="https://h.example/ x"/>', None),
        ("", b"<link " * 20_000, None),
        ("<" * 1_000, b"", None),
    ],
)
def test_a_hub_is_found_in_the_header_or_the_document(link: str, body: bytes, found: HubLinks | None) -> None:
    assert find_hub_links(link, body, "https://own.example/") == found
