"""Rates of tokens, `Idempotency-Key` and refusals: the real endpoint with a real Redis."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from typing import Any

import httpx
import pytest
import structlog
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI
from redis import Redis

from services.ingest.adapters.kept_answers import RedisKeptAnswers
from services.ingest.adapters.rate_limits import RedisRateLimits
from services.ingest.domain.accepted import Accepted, AcceptedStatus
from services.ingest.domain.refusal import RefusedError
from services.ingest.ports import SubmissionMetadata
from shared.model.lane import Lane
from shared.runtime.errors import StorageUnavailableError
from shared.runtime.observability import configure_logging
from shared.runtime.redis_client import quick_redis_client
from shared.runtime.settings import ServiceSettings
from shared.runtime.tokens import hash_of, list_tokens, mint, rotate
from shared.storage.memory import MemoryObjectStorage
from tests.contract.newsroom import NOW, OWN, Api, Newsroom, an_app

ARTICLE = "a" * 26
ACTIONS = [f"/v1/articles/{ARTICLE}/{kind}" for kind in ("kill", "withdraw", "restore")]
RATE = re.compile(r'"token";r=(\d+);t=(\d+)')
KEY = '"8e03978e-40d5-43dd-bc93-6894a57f9324"'


class Counts(Newsroom):
    """A newsroom whose second answer differs from the first, and that can hold an answer back."""

    def __init__(self) -> None:
        super().__init__()
        self.is_handling, self.may_answer = Event(), Event()
        self.may_answer.set()

    def accept(self, raw: bytes, metadata: SubmissionMetadata) -> Accepted:
        self.is_handling.set()
        assert self.may_answer.wait(10)
        statuses: tuple[AcceptedStatus, ...] = ("accepted", "duplicate", "superseded")
        self.status = statuses[min(len(self.calls), 2)]
        return super().accept(raw, metadata)


@pytest.fixture
def counts() -> Counts:
    return Counts()


@pytest.fixture
def app(counts: Counts, storage: MemoryObjectStorage, redis: Redis) -> FastAPI:
    return an_app(
        counts, storage, rate_limits=RedisRateLimits(redis, lambda: 0.0), kept_answers=RedisKeptAnswers(redis)
    )


@pytest.fixture
def make_api(app: FastAPI, portal: BlockingPortal, storage: MemoryObjectStorage) -> Callable[..., Api]:
    def make(*, scopes: tuple[str, ...] = ("publish", "takedown"), **properties: Any) -> Api:
        return Api(app, portal, mint(storage, name="desk", scopes=scopes, sites=["epn"], now=NOW, **properties))

    return make


@pytest.fixture
def api(make_api: Callable[..., Api]) -> Api:
    return make_api()


def rest_of(answer: httpx.Response) -> int:
    found = RATE.fullmatch(answer.headers["ratelimit"])
    assert found, answer.headers["ratelimit"]
    return int(found[1])


# --- rates --------------------------------------------------------------------------------------------------------


def test_an_answer_names_the_limit_and_the_rest(api: Api) -> None:
    first, second = api.post(OWN), api("GET", "/v1/receipts/c0ffee")

    assert first.headers["ratelimit-policy"] == second.headers["ratelimit-policy"] == '"token";q=6000;w=60'
    assert rest_of(first) == 5_999
    assert rest_of(second) in {5_998, 5_999}  # 100 are allowed in a second, so time may have returned one


def test_over_its_rate_a_token_gets_429_with_the_time_to_wait(make_api: Callable[..., Api], counts: Counts) -> None:
    api = make_api(requests_per_minute=3)
    answers = [api.post(OWN | {"source_id": f"a-{n}"}) for n in range(5)]

    assert [each.status_code for each in answers] == [202, 200, 200, 429, 429]
    assert [rest_of(each) for each in answers] == [2, 1, 0, 0, 0]
    assert 1 <= int(answers[3].headers["retry-after"]) <= 20
    assert f"t={answers[3].headers['retry-after']}" in answers[3].headers["ratelimit"]
    assert answers[3].json()["title"] == "Too Many Requests"
    assert len(counts.calls) == 3


def test_another_token_has_a_rate_of_its_own(make_api: Callable[..., Api]) -> None:
    one, other = make_api(requests_per_minute=1), make_api(requests_per_minute=1)

    assert [one.post(OWN).status_code, one.post(OWN).status_code, other.post(OWN).status_code] == [202, 429, 200]


def test_a_feeds_sender_gets_503_because_superdesk_gives_up_after_429(make_api: Callable[..., Api]) -> None:
    api = make_api(requests_per_minute=1, feeds=["default"])
    api("GET", "/v1/receipts/c0ffee")
    refused = api.post(OWN, "/v1/feeds/default")

    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) >= 1
    assert "ratelimit" in refused.headers


@pytest.mark.parametrize("path", ACTIONS)
def test_a_kill_passes_over_the_rate_and_does_not_count(make_api: Callable[..., Api], path: str) -> None:
    api = make_api(requests_per_minute=1)
    assert [api.post(OWN).status_code, api.post(OWN).status_code] == [202, 429]

    answers = [api("POST", path) for _ in range(3)]

    assert [each.status_code for each in answers] == [202, 202, 202]
    assert all("ratelimit" not in each.headers for each in answers)


def test_a_token_without_a_limit_is_not_counted(make_api: Callable[..., Api], redis: Redis) -> None:
    answer = make_api(requests_per_minute=0).post(OWN)

    assert answer.status_code == 202
    assert "ratelimit" not in answer.headers
    assert list(redis.scan_iter("rate:*")) == []


def test_the_rate_returns_with_time(redis: Redis) -> None:
    limits = RedisRateLimits(redis, lambda: 0.0)
    token = "f" * 64
    taken = iter(lambda: limits.take(token, 600), None)
    refused = next(each for each in taken if not each.is_allowed)  # the quota, and ten for each second meanwhile
    free_at = int(str(redis.get(f"rate:{token}")))
    redis.set(f"rate:{token}", free_at - 1_000_000)  # as after a second

    after_a_second = limits.take(token, 600)

    assert (refused.is_allowed, refused.left, refused.seconds) == (False, 0, 1)
    assert after_a_second is not None
    assert after_a_second.is_allowed
    assert 9 <= after_a_second.left <= 20  # on a busy machine more time passes than the second


def test_the_counter_of_an_idle_token_leaves_redis(redis: Redis) -> None:
    RedisRateLimits(redis, lambda: 0.0).take("f" * 64, 60)

    assert 0 < redis.pttl(f"rate:{'f' * 64}") <= 1_000


def test_a_request_costs_one_command(api: Api, redis: Redis) -> None:
    api.post(OWN)  # the script is loaded
    before = redis.info("commandstats")
    api.post(OWN)
    after = redis.info("commandstats")

    assert after["cmdstat_evalsha"]["calls"] - before["cmdstat_evalsha"]["calls"] == 1


def test_without_redis_no_request_is_limited_and_one_in_five_seconds_asks(storage: MemoryObjectStorage) -> None:
    now = [100.0]
    limits = RedisRateLimits(
        quick_redis_client(ServiceSettings(redis_url="redis://127.0.0.1:1/0", _env_file=None)), lambda: now[0]
    )
    with structlog.testing.capture_logs() as logs:
        assert [limits.take("f" * 64, 1) for _ in range(3)] == [None, None, None]
        now[0] += 5.1
        assert limits.take("f" * 64, 1) is None

    assert [line["event"] for line in logs] == ["rate_limit.suspended", "rate_limit.suspended"]


# --- expiry and rotation ------------------------------------------------------------------------------------------


def test_an_expired_token_gets_401(make_api: Callable[..., Api]) -> None:
    assert make_api(expires_at=NOW - timedelta(seconds=1)).post(OWN).status_code == 401


def test_both_tokens_of_a_rotation_post_to_the_same_article(api: Api, storage: MemoryObjectStorage) -> None:
    api.post(OWN)
    [old] = list_tokens(storage)
    rotated = rotate(storage, old.sha256, now=NOW, grace=timedelta(days=36_500))
    assert rotated is not None

    successor = Api(api.app, api.portal, rotated[0])

    assert (successor.post(OWN).status_code, api.post(OWN).status_code) == (200, 200)


# --- Idempotency-Key ----------------------------------------------------------------------------------------------


def test_the_same_request_gets_the_same_answer(api: Api, counts: Counts) -> None:
    first = api.post(OWN, Idempotency_Key=KEY)
    again = api.post(OWN, Idempotency_Key=KEY)

    assert (again.status_code, again.content) == (first.status_code, first.content) == (202, first.content)
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert rest_of(again) <= rest_of(first)
    assert len(counts.calls) == 1


def test_a_key_may_come_without_quotation_marks(api: Api, counts: Counts) -> None:
    api.post(OWN, Idempotency_Key=KEY)
    api.post(OWN, Idempotency_Key=KEY.strip('"'))

    assert len(counts.calls) == 1


def test_a_key_with_other_content_is_refused(api: Api, counts: Counts) -> None:
    api.post(OWN, Idempotency_Key=KEY)
    other = api.post(OWN | {"headline": "Bridge closed"}, Idempotency_Key=KEY)
    elsewhere = api.post(OWN, "/v1/articles?lane=bulk", Idempotency_Key=KEY)

    assert (other.status_code, elsewhere.status_code) == (422, 422)
    assert "Idempotency-Key" in other.json()["detail"]
    assert len(counts.calls) == 1


def test_a_key_belongs_to_its_token(make_api: Callable[..., Api], counts: Counts) -> None:
    answers = [make_api().post(OWN, Idempotency_Key=KEY) for _ in range(2)]

    assert [each.json()["status"] for each in answers] == ["accepted", "duplicate"]


def test_a_key_whose_request_is_handled_now_gets_409(api: Api, counts: Counts) -> None:
    counts.may_answer.clear()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(api.post, OWN, Idempotency_Key=KEY)
        assert counts.is_handling.wait(10)
        meanwhile = api.post(OWN, Idempotency_Key=KEY)
        counts.may_answer.set()

        assert (meanwhile.status_code, meanwhile.headers["retry-after"]) == (409, "1")
        assert first.result(10).status_code == 202
    assert api.post(OWN, Idempotency_Key=KEY).json()["status"] == "accepted"


@pytest.mark.parametrize(
    ("error", "status"),
    [(StorageUnavailableError("down"), 503), (RefusedError(422, "no"), 422), (RuntimeError("a fault"), 500)],
)
def test_a_refusal_is_not_kept_because_nothing_was_accepted(
    api: Api, counts: Counts, error: Exception, status: int
) -> None:
    counts.error = error
    refused = api.post(OWN, Idempotency_Key=KEY)
    counts.error = None

    assert refused.status_code == status
    assert api.post(OWN | {"headline": "Corrected"}, Idempotency_Key=KEY).status_code in {200, 202}


def test_an_answer_is_kept_for_a_day(api: Api, redis: Redis) -> None:
    api.post(OWN, Idempotency_Key=KEY)
    [kept] = redis.scan_iter("idempotency:*")

    assert 86_300 < redis.ttl(kept) <= 86_400


def test_a_large_answer_is_not_kept(api: Api, counts: Counts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.ingest.endpoint.idempotency._MAX_ANSWER_BYTES", 100)
    answers = [api.post(OWN, Idempotency_Key=KEY) for _ in range(2)]

    assert [each.json()["status"] for each in answers] == ["accepted", "duplicate"]


def test_after_a_lost_redis_the_same_bytes_are_a_duplicate(api: Api, redis: Redis) -> None:
    api.post(OWN, Idempotency_Key=KEY)
    redis.flushall()

    assert api.post(OWN, Idempotency_Key=KEY).json()["status"] == "duplicate"


def test_without_redis_a_key_changes_nothing(storage: MemoryObjectStorage, portal: BlockingPortal) -> None:
    nowhere = quick_redis_client(ServiceSettings(redis_url="redis://127.0.0.1:1/0", _env_file=None))
    newsroom = Newsroom()
    app = an_app(newsroom, storage, kept_answers=RedisKeptAnswers(nowhere))
    api = Api(app, portal, mint(storage, name="desk", scopes=["publish"], sites=["epn"], now=NOW))

    assert [api.post(OWN, Idempotency_Key=KEY).status_code for _ in range(2)] == [202, 202]
    assert len(newsroom.calls) == 2


@pytest.mark.parametrize("key", ["", '""', "x" * 300, "a key with spaces", "a\tb", '"unfinished', "ü"])
def test_a_malformed_key_is_refused(api: Api, counts: Counts, key: str) -> None:
    answer = api("POST", "/v1/articles", content=json.dumps(OWN), headers={"Idempotency-Key": key.encode("latin-1")})

    assert answer.status_code == 422
    assert counts.calls == []


def test_a_batch_refuses_a_key(api: Api) -> None:
    answer = api.post(OWN, "/v1/batches", Idempotency_Key=KEY, Content_Type="application/x-ndjson")

    assert answer.status_code == 400


def test_a_kill_is_never_answered_from_memory(api: Api, counts: Counts) -> None:
    for _ in range(2):
        assert api("POST", ACTIONS[0], headers={"Idempotency-Key": KEY}).status_code in {200, 202}

    assert len(counts.calls) == 2


def test_a_body_over_the_limit_is_refused_with_a_key_too(api: Api) -> None:
    assert api.post(OWN | {"body": "x" * 20_000}, Idempotency_Key=KEY).status_code == 413


# --- refusals -----------------------------------------------------------------------------------------------------


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Yield a function that returns the lines of the real log."""
    out, before = io.StringIO(), logging.getLogger().handlers[:]
    configured = structlog.get_config()
    configure_logging("debug", "json", stream=out, service="endpoint")
    yield lambda: [json.loads(line) for line in out.getvalue().splitlines()]
    logging.getLogger().handlers[:] = before
    structlog.configure(**configured)
    structlog.contextvars.clear_contextvars()


def refusals(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in lines if line["event"] in {"request.refused", "request.deferred", "submission.refused"}]


def test_every_refusal_is_a_problem_and_is_logged_once_with_its_sender(
    make_api: Callable[..., Api], counts: Counts, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    api, reader, slow = make_api(), make_api(scopes=("read",)), make_api(requests_per_minute=1)
    stranger, anonymous = Api(api.app, api.portal, "prl_a-token-that-nobody-made"), Api(api.app, api.portal, None)
    slow.post(OWN)
    asked = [
        (stranger.post(OWN), 401),
        (anonymous.post(OWN), 401),
        (reader.post(OWN), 403),
        (api.post(OWN, "/v1/articles?site=other"), 403),
        (api("GET", "/v1/receipts/unknown"), 404),
        (api.post(OWN | {"body": "x" * 20_000}), 413),
        (api.post(OWN, Content_Encoding="gzip"), 415),
        (api.post(OWN | {"headline": ""}), 422),
        (api.post(OWN, "/v1/articles?lane=fast"), 422),
        (api.post(b"{"), 400),
        (slow.post(OWN), 429),
    ]
    counts.error = RefusedError(409, "the article is killed")
    asked.append((api("POST", ACTIONS[1]), 409))
    counts.error = StorageUnavailableError("the store is down")
    asked.append((api.post(OWN), 503))
    counts.error, counts.full_for = None, Lane.BULK
    asked.append((api.post(OWN, "/v1/batches", Content_Type="application/x-ndjson"), 503))

    logged = refusals(lines())
    assert [answer.status_code for answer, _ in asked] == [status for _, status in asked]
    assert [line["status"] for line in logged] == [status for _, status in asked]
    assert [line["request"] for line in logged] == [answer.headers["x-request-id"] for answer, _ in asked]
    senders = [line.get("token") for line in logged]
    assert senders[0] == f"unknown {hash_of('prl_a-token-that-nobody-made')[:12]}"
    assert senders[1:] == [None, *["desk"] * 12]
    assert all(answer.json()["instance"].endswith(answer.headers["x-request-id"]) for answer, _ in asked)


def test_no_log_line_holds_a_token(api: Api, lines: Callable[[], list[dict[str, Any]]]) -> None:
    secret = str(api.token)
    guessed = "prl_guessed-by-a-stranger-who-has-time"
    Api(api.app, api.portal, guessed).post(OWN)
    api.post(OWN | {secret: 1, "headline": secret})  # as the name of a field, which the refusal's pointer quotes
    api.post(OWN | {"section": secret, "source_id": ""})
    api.post(OWN, f"/v1/articles?site={secret[:40]}")
    api.post(OWN, f"/v1/feeds/{secret[:40]}")
    api("GET", f"/v1/receipts/{secret}")
    api("GET", f"/{secret}")
    api.post(OWN, Prefer=secret, Idempotency_Key=secret, Content_Type=secret)
    api("POST", ACTIONS[0], content=json.dumps({secret: secret}))
    api("PUT", f"/v1/fronts/{secret}", content=b'{"articles": []}')

    text = json.dumps(lines())
    assert len(refusals(lines())) >= 8
    assert secret not in text
    assert secret[:20] not in text
    assert guessed not in text


def test_the_description_names_the_headers_and_the_refusal(api: Api) -> None:
    paths = api.app.openapi()["paths"]
    post, kill, feed = (
        paths["/v1/articles"]["post"],
        paths["/v1/articles/{article}/kill"]["post"],
        paths["/v1/feeds/{feed}"]["post"],
    )

    assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= post["responses"]["429"]["headers"].keys()
    assert {"RateLimit", "RateLimit-Policy", "Location"} <= post["responses"]["202"]["headers"].keys()
    assert "429" not in kill["responses"]
    assert "429" not in feed["responses"]
    assert [each["name"] for each in post["parameters"] if each["in"] == "header"] == ["Idempotency-Key", "Prefer"]
    assert "409" in post["responses"]


def test_a_wrong_method_gets_all_methods_of_the_path(api: Api) -> None:
    refused = api("PATCH", "/v1/fronts/home")

    assert refused.status_code == 405
    assert refused.headers["allow"] == "DELETE, GET, PUT"
