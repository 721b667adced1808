"""Redis full, read-only, unable to save, loading or with another password: an outage with a name and a next step."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from infra.local.ports import free_ports
from shared.messaging.messages import ListingsStale
from shared.runtime.backlog.redis import RedisBacklog
from shared.runtime.celery_app import create_app
from shared.runtime.deliveries.redis import RedisDeliveries
from shared.runtime.errors import RedisUnavailableError
from shared.runtime.quarantine.redis import RedisQuarantine
from shared.runtime.receipts import Receipt
from shared.runtime.receipts.redis import RedisReceipts
from shared.runtime.redis_client import redis_client, redis_condition, redis_faults
from shared.runtime.settings import ServiceSettings
from shared.runtime.watchdog import UNWELL_AFTER_SECONDS, QueueWatch
from tests.refusing_redis import CONDITIONS, RefusingRedis

NEXT_STEPS = {
    "OOM": "Raise maxmemory",
    "READONLY": "PRESSLINE_REDIS_URL",
    "MISCONF": "Free disk space",
    "NOAUTH": "PRESSLINE_REDIS_URL",
    "LOADING": "Wait",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RefusingRedis]:
    built = RefusingRedis(tmp_path_factory.mktemp("refusing"))
    yield built
    built.stop()


@pytest.fixture
def settings(server: RefusingRedis) -> ServiceSettings:
    return ServiceSettings(redis_url=server.url)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_write_that_redis_refuses_is_an_outage_with_the_condition_and_the_next_step(
    server: RefusingRedis, settings: ServiceSettings, condition: str
) -> None:
    client = redis_client(settings)
    message = ListingsStale(message_id=uuid4(), site="epn", listings={"home": 1})
    app = create_app("scheduler", settings)
    assert redis_faults(settings) == []

    with server.refuses(condition):
        (fault,) = redis_faults(settings)
        outages = [
            _outage_of(call)
            for call in (
                lambda: RedisQuarantine(client).add("epn", "a", 1, 60),  # a script
                lambda: RedisDeliveries(client).begin("render", "x"),  # a pipeline
                lambda: app.emit([message]),  # kombu
            )
        ]
        is_open = RedisReceipts(client).open(Receipt(receipt="r", site="epn"))  # a transaction

    assert condition in fault
    assert NEXT_STEPS[condition] in fault
    assert outages == [fault] * 3
    assert not is_open
    assert redis_faults(settings) == []
    app.emit([message])
    assert client.llen("render.live") == 1
    client.delete("render.live")
    client.close()
    app.close()


def _outage_of(call: object) -> str:
    assert callable(call)
    with pytest.raises(RedisUnavailableError) as caught:
        call()
    return str(caught.value)


def test_a_redis_that_does_not_answer_is_named_with_the_setting() -> None:
    (fault,) = redis_faults(ServiceSettings(redis_url=f"redis://127.0.0.1:{free_ports(1)[0]}/0"))

    assert "PRESSLINE_REDIS_URL" in fault


@pytest.mark.parametrize(
    "text",
    [
        "OOM command not allowed when used memory > 'maxmemory'. script: 3f1, on @user_script:1.",
        "ERR Error running script (call to f_1): @user_script:1: -OOM command not allowed when used memory is full",
        "Command # 2 (HSET receipt:epn READONLY) of pipeline caused error: OOM command not allowed",
    ],
)
def test_the_condition_inside_another_error_is_found(text: str) -> None:
    assert "(OOM" in redis_condition(Exception(text))


def test_no_service_has_stalled_while_redis_refuses_writes(server: RefusingRedis, settings: ServiceSettings) -> None:
    client, now = redis_client(settings), [0.0]
    client.lpush("render.live", "{}")
    watch = QueueWatch(RedisBacklog(client), RedisDeliveries(client), lambda: now[0], lambda: redis_faults(settings))
    assert watch.faults() == []

    with server.refuses("OOM"):
        now[0] += UNWELL_AFTER_SECONDS
        assert watch.faults() == []
    now[0] += 1
    assert watch.faults() == []  # its workers have 25 s from the end of the outage on
    now[0] += UNWELL_AFTER_SECONDS
    assert "render has taken nothing" in watch.faults()[0]
    client.delete("render.live")
    client.close()
