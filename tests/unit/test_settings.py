"""What a service makes of its environment."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from services.publish.settings import PublishSettings
from services.render.settings import RenderSettings
from shared.messages import Lane
from shared.settings import ServiceSettings


def test_what_is_set_to_nothing_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REDIS_URL", "S3_ENDPOINT", "METRICS_PORT", "CONCURRENCY", "LANES"):
        monkeypatch.setenv(f"PRESSLINE_{name}", "")

    settings = ServiceSettings(_env_file=None)

    assert settings.redis_url.startswith("redis://")
    assert (settings.s3_endpoint, settings.metrics_port, settings.children) == (None, None, 1)


@pytest.mark.parametrize(
    ("kind", "lanes", "children"),
    [
        (PublishSettings, "urgent,live,listings", 2),  # who waits for the store handles two messages at a time
        (PublishSettings, "", 2),
        (PublishSettings, "bulk", 1),  # a batch makes its calls side by side
        (RenderSettings, "urgent,live,listings", 1),
        (RenderSettings, "bulk", 1),
    ],
)
def test_a_worker_handles_as_many_messages_at_a_time_as_its_lanes_need_unless_told_otherwise(
    kind: type[ServiceSettings], lanes: str, children: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRESSLINE_LANES", lanes)
    monkeypatch.delenv("PRESSLINE_CONCURRENCY", raising=False)
    assert kind(_env_file=None).children == children

    monkeypatch.setenv("PRESSLINE_CONCURRENCY", "3")
    assert kind(_env_file=None).children == 3


@pytest.mark.parametrize(
    ("lanes", "served"),
    [
        ("", tuple(Lane)),
        ("bulk", (Lane.BULK,)),
        ("listings, urgent,live,urgent", (Lane.URGENT, Lane.LIVE, Lane.LISTINGS)),
    ],
)
def test_a_worker_serves_the_lanes_that_are_named_in_their_order_and_all_where_none_is(
    lanes: str, served: tuple[Lane, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRESSLINE_LANES", lanes)

    assert ServiceSettings(_env_file=None).lanes == served


@pytest.mark.parametrize(
    ("lanes", "named"), [("live,fast", "'fast'"), ("bulk,", "''"), ("urgent;live", "'urgent;live'")]
)
def test_a_lane_that_does_not_exist_stops_the_worker_with_the_names_of_those_that_do(
    lanes: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRESSLINE_LANES", lanes)

    with pytest.raises(ValidationError, match=f"there is no lane {named}; name some of urgent, live, listings, bulk"):
        ServiceSettings(_env_file=None)


def test_a_worker_of_bulk_alone_makes_fewer_calls_to_the_store_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def threads(lanes: str) -> int:
        monkeypatch.setenv("PRESSLINE_LANES", lanes)
        return ServiceSettings(_env_file=None).store_threads

    assert threads("bulk") < threads("urgent,live,listings") == threads("")
