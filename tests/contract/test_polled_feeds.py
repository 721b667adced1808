"""Polls of a sender's document over real connections; the clock is the test's."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler
from secrets import token_urlsafe
from threading import Event
from time import monotonic, sleep
from typing import Any

import pytest
from pydantic import ValidationError

from services.relay.adapters import http
from services.relay.adapters.fetching import DocumentFetcher
from services.relay.adapters.http import OutsideHttp
from services.relay.domain.polling import wait_after_failure, wait_after_success
from services.relay.handler import FeedPoller, SubmissionDeps
from services.relay.ports import UndeliveredError
from shared.messaging.messages import Message, SubmitArticles
from shared.runtime.errors import RedisUnavailableError, StorageUnavailableError
from shared.runtime.feed_polls import FeedPolls, PollState
from shared.runtime.receipts import Receipt
from shared.site import keys
from shared.site.sites import Feed
from shared.storage import Etag
from shared.storage.memory import MemoryObjectStorage
from tests.contract.newsroom import NOW, a_site
from tests.feed_server import FeedServer, a_feed_server, rss

MAX_BYTES = 100_000


def a_stopped_event() -> Event:
    stop = Event()
    stop.set()
    return stop


@dataclass
class NotedReceipts:
    """Receipts that are only noted."""

    opened: list[Receipt] = field(default_factory=list)

    def open(self, *receipts: Receipt) -> bool:
        self.opened.extend(receipts)
        return True


@dataclass
class Relay:
    """A relay with one polled feed; each `poll` is a new process, since all state is in the bucket."""

    content: MemoryObjectStorage
    url: str
    now: datetime = NOW
    messages: list[SubmitArticles] = field(default_factory=list)
    is_full: bool = False
    is_redis_down: bool = False
    receipts: NotedReceipts = field(default_factory=NotedReceipts)

    @property
    def deps(self) -> SubmissionDeps:
        return SubmissionDeps(
            content=self.content,
            polls=FeedPolls(self.content),
            receipts=self.receipts,  # type: ignore[arg-type]
            emit=self.emit,
            is_full=lambda: self.is_full,
            sites={"epn": a_site("epn")},
            clock=lambda: self.now,
            jitter=lambda: 0.0,
            new_secret=token_urlsafe,
        )

    def emit(self, messages: Iterable[Message]) -> None:
        if self.is_redis_down:
            raise RedisUnavailableError("down")
        self.messages.extend(each for each in messages if isinstance(each, SubmitArticles))

    def poller(self, **fields: Any) -> FeedPoller:
        feed = Feed(id="quay", name="Quay wire", source="quay", poll_url=self.url, poll_interval_seconds=60, **fields)
        return FeedPoller(a_site("epn"), feed, fetcher(), self.deps)

    def poll(self, **fields: Any) -> PollState:
        self.poller(**fields).run_round(a_stopped_event())
        return self.state

    def poll_later(self, seconds: float = 61) -> PollState:
        self.now += timedelta(seconds=seconds)
        return self.poll()

    @property
    def state(self) -> PollState:
        found = FeedPolls(self.content).find("epn", "quay")
        assert found is not None
        return found

    @property
    def raws(self) -> list[bytes]:
        submissions = [each for message in self.messages for each in message.submissions]
        return [self.content.get(each.raw_key).body for each in submissions]


def fetcher(*, deadline_seconds: float = 5.0, **fields: Any) -> DocumentFetcher:
    client = OutsideHttp(timeout_seconds=5.0, **{"allows_private": True, **fields})
    return DocumentFetcher(client, max_bytes=MAX_BYTES, deadline_seconds=deadline_seconds)


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with a_feed_server(rss("Quay reopens")) as found:
        yield found


@pytest.fixture
def relay(storage: MemoryObjectStorage, server: FeedServer) -> Relay:
    return Relay(storage, server.url)


def test_a_new_document_is_submitted_with_its_bytes_and_its_feed(relay: Relay, server: FeedServer) -> None:
    state = relay.poll()

    (message,) = relay.messages
    (submission,) = message.submissions
    assert relay.raws == [server.body]
    assert (message.site, submission.feed, submission.content_type) == ("epn", "quay", "application/rss+xml")
    assert (submission.can_take_down, submission.token_name) == (False, "relay")
    assert state.receipt == submission.receipt == relay.receipts.opened[0].receipt
    assert list(relay.content.list_keys(keys.inbox_prefix("epn", "live")))


def test_removals_apply_only_if_the_feed_allows_them(relay: Relay) -> None:
    relay.poll(fetched_takedown=True)

    assert relay.messages[0].submissions[0].can_take_down


def test_an_unchanged_document_is_requested_with_its_validators_and_not_submitted(
    relay: Relay, server: FeedServer
) -> None:
    server.headers |= {"etag": 'W/"1"', "last-modified": "Sun, 01 Nov 2026 10:00:00 GMT"}
    relay.poll()

    state = relay.poll_later()

    assert server.requests[1][1]["if-none-match"] == 'W/"1"'
    assert server.requests[1][1]["if-modified-since"] == "Sun, 01 Nov 2026 10:00:00 GMT"
    assert (state.result, len(relay.messages)) == ("not modified (304)", 1)
    assert state.succeeded_at == relay.now


def test_the_same_bytes_are_not_submitted_twice_by_a_server_without_validators(relay: Relay) -> None:
    relay.poll()

    state = relay.poll_later()

    assert (state.result, len(relay.messages)) == ("the same bytes as before", 1)


def test_a_changed_document_is_submitted(relay: Relay, server: FeedServer) -> None:
    relay.poll()
    server.body = rss("Quay reopens", "Quay closes again")

    relay.poll_later()

    assert relay.raws == [rss("Quay reopens"), server.body]


def test_a_feed_is_not_polled_before_its_interval(relay: Relay, server: FeedServer) -> None:
    relay.poll()

    relay.poll_later(59)

    assert len(server.requests) == 1


def test_a_longer_freshness_counts_instead_of_the_interval(relay: Relay, server: FeedServer) -> None:
    server.headers |= {"cache-control": "public, max-age=600"}

    state = relay.poll()

    assert state.next_poll_at == relay.now + timedelta(minutes=10)


@pytest.mark.parametrize("status", [403, 404, 429, 500, 503])
def test_a_failing_feed_is_polled_less_often_and_recovers(relay: Relay, server: FeedServer, status: int) -> None:
    server.answers = [(status, {}), (status, {})]

    first, at = relay.poll(), relay.now
    second = relay.poll_later()
    third = relay.poll_later(121)

    assert first.next_poll_at == at + timedelta(seconds=60)
    assert second.next_poll_at == at + timedelta(seconds=61 + 120)
    assert (second.failures, second.succeeded_at, str(status) in second.result) == (2, None, True)
    assert (third.failures, len(relay.messages)) == (0, 1)


def test_retry_after_is_respected(relay: Relay, server: FeedServer) -> None:
    server.answers = [(503, {"retry-after": "900"})]

    state = relay.poll()

    assert state.next_poll_at == relay.now + timedelta(minutes=15)


def test_a_feed_that_is_gone_is_polled_only_on_request(relay: Relay, server: FeedServer) -> None:
    server.answers = [(410, {})]
    gone = relay.poll()
    relay.poll_later(999_999)
    assert (gone.is_gone, len(server.requests)) == (True, 1)

    relay.deps.polls.request("epn", "quay")
    state = relay.poll_later()

    assert (state.is_gone, len(relay.messages)) == (False, 1)
    assert not relay.deps.polls.is_requested("epn", "quay")


def test_another_address_begins_anew(relay: Relay, server: FeedServer) -> None:
    server.headers |= {"etag": '"1"'}
    relay.poll()
    relay.url += "?moved"

    relay.poll()

    assert "if-none-match" not in server.requests[1][1]


def test_nothing_is_fetched_while_too_many_messages_wait(relay: Relay, server: FeedServer) -> None:
    relay.is_full = True
    relay.poller().run_round(a_stopped_event())
    assert server.requests == []

    relay.is_full = False
    relay.poll()

    assert len(relay.messages) == 1


def test_a_document_is_accepted_without_redis(relay: Relay) -> None:
    relay.is_redis_down = True

    state = relay.poll()

    assert state.receipt
    assert len(list(relay.content.list_keys("inbox/"))) == 1  # the scheduler emits it


def test_a_crash_between_fetch_and_submission_loses_nothing(
    relay: Relay, server: FeedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.headers |= {"etag": '"1"'}
    put = relay.content.put

    def failing_put(key: str, body: bytes, **fields: Any) -> Etag:
        if key.startswith("raw/"):
            raise StorageUnavailableError("down")
        return put(key, body, **fields)

    monkeypatch.setattr(relay.content, "put", failing_put)
    with pytest.raises(StorageUnavailableError):
        relay.poll()
    monkeypatch.undo()

    relay.poll()

    assert "if-none-match" not in server.requests[1][1]
    assert relay.raws == [server.body]


def test_a_crash_between_submission_and_state_submits_again(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing_save(*_: object) -> None:
        raise StorageUnavailableError("down")

    monkeypatch.setattr(FeedPolls, "save", failing_save)
    with pytest.raises(StorageUnavailableError):
        relay.poll()
    monkeypatch.undo()

    relay.poll()

    assert len(relay.raws) == 2
    assert len(set(relay.raws)) == 1  # its articles are duplicates


def test_a_gzipped_document_is_decompressed(relay: Relay, server: FeedServer) -> None:
    document = server.body
    server.body = gzip.compress(document)
    server.headers |= {"content-encoding": "gzip"}

    relay.poll()

    assert server.requests[0][1]["accept-encoding"] == "gzip"
    assert relay.raws == [document]


@pytest.mark.parametrize(
    ("body", "headers", "reason"),
    [
        (b"x" * (MAX_BYTES + 1), {}, "more than 100000 bytes"),
        (gzip.compress(b"x" * 50_000_000), {"content-encoding": "gzip"}, "more than 100000 bytes"),
        (gzip.compress(b"x" * 5_000)[:-9], {"content-encoding": "gzip"}, "ends too early"),
        (b"no gzip", {"content-encoding": "gzip"}, "is broken"),
        (b"x", {"content-encoding": "br"}, "content coding"),
        (b" \n", {}, "empty"),
    ],
    ids=["too large", "bomb", "cut", "broken", "other coding", "empty"],
)
def test_an_unusable_body_is_a_failure_with_a_reason(
    relay: Relay, server: FeedServer, body: bytes, headers: dict[str, str], reason: str
) -> None:
    server.body = body
    server.headers |= headers

    state = relay.poll()

    assert reason in state.result
    assert (state.failures, relay.messages) == (1, [])


def test_a_body_that_comes_too_slowly_is_given_up(server: FeedServer) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(100):
            try:
                handler.wfile.write(b"x")
            except OSError:
                return
            sleep(0.05)

    server.respond = drip

    with pytest.raises(UndeliveredError, match=r"no whole document after 0\.3 s|no answer"):
        fetcher(deadline_seconds=0.3)(server.url, {})


def test_headers_that_come_too_slowly_are_given_up(server: FeedServer) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nx: ")
        for _ in range(200):
            try:
                handler.wfile.write(b"x")
            except OSError:
                return
            sleep(0.05)

    server.respond = drip
    begun = monotonic()

    with pytest.raises(UndeliveredError, match="no answer"):
        fetcher(deadline_seconds=0.3)(server.url, {})

    assert monotonic() - begun < 5


def test_three_redirects_are_followed_and_a_fourth_is_not(relay: Relay, server: FeedServer) -> None:
    server.answers = [(301, {"location": "/b"}), (302, {"location": "c"}), (308, {"location": server.url})]
    relay.poll()
    assert [path for path, _ in server.requests] == ["/feed.xml", "/b", "/c", "/feed.xml"]
    assert len(relay.messages) == 1

    server.answers = [(302, {"location": "/again"})] * 4
    state = relay.poll_later()

    assert "more than 3 redirects" in state.result


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://x.test/", "http://user:word@x.test/", ""])
def test_a_redirect_to_another_kind_of_address_is_refused(relay: Relay, server: FeedServer, location: str) -> None:
    server.answers = [(302, {"location": location})]

    state = relay.poll()

    assert (state.failures, len(server.requests), relay.messages) == (1, 1, [])


def test_a_redirect_to_an_address_inside_is_refused(server: FeedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here 127.0.0.1 stands for a public address, and 127.0.0.2 for one inside."""
    monkeypatch.setattr(http, "is_public", lambda address: address == "127.0.0.1")
    addresses = {"127.0.0.1": "127.0.0.1", "inside.test": "127.0.0.2"}
    fetch = fetcher(allows_private=False, resolve=lambda host, _: [addresses[host]])
    server.answers = [(302, {"location": server.url.replace("127.0.0.1", "inside.test")})]

    with pytest.raises(UndeliveredError, match=r"inside\.test has only addresses that may not be called"):
        fetch(server.url, {})

    assert len(server.requests) == 1


def test_loopback_is_not_polled_unless_the_setting_allows_it(server: FeedServer) -> None:
    with pytest.raises(UndeliveredError, match="PRESSLINE_RELAY_PRIVATE_ADDRESSES"):
        fetcher(allows_private=False)(server.url, {})

    assert server.requests == []


@pytest.mark.parametrize(
    ("cache_control", "minutes"),
    [
        ("", 5),
        ("max-age=60", 5),
        ("public, MAX-AGE=900", 15),
        ("s-maxage=900", 5),
        ("max-age=31536000", 60),
        ("no-cache, max-age=900", 5),
        ("max-age=" + "9" * 5_000, 60),
        ("max-age=-1", 5),
    ],
)
def test_freshness_prolongs_the_wait_up_to_an_hour(cache_control: str, minutes: int) -> None:
    assert wait_after_success(timedelta(minutes=5), cache_control, 0.0) == timedelta(minutes=minutes)


def test_the_wait_after_failures_is_bounded() -> None:
    waits = [wait_after_failure(timedelta(minutes=5), failures, None, 0.0) for failures in (1, 2, 3, 9_999)]

    assert waits == [timedelta(minutes=each) for each in (5, 10, 20, 60)]
    assert wait_after_failure(timedelta(hours=6), 3, None, 0.0) == timedelta(hours=6)
    assert wait_after_failure(timedelta(minutes=5), 1, 1e9, 0.0) == timedelta(days=1)


@pytest.mark.parametrize(
    "fields",
    [
        {"poll_url": "ftp://quay.example/rss"},
        {"poll_url": "https://name:word@quay.example/rss"},
        {"poll_url": "https://quay.example/a b"},
        {"poll_interval_seconds": 1},
        {"poll_interval_seconds": 100_000},
    ],
)
def test_wrong_settings_of_polls_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Feed.model_validate({"id": "quay", "name": "Quay", "source": "quay", **fields})
