"""Webhooks over real connections, with a real valkey; the clock of the deliveries is the test's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from redis import Redis
from standardwebhooks import Webhook, WebhookVerificationError

from services.relay.adapters.http import OutsideHttp
from services.relay.adapters.redis_lease import RedisLease
from services.relay.domain.addresses import is_public
from services.relay.handler import RelayDeps, WebhookDispatcher
from services.relay.handler.webhooks import deliver_next
from services.relay.ports import UndeliveredError
from services.relay.tasks import JobThread
from shared.model.history import StoredRevisions
from shared.reconcile.status_events import StatusEvents
from shared.runtime.errors import StorageUnavailableError
from shared.runtime.event_log import EntryKind, NewEntry
from shared.runtime.event_log.redis import RedisEventLog
from shared.runtime.receipts import Receipt, ReceiptStatus, Stage, receipt_id
from shared.runtime.receipts.redis import RedisReceipts
from shared.runtime.webhooks import (
    DeliveryState,
    SigningSecret,
    Subscriber,
    SubscriberExistsError,
    SubscriberUnknownError,
    checked_url,
    secret_of,
)
from shared.runtime.webhooks.redis import RedisDeliveryStates
from shared.runtime.webhooks.stored import Subscribers, dead_letters_of, store_position, webhook_receiver
from shared.site import keys
from shared.storage.memory import MemoryObjectStorage
from tests.contract.newsroom import REVISION, a_site
from tests.http_server import serving

SECRET = secret_of(b"k" * 32)
OTHER_SECRET = secret_of(b"o" * 32)
ARTICLES = ["a" * 26, "b" * 26, "c" * 26]


@dataclass
class Server:
    """A subscriber's server: it answers with the next of `answers`, else with 204, and keeps each request."""

    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    hold: Event = field(default_factory=Event)
    url: str = ""

    def __post_init__(self) -> None:
        self.hold.set()

    @property
    def statuses(self) -> list[str]:
        return [json.loads(body)["data"].get("status", "test") for _, body in self.requests]

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.requests]


@contextmanager
def a_server(**fields: Any) -> Iterator[Server]:
    server = Server(**fields)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            server.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
            server.hold.wait(10)
            status, headers = server.answers.pop(0) if server.answers else (204, {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            answer = b"" if status == 204 else b"x" * 5_000
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    with serving(Handler) as url:
        server.url = f"{url}/hook"
        yield server
        server.hold.set()


@pytest.fixture
def server() -> Iterator[Server]:
    with a_server() as found:
        yield found


@dataclass
class Relay:
    """The relay's handlers, the receipts that feed the event log, and a clock that the test moves."""

    redis: Redis
    content: MemoryObjectStorage
    ahead: timedelta = timedelta()

    def __post_init__(self) -> None:
        self.receipts = RedisReceipts(self.redis)
        self.log = RedisEventLog(self.redis)
        self.states = RedisDeliveryStates(self.redis)
        sites = {name: a_site(name) for name in ("epn", "other")}
        events = StatusEvents(self.log, self.content, StoredRevisions(self.content), sites, self.now)
        self.deps = RelayDeps(
            content=self.content,
            events=events,
            subscribers=Subscribers(self.content),
            states=self.states,
            post=OutsideHttp(timeout_seconds=5, allows_private=True),
            sites=sites,
            clock=self.now,
            jitter=lambda: 0.0,
            new_id=lambda: "msg_test",
            max_age=timedelta(days=3),
        )

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def subscribe(self, url: str, name: str = "app", **fields: Any) -> Subscriber:
        subscriber = Subscriber(
            name=name, url=url, secrets=(SigningSecret(value=SECRET),), created_at=self.now(), **fields
        )
        self.deps.subscribers.add(subscriber, self.deps.events.end())
        return subscriber

    def announce(self, article: str, *statuses: ReceiptStatus, site: str = "epn") -> None:
        receipt = receipt_id(site, article, REVISION)
        self.receipts.open(
            Receipt(receipt=receipt, site=site, article=article, stages=(Stage(name="accepted", at=self.now()),))
        )
        for status in statuses:
            self.receipts.finalise(receipt, status, self.now(), url="https://epn.example/news/x/")

    def deliver(self, name: str = "app") -> timedelta | None:
        """Deliver until the subscriber has everything, or has to wait; return the wait."""
        while (wait := deliver_next(self.deps.subscribers.get(name), self.deps, lambda: False)) == timedelta():
            pass
        return wait

    def state(self, name: str = "app") -> DeliveryState:
        found = self.states.find(webhook_receiver(name))
        assert found is not None
        return found

    def dead_letters(self, name: str = "app") -> list[tuple[str, str]]:
        return [(each.event.status.value, each.reason) for each in dead_letters_of(self.content, name, limit=100)]


@pytest.fixture
def relay(redis: Redis, storage: MemoryObjectStorage) -> Relay:
    return Relay(redis, storage)


def test_a_subscriber_gets_the_events_in_order_with_signatures_that_others_verify(relay: Relay, server: Server) -> None:
    relay.announce(ARTICLES[2], ReceiptStatus.LIVE)  # before the subscription
    relay.subscribe(server.url)
    relay.announce(ARTICLES[0], ReceiptStatus.LIVE)
    relay.announce(ARTICLES[1], ReceiptStatus.KILLED)

    assert relay.deliver() is None

    assert server.statuses == ["accepted", "live", "accepted", "killed"]
    for headers, body in server.requests:
        event = Webhook(SECRET.get_secret_value()).verify(body, headers)
        assert event["type"] == f"article.{event['data']['status']}"
        assert event["data"]["receipt"] == receipt_id("epn", event["data"]["article"], REVISION)
        assert datetime.fromisoformat(event["timestamp"]) <= relay.now()
        with pytest.raises(WebhookVerificationError):
            Webhook(OTHER_SECRET.get_secret_value()).verify(body, headers)
    assert len(set(server.ids)) == 4


def test_a_subscriber_gets_only_the_sites_and_statuses_that_it_named(relay: Relay, server: Server) -> None:
    relay.subscribe(server.url, sites=("other",), statuses=("live",))
    for site in ("epn", "other"):
        relay.announce(ARTICLES[0], ReceiptStatus.LIVE, site=site)

    relay.deliver()

    assert [json.loads(body)["data"]["site"] for _, body in server.requests] == ["other"]
    assert server.statuses == ["live"]


def test_a_failing_subscriber_gets_the_same_event_again_after_growing_waits(relay: Relay, server: Server) -> None:
    server.answers = [(500, {}), (503, {"Retry-After": "100"}), (429, {}), (307, {"Location": server.url})]
    relay.subscribe(server.url)
    relay.announce(ARTICLES[0])

    waits = []
    while (wait := relay.deliver()) is not None:
        waits.append(wait.total_seconds())
        assert relay.deliver() == pytest.approx(wait, abs=timedelta(seconds=1)), "it was tried before its time"
        relay.ahead += wait

    assert waits == [5, 100, 20, 40]
    assert len(set(server.ids)) == 1
    assert len(server.requests) == 5
    timestamps = [int(headers["webhook-timestamp"]) for headers, _ in server.requests]
    assert timestamps == sorted(timestamps)
    assert relay.state().attempts == 0


def test_a_wait_never_exceeds_an_hour_unless_the_server_asks_for_more(relay: Relay, server: Server) -> None:
    server.answers = [(500, {})] * 30
    relay.subscribe(server.url)
    relay.announce(ARTICLES[0])

    waits = []
    for _ in range(15):
        waits.append(relay.deliver() or timedelta())
        relay.ahead += waits[-1]

    assert max(waits) == timedelta(hours=1)


def test_a_subscriber_that_was_down_catches_up_in_order(relay: Relay) -> None:
    with a_server() as gone:
        url = gone.url
    relay.subscribe(url)
    relay.announce(ARTICLES[0], ReceiptStatus.LIVE)
    wait = relay.deliver()
    assert wait == timedelta(seconds=5)
    assert "no answer" in (relay.state().last_failure or "")
    relay.announce(ARTICLES[1], ReceiptStatus.LIVE)
    relay.ahead += wait

    with a_server() as server:
        relay.deps = replace(relay.deps, post=lambda _, body, headers: OUTSIDE(server.url, body, headers))
        assert relay.deliver() is None

    assert server.statuses == ["accepted", "live"] * 2


OUTSIDE = OutsideHttp(timeout_seconds=5, allows_private=True)


@pytest.mark.parametrize("status", [400, 401, 404, 413, 422])
def test_a_refused_event_is_a_dead_letter_and_the_next_event_follows(relay: Relay, server: Server, status: int) -> None:
    server.answers = [(status, {})]
    relay.subscribe(server.url)
    relay.announce(ARTICLES[0], ReceiptStatus.LIVE)

    assert relay.deliver() is None

    assert server.statuses == ["accepted", "live"]
    assert relay.dead_letters() == [("accepted", f"HTTP {status}")]
    (dead_letter,) = dead_letters_of(relay.content, "app", limit=10)
    assert len(dead_letter.answer) == 1024


def test_an_event_that_fails_for_three_days_is_a_dead_letter(relay: Relay, server: Server) -> None:
    server.answers = [(500, {})] * 200
    relay.subscribe(server.url)
    relay.announce(ARTICLES[0])
    while wait := relay.deliver():
        relay.ahead += wait

    assert [status for status, _ in relay.dead_letters()] == ["accepted"]
    assert timedelta(days=3) <= relay.ahead < timedelta(days=3, hours=2)


def test_an_event_is_kept_while_its_dead_letter_cannot_be_stored(
    relay: Relay, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers = [(400, {})]
    relay.subscribe(server.url)
    relay.announce(ARTICLES[0])
    with monkeypatch.context() as patch:
        patch.setattr(relay.content, "put", _refuse)
        with pytest.raises(StorageUnavailableError):
            relay.deliver()

    assert relay.deliver() is None
    assert server.statuses == ["accepted", "accepted"]


def _refuse(*_: object, **__: object) -> None:
    raise StorageUnavailableError("down")


def test_a_gone_subscriber_is_paused_and_loses_nothing(relay: Relay, server: Server) -> None:
    server.answers = [(410, {})]
    relay.subscribe(server.url)
    relay.announce(ARTICLES[0])
    relay.deliver()

    paused = relay.deps.subscribers.get("app")
    assert paused.paused_at is not None
    assert "410" in (paused.pause_reason or "")

    relay.deps.subscribers.resume("app")
    relay.deliver()
    assert server.statuses == ["accepted", "accepted"]
    assert relay.dead_letters() == []


def test_a_replayed_dead_letter_is_delivered_and_deleted(relay: Relay, server: Server) -> None:
    server.answers = [(404, {})]
    relay.subscribe(server.url)
    relay.announce(ARTICLES[0])
    relay.deliver()
    (dead_letter,) = dead_letters_of(relay.content, "app", limit=10)

    for _ in range(2):
        relay.log.append(NewEntry(EntryKind.REPLAY, subscriber="app", subject=dead_letter.id))
    relay.log.append(NewEntry(EntryKind.REPLAY, subscriber="another", subject=dead_letter.id))
    relay.deliver()

    assert server.ids == [server.ids[0]] * 2
    assert relay.dead_letters() == []


def test_a_test_event_is_signed_and_a_refused_one_is_no_dead_letter(relay: Relay, server: Server) -> None:
    server.answers = [(500, {})]
    relay.subscribe(server.url)
    for _ in range(2):
        relay.log.append(NewEntry(EntryKind.TEST, subscriber="app"))

    assert relay.deliver() is None

    headers, body = server.requests[1]
    assert Webhook(SECRET.get_secret_value()).verify(body, headers)["type"] == "test"
    assert relay.dead_letters() == []


def test_after_a_rotation_both_secrets_sign_until_the_grace_ends(relay: Relay, server: Server) -> None:
    relay.subscribe(server.url)
    relay.deps.subscribers.rotate("app", OTHER_SECRET, now=relay.now(), grace=timedelta(hours=1))
    relay.announce(ARTICLES[0])
    relay.deliver()
    relay.ahead += timedelta(hours=1)
    relay.announce(ARTICLES[1])
    relay.deliver()

    (both, body), (new, _) = server.requests
    for secret in (SECRET, OTHER_SECRET):
        Webhook(secret.get_secret_value()).verify(body, both)
    assert len(new["webhook-signature"].split()) == 1


def test_a_receiver_goes_on_from_the_bucket_after_the_loss_of_redis(relay: Relay, server: Server, redis: Redis) -> None:
    relay.subscribe(server.url)
    relay.announce(ARTICLES[0])
    relay.deliver()
    relay.ahead += timedelta(minutes=2)  # so that the position is stored
    relay.announce(ARTICLES[1])
    relay.deliver()
    stored = relay.content.get(keys.relay_checkpoint_key(webhook_receiver("app"))).body
    assert json.loads(stored)["position"] == relay.state().position
    redis.flushall()
    relay.deliver()
    relay.announce(ARTICLES[2])
    relay.deliver()

    assert [json.loads(body)["data"]["article"] for _, body in server.requests] == ARTICLES


@contextmanager
def running(relay: Relay) -> Iterator[JobThread]:
    """Run the job of all webhooks in its thread."""
    stop = Event()
    thread = JobThread(WebhookDispatcher(relay.deps), RedisLease(relay.redis), stop)
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


def eventually(is_true: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = monotonic() + seconds
    while not is_true():
        assert monotonic() < deadline, "it did not happen in time"
        sleep(0.01)


def test_a_slow_subscriber_delays_no_other_one(relay: Relay, server: Server) -> None:
    with a_server() as slow, running(relay) as job:
        slow.hold.clear()
        relay.subscribe(slow.url, name="slow")
        relay.subscribe(server.url, name="quick")
        relay.ahead += timedelta(seconds=5)
        relay.announce(ARTICLES[0])
        eventually(lambda: len(slow.requests) == 1 and len(server.requests) == 1)
        relay.announce(ARTICLES[1], ReceiptStatus.LIVE)
        eventually(lambda: len(server.requests) == 3, seconds=2)

        assert len(slow.requests) == 1
        slow.hold.set()
        eventually(lambda: slow.statuses == server.statuses)
        assert job.faults == []


def test_a_subscriber_that_crashes_a_delivery_stops_no_other_one(
    relay: Relay, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay.subscribe(server.url, name="good")
    relay.subscribe("http://127.0.0.1:1/", name="bad")
    real = relay.deps.post

    def post(url: str, body: bytes, headers: Any) -> Any:
        if ":1/" in url:
            raise RuntimeError("a fault of ours")
        return real(url, body, headers)

    relay.deps = replace(relay.deps, post=post)
    with running(relay):
        relay.announce(ARTICLES[0], ReceiptStatus.LIVE)
        eventually(lambda: server.statuses == ["accepted", "live"])


def test_a_second_relay_waits_for_the_lease(relay: Relay, server: Server) -> None:
    relay.subscribe(server.url)
    with running(relay):
        eventually(lambda: relay.redis.exists("relay:lease:webhooks") == 1)
        assert RedisLease(relay.redis).acquire("webhooks") is False
    assert RedisLease(relay.redis).acquire("webhooks") is True


def test_a_subscriber_that_is_added_or_removed_needs_no_restart(relay: Relay, server: Server) -> None:
    with running(relay):
        relay.subscribe(server.url)
        relay.ahead += timedelta(seconds=5)
        relay.announce(ARTICLES[0])
        eventually(lambda: len(server.requests) == 1)
        relay.deps.subscribers.remove("app")
        relay.ahead += timedelta(seconds=5)
        with a_server() as other:
            relay.subscribe(other.url, name="next")
            relay.ahead += timedelta(seconds=5)
            relay.announce(ARTICLES[1])
            eventually(lambda: other.statuses == ["accepted"])
        assert len(server.requests) == 1
        with pytest.raises(SubscriberUnknownError):
            relay.deps.subscribers.get("app")


def _remove(relay: Relay) -> None:
    relay.deps.subscribers.remove("app")
    relay.states.delete(webhook_receiver("app"))


def _pause(relay: Relay) -> None:
    relay.deps.subscribers.pause("app", "by an operator", relay.now())


@pytest.mark.parametrize("change", [_remove, _pause])
def test_a_removed_or_paused_subscriber_gets_no_further_event_of_its_backlog(
    relay: Relay, server: Server, change: Callable[[Relay], None]
) -> None:
    relay.subscribe(server.url)
    server.hold.clear()
    for number in range(120):  # more than two pages
        relay.announce(f"{number:026d}".translate(_LETTERS))
    with running(relay), a_server() as other:
        eventually(lambda: len(server.requests) == 1)
        change(relay)
        relay.subscribe(other.url, name="next")
        relay.ahead += timedelta(seconds=5)
        relay.announce(ARTICLES[1])
        eventually(lambda: other.statuses == ["accepted"])  # so the change is read too
        server.hold.set()
        relay.ahead += timedelta(seconds=5)
        relay.announce(ARTICLES[2])
        eventually(lambda: len(other.requests) == 2)

    assert len(server.requests) == 1
    assert (relay.states.find(webhook_receiver("app")) is None) is (change is _remove)


_LETTERS = str.maketrans("0123456789", "abcdefghij")


def test_a_running_delivery_uses_the_new_secret_after_a_rotation(relay: Relay, server: Server) -> None:
    relay.subscribe(server.url)
    server.hold.clear()
    for number in range(10):
        relay.announce(f"{number:026d}".translate(_LETTERS))
    with running(relay), a_server() as other:
        eventually(lambda: len(server.requests) == 1)
        relay.deps.subscribers.rotate("app", OTHER_SECRET, now=relay.now(), grace=timedelta())
        relay.subscribe(other.url, name="next")
        relay.ahead += timedelta(seconds=5)
        relay.announce(ARTICLES[1])
        eventually(lambda: other.statuses == ["accepted"])
        server.hold.set()
        eventually(lambda: len(server.requests) == 11)

    for headers, body in server.requests[1:]:
        Webhook(OTHER_SECRET.get_secret_value()).verify(body, headers)


def test_a_removed_subscriber_does_not_start_again_at_its_creation(relay: Relay, server: Server) -> None:
    removed = relay.subscribe(server.url)
    relay.announce(ARTICLES[0])
    _remove(relay)

    with pytest.raises(SubscriberUnknownError):
        deliver_next(removed, relay.deps, lambda: False)

    assert server.requests == []
    assert relay.states.find(webhook_receiver("app")) is None


def test_a_name_is_taken_once_and_names_and_addresses_have_a_form(relay: Relay) -> None:
    relay.subscribe("https://hooks.example/a")
    with pytest.raises(SubscriberExistsError):
        relay.subscribe("https://hooks.example/b")
    for name, url in (("../x", "https://hooks.example/"), ("x", "ftp://hooks.example/"), ("x" * 41, "https://a.test/")):
        with pytest.raises(ValidationError):
            relay.subscribe(url, name=name)
    with pytest.raises(ValidationError):
        relay.subscribe("https://hooks.example/", name="x", statuses=("enriched",))


@pytest.mark.parametrize(
    "url",
    [
        "https://user:secret@hooks.example/",
        "https://hooks.example/#part",
        "https:///path",
        "hooks.example",
        "http://[::1",
        "https://hooks.example:0/",
        "https://hooks.example/ü",
        "https://hooks.example/\n",
    ],
)
def test_an_address_that_cannot_be_a_subscribers_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        checked_url(url)


def test_a_secret_appears_in_no_text_of_the_model() -> None:
    subscriber = Subscriber(
        name="app",
        url="https://hooks.example/",
        secrets=(SigningSecret(value=SECRET),),
        created_at=datetime.now(UTC),
    )

    assert SECRET.get_secret_value() not in repr(subscriber)
    assert SECRET.get_secret_value() in subscriber.model_dump_json()
    for text in ("", "whsec_", "whsec_AAAA", "secret", "whsec_" + "A" * 400):
        with pytest.raises(ValidationError):
            SigningSecret(value=SecretStr(text))


# --- addresses ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "may_be_called"),
    [
        ("93.184.216.34", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("localhost", False),
    ],
)
def test_only_public_addresses_may_be_called(address: str, may_be_called: bool) -> None:  # noqa: FBT001 -- a table
    assert is_public(address) is may_be_called


def test_a_host_with_private_addresses_is_not_called(server: Server) -> None:
    outside = OutsideHttp(timeout_seconds=1, allows_private=False)

    with pytest.raises(UndeliveredError, match="may not be called"):
        outside(server.url, b"{}", {})
    with pytest.raises(UndeliveredError, match="may not be called"):
        outside(server.url.replace("127.0.0.1", "localhost"), b"{}", {})
    assert server.requests == []


def test_the_checked_address_is_called_although_the_name_changes(server: Server) -> None:
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["192.0.2.1"]

    outside = OutsideHttp(timeout_seconds=2, allows_private=True, resolve=resolve)
    port = server.url.rsplit(":", 1)[1].partition("/")[0]

    answer = outside(f"http://hooks.example:{port}/hook", b"{}", {})

    assert (answer.status, asked) == (204, ["hooks.example"])
    assert server.requests[0][0]["host"] == f"hooks.example:{port}"


@pytest.mark.parametrize("begins_with", [b"HTTP/1.1 200 ", b"HTTP/1.1 200 OK\r\nX-Slow: "])
def test_an_answer_that_comes_byte_by_byte_ends_after_the_time_out(begins_with: bytes) -> None:
    is_over = Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.close_connection = True
            try:
                self.wfile.write(begins_with)
                while not is_over.wait(0.05):
                    self.wfile.write(b"a")
            except OSError:  # the client is gone
                return

        def log_message(self, *_: object) -> None:
            pass

    with serving(Handler) as url:
        started = monotonic()
        with pytest.raises(UndeliveredError, match=r"no answer in 0\.5 seconds"):
            OutsideHttp(timeout_seconds=0.5, allows_private=True)(url, b"{}", {})
        assert monotonic() - started < 3
        is_over.set()


def test_a_body_that_comes_byte_by_byte_ends_after_the_time_out_and_the_status_counts() -> None:
    is_over = Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(202)
            self.end_headers()
            self.close_connection = True
            try:
                while not is_over.wait(0.05):
                    self.wfile.write(b"a")
            except OSError:  # the client is gone
                return

        def log_message(self, *_: object) -> None:
            pass

    with serving(Handler) as url:
        started = monotonic()
        answer = OutsideHttp(timeout_seconds=0.5, allows_private=True)(url, b"{}", {})
        assert monotonic() - started < 3
        is_over.set()

    assert answer.status == 202
    assert answer.excerpt.startswith("a")


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 300, "ex ample"])
def test_a_host_that_does_not_exist_is_undelivered(host: str) -> None:
    with pytest.raises(UndeliveredError):
        OutsideHttp(timeout_seconds=2, allows_private=True)(f"http://{host}/", b"", {})


def test_a_receiver_whose_position_cannot_be_read_starts_at_its_creation(relay: Relay, server: Server) -> None:
    relay.subscribe(server.url)
    store_position(relay.content, webhook_receiver("app"), relay.deps.events.end())
    relay.states.save(webhook_receiver("app"), DeliveryState(position="nonsense"))
    relay.announce(ARTICLES[0])

    relay.deliver()
    relay.announce(ARTICLES[1])
    relay.deliver()

    assert server.statuses == ["accepted"]
    assert ARTICLES[1].encode() in server.requests[0][1]


def test_a_server_that_stops_in_its_answer_has_delivered(relay: Relay) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.send_header("content-length", "100")
            self.end_headers()
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    with serving(Handler) as url:
        relay.subscribe(url)
        relay.announce(ARTICLES[0])

        assert relay.deliver() is None


def test_threads_of_a_stopped_job_end(relay: Relay) -> None:
    before = {thread.name for thread in _threads()}
    with running(relay):
        pass
    assert {thread.name for thread in _threads()} <= before


def _threads() -> list[Thread]:
    import threading

    return [thread for thread in threading.enumerate() if thread.name.startswith(("webhook", "webhooks"))]
