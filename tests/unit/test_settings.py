"""The settings of the services, read from the environment."""

from __future__ import annotations

import re

import pytest
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from infra.local.edge.settings import EdgeSettings
from infra.local.settings import StackSettings
from services.desk.settings import DeskSettings
from services.enrich.settings import EnrichSettings
from services.ingest.settings import IngestSettings
from services.publish.settings import PublishSettings
from services.relay.settings import RelaySettings
from services.render.settings import RenderSettings
from services.scheduler.settings import SchedulerSettings
from shared.model.lane import Lane
from shared.runtime.settings import ServiceSettings
from tests.conftest import ROOT

EVERY_SETTINGS: tuple[type[BaseSettings], ...] = (
    *(DeskSettings, EnrichSettings, IngestSettings, PublishSettings, RelaySettings, RenderSettings),
    *(SchedulerSettings,),
    *(StackSettings, EdgeSettings),
)
EXAMPLE = dict(
    re.findall(r"^#PRESSLINE_([A-Z0-9_]+)=(.*)$", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)
)


def test_the_example_names_every_setting_and_no_other() -> None:
    known = {name.upper() for kind in EVERY_SETTINGS for name in kind.model_fields}

    assert EXAMPLE.keys() == known


@pytest.mark.parametrize("kind", EVERY_SETTINGS, ids=lambda kind: kind.__name__)
def test_the_example_has_the_defaults(kind: type[BaseSettings], monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting with a value has its default; one without a value is unset or explained."""
    for name in EXAMPLE:
        monkeypatch.delenv(f"PRESSLINE_{name}", raising=False)
    defaults = kind(_env_file=None)
    examples = {name: value for name in kind.model_fields if (value := EXAMPLE[name.upper()])}
    for name, value in examples.items():
        monkeypatch.setenv(f"PRESSLINE_{name.upper()}", value)

    read = kind(_env_file=None)

    for name in examples:
        if getattr(defaults, name) is not None:
            assert getattr(read, name) == getattr(defaults, name), name


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REDIS_URL", "S3_ENDPOINT", "METRICS_PORT", "CONCURRENCY", "LANES"):
        monkeypatch.setenv(f"PRESSLINE_{name}", "")

    settings = ServiceSettings(_env_file=None)

    assert settings.redis_url.startswith("redis://")
    assert (settings.s3_endpoint, settings.metrics_port, settings.children) == (None, None, 1)


@pytest.mark.parametrize(
    ("kind", "lanes", "children"),
    [
        (
            PublishSettings,
            "urgent,live,listings",
            2,
        ),  # it waits for the store, so it handles two messages
        (PublishSettings, "", 2),
        (PublishSettings, "bulk", 1),  # a batch makes its calls in parallel
        (RenderSettings, "urgent,live,listings", 1),
        (RenderSettings, "bulk", 1),
    ],
)
def test_the_concurrency_of_a_worker_follows_from_its_lanes_unless_it_is_set(
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
def test_a_worker_serves_the_named_lanes_in_their_order_and_all_by_default(
    lanes: str, served: tuple[Lane, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRESSLINE_LANES", lanes)

    assert ServiceSettings(_env_file=None).lanes == served


@pytest.mark.parametrize(
    ("lanes", "named"), [("live,fast", "'fast'"), ("bulk,", "''"), ("urgent;live", "'urgent;live'")]
)
def test_an_unknown_lane_stops_the_worker_and_the_error_names_the_lanes(
    lanes: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRESSLINE_LANES", lanes)

    with pytest.raises(
        ValidationError, match=f"there is no lane {named}; use a comma-separated list of urgent, live, listings, bulk"
    ):
        ServiceSettings(_env_file=None)


def test_a_worker_of_bulk_alone_makes_fewer_parallel_calls_to_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    def threads(lanes: str) -> int:
        monkeypatch.setenv("PRESSLINE_LANES", lanes)
        return ServiceSettings(_env_file=None).store_threads

    assert threads("bulk") < threads("urgent,live,listings") == threads("")
