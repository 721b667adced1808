"""`GET /v1/events`: server-sent events over a real connection, with a real valkey."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any

import httpx
import pytest
import uvicorn
from anyio.from_thread import BlockingPortal
from redis import Redis

from services.ingest.adapters import event_streams
from services.ingest.adapters.event_streams import SharedEventStreams
from services.ingest.endpoint import events as events_route
from services.ingest.endpoint.connection import EndpointProtocol, EndpointServer
from shared.model.history import StoredRevisions
from shared.reconcile.status_events import StatusEvents
from shared.runtime.event_log.redis import RedisEventLog
from shared.runtime.receipts import Receipt, ReceiptStatus, Stage, receipt_id
from shared.runtime.receipts.redis import RedisReceipts
from shared.runtime.redis_client import redis_client
from shared.runtime.settings import ServiceSettings
from shared.runtime.tokens import list_tokens, mint, revoke
from shared.storage.memory import MemoryObjectStorage
from tests.contract.newsroom import NOW, REVISION, Api, Newsroom, a_site, an_app

A, B = "a" * 26, "b" * 26


@dataclass
class Served:
    """A real endpoint, and the receipts of the workers beside it."""

    url: str
    token: str
    storage: MemoryObjectStorage
    receipts: RedisReceipts
    server: EndpointServer
    streams: SharedEventStreams

    def accept(self, article: str, site: str = "epn") -> str:
        receipt = receipt_id(site, article, REVISION)
        stages = (Stage(name="accepted", at=datetime.now(UTC)),)
        assert self.receipts.open(Receipt(receipt=receipt, site=site, article=article, stages=stages))
        return receipt

    def finalise(self, article: str, status: ReceiptStatus = ReceiptStatus.LIVE, site: str = "epn") -> None:
        self.receipts.finalise(receipt_id(site, article, REVISION), status, datetime.now(UTC), url="https://x.test/")

    @contextmanager
    def follow(self, query: str = "", last: str | None = None, accept: str = "text/event-stream") -> Iterator[Reader]:
        headers = {"Authorization": f"Bearer {self.token}", "Accept": accept} | (
            {"Last-Event-ID": last} if last else {}
        )
        with httpx.stream(
            "GET", f"{self.url}/v1/events{query}", headers=headers, timeout=10, trust_env=False
        ) as answer:
            if answer.status_code == 200:
                assert answer.headers["content-type"].startswith("text/event-stream")
            yield Reader(answer)


class Reader:
    """Reads server-sent events as a client does."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.last: str | None = None
        self._lines = answer.iter_lines() if answer.status_code == 200 else iter(())

    def started(self) -> Reader:
        """Return once the endpoint has sent its first comment: from now on each event is in the stream."""
        while next(self._lines) != ": events follow":
            pass
        return self

    def block(self) -> dict[str, str]:
        """Return the fields of the next block."""
        fields: dict[str, str] = {}
        for line in self._lines:
            if not line and fields:
                if "id" in fields:
                    self.last = fields["id"]
                return fields
            name, _, value = line.partition(": ")
            if line:
                fields[name or "comment"] = value
        raise EOFError

    def event(self) -> dict[str, Any]:
        """Return the data of the next event."""
        while True:
            fields = self.block()
            if "data" in fields:
                data: dict[str, Any] = json.loads(fields["data"])
                assert fields["event"] == data["status"]
                return data

    def read_to_the_end(self) -> None:
        """Read events until the endpoint ends the stream."""
        while True:
            self.event()


@pytest.fixture
def served(redis: Redis, redis_url: str, storage: MemoryObjectStorage) -> Iterator[Served]:
    token = mint(storage, name="desk", scopes=["read"], sites=["epn"], now=NOW)
    sites = {name: a_site(name) for name in ("epn", "other")}
    settings = ServiceSettings(redis_url=redis_url)
    streams = SharedEventStreams(
        lambda: StatusEvents(
            RedisEventLog(redis_client(settings)), storage, StoredRevisions(storage), sites, lambda: datetime.now(UTC)
        ),
        max_streams=3,
    )
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        app = an_app(Newsroom(), storage, streams=streams, sites=sites)
        config = uvicorn.Config(app, http=EndpointProtocol, loop="asyncio", log_config=None, lifespan="off", ws="none")
        server = EndpointServer(config, streams.close)
        thread = Thread(target=server.run, args=([listener],))
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        yield Served(url, token, storage, RedisReceipts(redis), server, streams)
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive(), "an open stream keeps the endpoint from stopping"


def test_a_client_sees_each_status_in_order(served: Served) -> None:
    with served.follow() as reader:
        reader.started()
        receipt = served.accept(A)
        served.finalise(A)

        first, second = reader.event(), reader.event()

    assert (first["status"], second["status"]) == ("accepted", "live")
    assert first["receipt"] == second["receipt"] == receipt
    assert (second["site"], second["article"], second["revision"]) == ("epn", A, REVISION)
    assert second["url"] == "https://x.test/"


def test_a_dropped_connection_resumes_after_the_last_event(served: Served) -> None:
    with served.follow() as reader:
        reader.started()
        served.accept(A)
        reader.event()
        last = reader.last
    served.finalise(A)
    served.accept(B)

    with served.follow(last=last) as reader:
        found = [reader.event(), reader.event()]
        served.finalise(B)
        found.append(reader.event())

    assert [(event["article"], event["status"]) for event in found] == [(A, "live"), (B, "accepted"), (B, "live")]


def test_several_clients_share_one_reader_and_each_gets_its_own_events(served: Served) -> None:
    with served.follow("?status=live") as live, served.follow(f"?article={B}") as of_b, served.follow() as everything:
        for reader in (live, of_b, everything):
            reader.started()
        for article in (A, B):
            served.accept(article)
            served.accept(article, site="other")
            served.finalise(article)

        assert [live.event()["article"] for _ in range(2)] == [A, B]
        assert [of_b.event()["status"] for _ in range(2)] == ["accepted", "live"]
        assert [everything.event()["site"] for _ in range(4)] == ["epn"] * 4
        with served.follow() as fourth:
            assert fourth.answer.status_code == 503
            assert int(fourth.answer.headers["retry-after"]) > 0
            assert json.loads(fourth.answer.read())["title"] == "Too many streams"


def test_a_quiet_stream_has_heartbeats_that_move_its_position(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_route, "HEARTBEAT_SECONDS", 0.05)
    with served.follow("?status=killed") as reader:
        reader.started().block()
        first = reader.last
        served.accept(A)
        while reader.last == first:
            assert reader.block().get("comment") == "heartbeat"


def test_a_revoked_token_ends_its_stream(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_route, "HEARTBEAT_SECONDS", 0.05)
    with served.follow() as reader:
        reader.started()
        (record,) = list_tokens(served.storage)
        revoke(served.storage, record.sha256, now=NOW)
        _forget_cached_tokens(served)

        with pytest.raises(EOFError):
            reader.event()


@contextmanager
def until_stopped(call: Callable[[], object]) -> Iterator[None]:
    """Call again and again during the block."""
    stop = Event()

    def run() -> None:
        while not stop.wait(0.1):
            call()

    thread = Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _forget_cached_tokens(served: Served) -> None:
    app: Any = served.server.config.app
    tokens = app.state.deps.find_token.__self__
    tokens._known.clear()  # noqa: SLF001 -- instead of ten seconds' wait


def test_a_client_that_is_too_slow_is_disconnected(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_streams, "MAX_BUFFERED_EVENTS", 0)
    with served.follow() as reader:
        reader.started()

        with until_stopped(lambda: served.accept(A)), pytest.raises(EOFError):
            reader.read_to_the_end()


def test_the_stream_goes_on_after_the_loss_of_redis(served: Served, redis: Redis) -> None:
    with served.follow() as reader:
        reader.started()
        served.accept(A)
        reader.event()
        redis.flushall()
        with until_stopped(lambda: served.accept(B)):  # the bucket of this test has no journal
            assert reader.event()["article"] == B


@pytest.mark.parametrize(
    ("query", "last", "status"),
    [("?site=other", None, 403), ("", "yesterday", 400), ("?status=enriched", None, 422), ("?article=x", None, 422)],
)
def test_a_wrong_request_is_a_problem(served: Served, query: str, last: str | None, status: int) -> None:
    with served.follow(query, last=last) as reader:
        assert reader.answer.status_code == status
        assert json.loads(reader.answer.read())["status"] == status


def test_without_redis_the_answer_is_503(
    newsroom: Newsroom, storage: MemoryObjectStorage, portal: BlockingPortal
) -> None:
    token = mint(storage, name="desk", scopes=["read"], sites=["epn"], now=NOW)
    api = Api(an_app(newsroom, storage), portal, token)

    assert api("GET", "/v1/events").status_code == 503


def test_without_the_media_type_the_answer_ends_after_the_present_events(served: Served) -> None:
    with served.follow(accept="*/*") as reader:
        position = reader.started().block()["id"]
    receipt = served.accept("a" * 26)
    served.finalise("a" * 26)

    with served.follow(last=position, accept="*/*") as reader:
        events = [reader.started().event(), reader.event()]
        with pytest.raises(EOFError):
            reader.event()

    assert [(each["receipt"], each["status"]) for each in events] == [(receipt, "accepted"), (receipt, "live")]
