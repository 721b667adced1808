"""`POST /v1/batches`: each line of an import is stored or refused separately."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from collections.abc import AsyncIterator, Callable, Sequence
from threading import Barrier, Event
from typing import Any

import httpx
import pytest
import structlog
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI
from starlette.types import Message, Scope

from services.ingest.domain.accepted import Submitted
from services.ingest.domain.refusal import BacklogFullError
from services.ingest.endpoint import batches
from services.ingest.ports import SubmissionMetadata
from shared.messaging.messages import MAX_BATCH_ITEMS
from shared.model.lane import Lane
from shared.runtime.errors import StorageUnavailableError
from shared.runtime.tokens import mint
from shared.storage.memory import MemoryObjectStorage
from tests.contract.newsroom import BACKLOG_TEXT, NOW, OWN, Api, Newsroom, an_app, with_token

LINE = json.dumps(OWN).encode()
PATH = "/v1/batches"


@pytest.fixture
def token(storage: MemoryObjectStorage) -> str:
    return mint(storage, name="desk", scopes=["publish", "read"], sites=["epn"], now=NOW)


@pytest.fixture
def api(newsroom: Newsroom, storage: MemoryObjectStorage, portal: BlockingPortal, token: str) -> Api:
    return Api(an_app(newsroom, storage), portal, token)


def send(api: Api, *lines: bytes, **headers: str) -> httpx.Response:
    return api.post(b"\n".join(lines), PATH, **{"Content_Type": "application/x-ndjson"} | headers)


def replies(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    return [json.loads(line) for line in answer.text.splitlines()]


def statuses(answer: httpx.Response) -> list[tuple[int, str]]:
    return [(reply["line"], reply["status"]) for reply in replies(answer)]


# --- line by line -------------------------------------------------------------------------------------------------


def test_each_line_is_submitted_unchanged_in_the_bulk_lane_with_a_receipt(api: Api, newsroom: Newsroom) -> None:
    other = json.dumps(OWN | {"source_id": "a-2"}).encode()
    answer = send(api, LINE, other)

    assert replies(answer) == [
        {"line": 1, "status": "accepted", "receipt": "c0ffee"},
        {"line": 2, "status": "accepted", "receipt": "c0ffee"},
    ]
    assert sorted(call["raw"] for call in newsroom.calls) == sorted([LINE, other])
    for call in newsroom.calls:
        assert (call["lane"], call["site"].id, call["feed"].id, call["received_at"]) == (
            Lane.BULK,
            "epn",
            "newsroom",
            NOW,
        )
        assert (call["content_type"], call["may_take_down"]) == ("application/json", False)


def test_blank_lines_are_counted_and_skipped_and_the_last_line_needs_no_newline(api: Api, newsroom: Newsroom) -> None:
    assert statuses(send(api, b"", LINE + b"\r", b"  \t", LINE)) == [(2, "accepted"), (4, "accepted")]
    assert {call["raw"] for call in newsroom.calls} == {LINE}


def test_an_empty_body_has_an_empty_answer(api: Api) -> None:
    assert replies(send(api, b"\n\n")) == []


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"not json", 400),
        (b'{"headline": "\xff\xfe"}', 400),
        (b'{"headline": "\x00"}', 400),
        (b"\x00", 400),
        (b'{"headline": "\\ud800"}', 400),
        (b"[" * 5_000, 400),
        (b"[]", 422),
        (b"1", 422),
        (b'{"body": "' + b"x" * 10_000 + b'"}', 413),
        (b"x" * 100_000, 413),
    ],
    ids=lambda value: str(value[:20] if isinstance(value, bytes) else value),
)
def test_a_bad_line_is_refused_with_its_number_and_affects_no_other(
    api: Api, newsroom: Newsroom, line: bytes, status: int
) -> None:
    first, bad, last = replies(send(api, LINE, line, LINE))

    assert (first["status"], last["status"]) == ("accepted", "accepted")
    assert (bad["line"], bad["status"], bad["problem"]["status"]) == (2, "refused", status)
    assert "receipt" not in bad
    assert len(newsroom.calls) == 2


def test_a_line_of_the_maximum_length_is_accepted(api: Api) -> None:
    room = 10_000 - len(json.dumps(OWN | {"body": ""}))
    longest, longer = (json.dumps(OWN | {"body": "x" * (room + more)}).encode() for more in (0, 1))

    assert statuses(send(api, longest, longer)) == [(1, "accepted"), (2, "refused")]


@pytest.mark.parametrize("size", [1, 7, 64, 1_000])
def test_lines_may_be_split_anywhere_in_transit(api: Api, newsroom: Newsroom, size: int) -> None:
    body = b"\n".join([LINE, b"", b"{", b"x" * 11_000, LINE])

    async def in_parts() -> AsyncIterator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]

    answer = api("POST", PATH, content=in_parts(), headers={"Content-Type": "application/x-ndjson"})

    assert statuses(answer) == [(1, "accepted"), (3, "refused"), (4, "refused"), (5, "accepted")]


def test_an_unexpected_error_is_answered_per_line_without_details(api: Api, newsroom: Newsroom) -> None:
    newsroom.error = RuntimeError("words that are nobody's business")
    with structlog.testing.capture_logs() as logs:
        [reply] = replies(send(api, LINE))

    assert (reply["status"], reply["problem"]["status"]) == ("refused", 500)
    assert reply["problem"]["instance"].startswith("urn:pressline:request:")
    assert "nobody's business" not in json.dumps(reply)
    assert any(line["event"] == "line.failed" for line in logs)


# --- limits -------------------------------------------------------------------------------------------------------


def limited(api: Api, newsroom: Newsroom, storage: MemoryObjectStorage, **limits: Any) -> Api:
    return Api(an_app(newsroom, storage, **limits), api.portal, api.token)


def test_lines_over_the_limit_are_not_accepted(api: Api, newsroom: Newsroom, storage: MemoryObjectStorage) -> None:
    answer = send(limited(api, newsroom, storage, max_batch_lines=3), *[LINE] * 10)

    assert statuses(answer) == [(1, "accepted"), (2, "accepted"), (3, "accepted"), (4, "stopped")]
    assert replies(answer)[-1]["problem"]["status"] == 413
    assert "3 lines" in replies(answer)[-1]["problem"]["detail"]
    assert len(newsroom.calls) == 3


def test_a_body_declared_too_large_is_refused(api: Api, newsroom: Newsroom, storage: MemoryObjectStorage) -> None:
    assert send(limited(api, newsroom, storage, max_batch_bytes=100), *[LINE] * 10).status_code == 413
    assert newsroom.calls == []


def test_a_body_without_a_declared_length_is_limited_while_it_is_read(
    api: Api, newsroom: Newsroom, storage: MemoryObjectStorage
) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield LINE + b"\n"

    bounded = limited(api, newsroom, storage, max_batch_bytes=len(LINE) * 5 + 10)
    answer = bounded("POST", PATH, content=endless(), headers={"Content-Type": "application/x-ndjson"})

    assert statuses(answer)[-1] == (6, "stopped")
    assert taken <= 8
    assert len(newsroom.calls) == 5


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Content_Encoding": "gzip"}, 415), ({"Content_Type": "application/json"}, 415), ({"Authorization": ""}, 401)],
)
def test_an_invalid_request_is_refused_before_it_is_read(
    api: Api, newsroom: Newsroom, headers: dict[str, str], status: int
) -> None:
    assert send(api, LINE, **headers).status_code == status
    assert newsroom.calls == []


def test_a_batch_goes_to_one_site_that_the_token_is_bound_to(
    api: Api, newsroom: Newsroom, storage: MemoryObjectStorage
) -> None:
    both = with_token(api, storage, "publish", sites=("epn", "other"))

    assert api.post(LINE, f"{PATH}?site=other", Content_Type="application/x-ndjson").status_code == 403
    assert with_token(api, storage, "read").post(LINE, PATH).status_code == 403
    assert send(both, LINE).status_code == 422
    assert both.post(LINE, f"{PATH}?site=epn&site=other", Content_Type="application/x-ndjson").status_code == 422
    assert both.post(LINE, f"{PATH}?site=other", Content_Type="application/x-ndjson").status_code == 200
    assert [call["site"].id for call in newsroom.calls] == ["other"]


# --- when too much waits, and when the store is down --------------------------------------------------------------


def test_with_a_full_backlog_nothing_is_read(api: Api, newsroom: Newsroom) -> None:
    newsroom.full_for = Lane.BULK
    answer = send(api, LINE)

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert BACKLOG_TEXT in answer.json()["detail"]
    assert newsroom.calls == []


def failing_for(newsroom: Newsroom, numbers: set[int], error: Exception) -> Callable[..., Submitted]:
    def submit(raw: bytes, metadata: SubmissionMetadata) -> Submitted:
        if json.loads(raw).get("number") in numbers:
            raise error
        return Newsroom.submit(newsroom, raw, metadata)

    return submit


def numbered(count: int) -> list[bytes]:
    return [json.dumps(OWN | {"number": number}).encode() for number in range(1, count + 1)]


def test_a_busy_line_has_retry_after_seconds_and_later_lines_may_be_accepted(
    newsroom: Newsroom, storage: MemoryObjectStorage, portal: BlockingPortal, token: str
) -> None:
    newsroom.submit = failing_for(newsroom, {2, 3}, BacklogFullError(BACKLOG_TEXT))  # type: ignore[method-assign]
    answer = send(Api(an_app(newsroom, storage), portal, token), *numbered(4))

    assert statuses(answer) == [(1, "accepted"), (2, "busy"), (3, "busy"), (4, "accepted")]
    busy = replies(answer)[1]
    assert (busy["problem"]["status"], busy["retry_after_seconds"]) == (503, 5)
    assert "send it again" in busy["problem"]["detail"]


def test_when_the_store_goes_down_the_request_is_stopped(
    newsroom: Newsroom, storage: MemoryObjectStorage, portal: BlockingPortal, token: str
) -> None:
    newsroom.submit = failing_for(newsroom, set(range(60, 1_001)), StorageUnavailableError("x"))  # type: ignore[method-assign]
    answered_lines = replies(send(Api(an_app(newsroom, storage), portal, token), *numbered(1_000)))

    assert {reply["status"] for reply in answered_lines[:MAX_BATCH_ITEMS]} == {"accepted"}
    assert {reply["status"] for reply in answered_lines[MAX_BATCH_ITEMS:-1]} == {"busy"}
    assert (answered_lines[-1]["status"], answered_lines[-1]["retry_after_seconds"]) == ("stopped", 5)
    assert [reply["line"] for reply in answered_lines] == list(range(1, len(answered_lines) + 1))
    assert len(answered_lines) < 400


# --- batches ------------------------------------------------------------------------------------------------------


def test_lines_that_arrive_together_are_stored_together(api: Api, newsroom: Newsroom) -> None:
    answered_lines = replies(send(api, *numbered(2 * MAX_BATCH_ITEMS + 3), b"not json"))

    assert newsroom.batches == [MAX_BATCH_ITEMS, MAX_BATCH_ITEMS, 3]
    assert [reply["line"] for reply in answered_lines] == list(range(1, 2 * MAX_BATCH_ITEMS + 5))


def test_a_batch_is_limited_in_bytes(
    newsroom: Newsroom, storage: MemoryObjectStorage, portal: BlockingPortal, token: str
) -> None:
    app = an_app(newsroom, storage, max_article_bytes=300_000)
    send(Api(app, portal, token), *[json.dumps(OWN | {"body": "x" * 200_000}).encode()] * 7)

    assert sorted(newsroom.batches) == [1, 3, 3]


# --- as it goes ---------------------------------------------------------------------------------------------------


class Connection:
    """An ASGI client that receives each part of the response when it is sent."""

    def __init__(self, app: FastAPI, token: str) -> None:
        self._app = app
        self._token = token
        self.incoming: asyncio.Queue[Message] = asyncio.Queue()
        self.outgoing: asyncio.Queue[Message] = asyncio.Queue()

    def serve(self) -> asyncio.Task[None]:
        headers = [
            (b"authorization", f"Bearer {self._token}".encode()),
            (b"content-type", b"application/x-ndjson"),
        ]
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "path": PATH,
            "raw_path": PATH.encode(),
            "query_string": b"",
            "headers": headers,
            "scheme": "http",
            "server": ("endpoint", 80),
            "client": ("client", 1),
        }
        return asyncio.ensure_future(self._app(scope, self.incoming.get, self.outgoing.put))

    def send(self, body: bytes, *, more: bool = True) -> None:
        self.incoming.put_nowait({"type": "http.request", "body": body, "more_body": more})

    async def next(self) -> Message:
        async with asyncio.timeout(10):
            return await self.outgoing.get()


def test_a_line_is_answered_before_the_next_one_is_sent(
    newsroom: Newsroom, storage: MemoryObjectStorage, portal: BlockingPortal, token: str
) -> None:
    async def talk() -> None:
        client = Connection(an_app(newsroom, storage), token)
        serving = client.serve()
        for number in (1, 2, 3):
            client.send(LINE + b"\n")
            if number == 1:
                assert (await client.next())["type"] == "http.response.start"
            assert json.loads((await client.next())["body"])["line"] == number
        client.send(b"", more=False)
        assert (await client.next()) == {"type": "http.response.body", "body": b"", "more_body": False}
        await serving

    portal.call(talk)


def test_a_client_that_reads_after_sending_everything_is_not_blocked(
    newsroom: Newsroom, storage: MemoryObjectStorage, portal: BlockingPortal, token: str
) -> None:
    async def talk() -> None:
        client = Connection(an_app(newsroom, storage), token)
        client.incoming, client.outgoing = asyncio.Queue(maxsize=1), asyncio.Queue(maxsize=1)  # buffers between the two
        serving = client.serve()
        async with asyncio.timeout(20):
            for _ in range(500):
                await client.incoming.put({"type": "http.request", "body": LINE + b"\n", "more_body": True})
        assert client.outgoing.full()
        await client.incoming.put({"type": "http.request", "body": b"", "more_body": False})
        chunked = [await client.next() for _ in range(502)]
        await serving
        assert json.loads(chunked[-2]["body"])["line"] == 500

    portal.call(talk)


def test_answered_lines_are_stored_when_the_client_disconnects(
    newsroom: Newsroom, storage: MemoryObjectStorage, portal: BlockingPortal, token: str
) -> None:
    async def talk() -> int:
        client = Connection(an_app(newsroom, storage), token)
        serving = client.serve()
        client.send(LINE + b"\n" + LINE + b"\n" + LINE[:10])
        await client.next()
        answered = [json.loads((await client.next())["body"]) for _ in range(2)]
        client.incoming.put_nowait({"type": "http.disconnect"})
        await serving
        return len(answered)

    with structlog.testing.capture_logs() as logs:
        answered = portal.call(talk)

    assert answered == len(newsroom.calls) == 2
    assert [line["accepted"] for line in logs if line["event"] == "batch.answered"] == [2]
    assert any(line["event"] == "request.abandoned" for line in logs)


def test_a_request_ends_if_its_response_cannot_be_sent(
    newsroom: Newsroom, storage: MemoryObjectStorage, portal: BlockingPortal, token: str
) -> None:
    is_gone, second_is_begun = Event(), Event()
    lines = numbered(10 * MAX_BATCH_ITEMS)

    def submit_lines(raws: Sequence[bytes], metadata: SubmissionMetadata) -> list[Submitted]:
        if raws[0] == lines[0]:
            assert second_is_begun.wait(10)
        elif lines[MAX_BATCH_ITEMS] in raws:
            second_is_begun.set()
            assert is_gone.wait(10)
        return [Submitted(receipt="c0ffee")] * len(raws)

    async def hang_up(message: Message) -> None:
        is_gone.set()
        raise OSError

    async def talk() -> None:
        client = Connection(an_app(newsroom, storage), token)
        client.outgoing.put = hang_up  # type: ignore[method-assign, assignment]
        serving = client.serve()
        for line in lines:
            client.send(line + b"\n")
        async with asyncio.timeout(10):
            await asyncio.wait({serving})
        assert serving.exception() is not None

    newsroom.submit_lines = submit_lines  # type: ignore[method-assign, assignment]
    portal.call(talk)


def test_a_line_that_does_not_arrive_in_time_stops_the_request(
    newsroom: Newsroom, storage: MemoryObjectStorage, portal: BlockingPortal, token: str
) -> None:
    async def talk() -> dict[str, Any]:
        client = Connection(an_app(newsroom, storage, body_timeout_seconds=0.2), token)
        serving = client.serve()
        client.send(LINE + b"\n" + LINE[:10])
        await client.next()
        assert json.loads((await client.next())["body"])["status"] == "accepted"
        stopped: dict[str, Any] = json.loads((await client.next())["body"])
        await serving
        return stopped

    stopped = portal.call(talk)

    assert (stopped["line"], stopped["status"], stopped["problem"]["status"]) == (2, "stopped", 408)


def test_two_batches_are_stored_in_parallel_and_answered_in_order(
    newsroom: Newsroom, storage: MemoryObjectStorage, portal: BlockingPortal, token: str
) -> None:
    together, last_is_done = Barrier(2, timeout=10), Event()

    def submit_lines(raws: Sequence[bytes], metadata: SubmissionMetadata) -> list[Submitted]:
        numbers = [json.loads(raw)["number"] for raw in raws]
        together.wait()
        if numbers[0] == 1:
            assert last_is_done.wait(10)
        else:
            last_is_done.set()
        return [Submitted(receipt=str(number)) for number in numbers]

    newsroom.submit_lines = submit_lines  # type: ignore[method-assign, assignment]
    answer = send(Api(an_app(newsroom, storage), portal, token), *numbered(MAX_BATCH_ITEMS + 1))

    assert [reply["receipt"] for reply in replies(answer)] == [str(n) for n in range(1, MAX_BATCH_ITEMS + 2)]


@pytest.mark.parametrize("end", [b"\n", b""], ids=["many lines", "one line without an end"])
def test_memory_does_not_grow_with_the_body(
    newsroom: Newsroom, storage: MemoryObjectStorage, portal: BlockingPortal, token: str, end: bytes
) -> None:
    def submit(raw: bytes, metadata: SubmissionMetadata) -> Submitted:
        return Submitted(receipt="c0ffee")

    newsroom.submit = submit  # type: ignore[method-assign]
    app = an_app(newsroom, storage, max_article_bytes=100_000)
    line = json.dumps(OWN | {"body": "x" * 90_000}).encode() + end

    async def talk(count: int) -> int:
        sent = answered = 0

        async def receive() -> Message:
            nonlocal sent
            sent += 1
            return {"type": "http.request", "body": line if sent <= count else b"", "more_body": sent <= count}

        async def take(message: Message) -> None:
            nonlocal answered
            answered += message.get("body", b"").count(b"\n")

        client = Connection(app, token)
        client.incoming.get, client.outgoing.put = receive, take  # type: ignore[method-assign, assignment]
        tracemalloc.start()
        await client.serve()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert answered == (count if end else 1)
        return peak

    portal.call(talk, 5)  # imports and caches
    peak = portal.call(talk, 600)

    batches_held = 3 if end else 0  # two are being stored while the next one fills; each may end with one more line
    assert peak < batches_held * (batches._MAX_BATCH_BYTES + len(line)) + 1_000_000 < 100 * len(line)  # noqa: SLF001
