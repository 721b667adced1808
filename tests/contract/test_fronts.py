"""The routes `/v1/fronts`: pins of editors."""

from __future__ import annotations

from typing import Any

import pytest
from anyio.from_thread import BlockingPortal
from redis import Redis

from shared.index.redis import RedisIndex
from shared.model.live_record import LiveRecord
from shared.runtime.tokens import mint
from shared.site import keys
from shared.site.pins import Pins, read_pins
from shared.storage.memory import MemoryObjectStorage
from tests.contract.newsroom import NOW, Api, Newsroom, a_site, an_app, pointers, with_token

LIVE, WAITING, UNKNOWN = "a" * 26, "b" * 26, "c" * 26
TOMORROW = "2026-11-23T12:00:00Z"
SITE = a_site("epn")


@pytest.fixture
def storage() -> MemoryObjectStorage:
    storage = MemoryObjectStorage()
    record = LiveRecord(site="epn", article=LIVE, revision="r1", path="news/x/index.html")
    storage.put(keys.live_key("epn", LIVE), record.model_dump_json().encode())
    storage.put(keys.revision_key("epn", WAITING, "r1"), b"{}")
    return storage


@pytest.fixture
def index(redis: Redis) -> RedisIndex:
    return RedisIndex(redis)


@pytest.fixture
def api(storage: MemoryObjectStorage, index: RedisIndex, portal: BlockingPortal) -> Api:
    token = mint(storage, name="desk", scopes=["publish", "read"], sites=["epn"], now=NOW)
    return Api(an_app(Newsroom(), storage, index=index), portal, token)


def pin(api: Api, body: Any, front: str = "home") -> Any:
    return api("PUT", f"/v1/fronts/{front}", **({"content": body} if isinstance(body, bytes) else {"json": body}))


@pytest.mark.parametrize(("front", "listing"), [("home", "home"), ("news", "section.news")])
def test_pins_are_stored_and_returned_and_mark_the_front_stale(
    api: Api, storage: MemoryObjectStorage, index: RedisIndex, front: str, listing: str
) -> None:
    answer = pin(api, {"articles": [LIVE], "until": TOMORROW}, front)

    assert answer.status_code == 200
    assert answer.json() == api("GET", f"/v1/fronts/{front}").json()
    assert answer.json() == {
        "site": "epn",
        "front": front,
        "articles": [LIVE],
        "until": TOMORROW,
        "set_by": "desk",
        "set_at": "2026-11-22T12:00:00Z",
        "warnings": [],
    }
    pins = read_pins(storage, "epn", front)
    assert pins is not None
    assert (pins.articles, pins.set_by, pins.set_at) == ((LIVE,), "desk", NOW)
    assert index.stale_listings(SITE) == [listing]


def test_the_latest_pins_replace_earlier_ones_in_the_given_order(api: Api, storage: MemoryObjectStorage) -> None:
    pin(api, {"articles": [LIVE]})
    pin(api, {"articles": [WAITING, LIVE]})

    assert api("GET", "/v1/fronts/home").json()["articles"] == [WAITING, LIVE]


def test_an_article_that_is_not_live_is_pinned_with_a_warning(api: Api) -> None:
    answer = pin(api, {"articles": [LIVE, WAITING]})

    assert answer.status_code == 200
    [warning] = answer.json()["warnings"]
    assert WAITING in warning
    assert "not live" in warning


@pytest.mark.parametrize(
    ("body", "status", "where"),
    [
        ({"articles": [LIVE, UNKNOWN]}, 422, ["/articles/1"]),
        ({"articles": [LIVE, WAITING, LIVE]}, 422, ["/articles/2"]),
        ({"articles": ["../x"]}, 422, ["/articles/0"]),
        ({"articles": [LIVE], "until": "2026-11-22T11:59:59Z"}, 422, ["/until"]),
        ({"articles": [LIVE], "until": "2026-11-23T12:00:00"}, 422, ["/until"]),
        ({"articles": [LIVE], "til": None}, 422, ["/til"]),
        ({}, 422, ["/articles"]),
        ({"articles": [LIVE] * 11}, 422, ["/articles"]),
        (b"{", 400, []),
        (b"", 400, []),
        (b"x" * 20_000, 413, []),
    ],
)
def test_invalid_pins_are_refused_and_change_nothing(
    api: Api, index: RedisIndex, body: Any, status: int, where: list[str]
) -> None:
    pin(api, {"articles": [LIVE]})
    before = index.stale_versions(SITE)
    answer = pin(api, body)

    assert (answer.status_code, pointers(answer)) == (status, where)
    assert api("GET", "/v1/fronts/home").json()["articles"] == [LIVE]
    assert index.stale_versions(SITE) == before


def test_an_unpinned_front_has_no_pins_and_is_stale(api: Api, index: RedisIndex) -> None:
    pin(api, {"articles": [LIVE]})
    before = index.stale_versions(SITE)["home"]

    assert api("DELETE", "/v1/fronts/home").status_code == 204
    assert api("GET", "/v1/fronts/home").json()["articles"] == []
    assert index.stale_versions(SITE)["home"] > before
    assert api("DELETE", "/v1/fronts/home").status_code == 204


@pytest.mark.parametrize("front", ["nowhere", "Home", "..%2fx", "%00"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_unknown_front_is_a_404(api: Api, storage: MemoryObjectStorage, method: str, front: str) -> None:
    body: dict[str, Any] = {"json": {"articles": []}} if method == "PUT" else {}

    assert api(method, f"/v1/fronts/{front}", **body).status_code == 404
    assert list(storage.list_keys("fronts/")) == []


def test_pinning_needs_the_scope_publish_and_the_site(api: Api, storage: MemoryObjectStorage) -> None:
    reader = with_token(api, storage, "read")

    assert pin(reader, {"articles": []}).status_code == 403
    assert reader("DELETE", "/v1/fronts/home").status_code == 403
    assert reader("GET", "/v1/fronts/home").status_code == 200
    assert api("GET", "/v1/fronts/home?site=other").status_code == 403


def test_while_redis_is_down_pins_are_stored_and_the_answer_is_503(api: Api, storage: MemoryObjectStorage) -> None:
    away = Api(an_app(Newsroom(), storage), api.portal, api.token)
    answer = pin(away, {"articles": [LIVE]})

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "the pins are stored" in answer.json()["detail"]
    assert "send the request again" in answer.json()["detail"]
    assert Pins.model_validate_json(storage.get(keys.front_key("epn", "home")).body).articles == (LIVE,)
    assert pin(api, {"articles": [LIVE]}).status_code == 200
