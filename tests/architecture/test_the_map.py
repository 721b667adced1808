from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from services.publish.settings import PublishSettings
from shared.messaging.messages import Message
from shared.messaging.pipeline import PIPELINE, SCHEDULER_EMITS, WORKERS, queues_of, steps_for
from shared.model.lane import Lane
from shared.runtime.celery_app import TIME_LIMIT_SECONDS, VISIBILITY_TIMEOUT_SECONDS, PresslineCelery, WorkerTimers
from shared.runtime.celery_task import CALLS_END_AFTER_SECONDS, MAX_DEATHS, MAX_RETRY_WAIT_SECONDS
from shared.runtime.settings import ServiceSettings

ALL = {step.consumes.__name__ for step in PIPELINE}
SERVICES = Path(__file__).resolve().parents[2] / "services"


def leaves(kind: type[Message]) -> set[type[Message]]:
    """Return the kinds of message without subclasses."""
    subclasses = kind.__subclasses__()
    return set().union(*map(leaves, subclasses)) if subclasses else {kind}


def app_of(service: str) -> PresslineCelery:
    app = importlib.import_module(f"services.{service}.tasks").app
    assert isinstance(app, PresslineCelery)
    return app


def test_every_step_is_a_task_of_its_service_and_every_task_has_a_step() -> None:
    for service in WORKERS:
        own = {name for name in app_of(service).tasks if name.startswith(f"{service}.")}
        assert own == {step.task_name for step in PIPELINE if step.service == service}


def test_a_services_docstring_names_the_messages_that_it_consumes_and_emits() -> None:
    for service in ("render", "publish"):
        docstring = importlib.import_module(f"services.{service}").__doc__ or ""
        steps = [step for step in PIPELINE if step.service == service]
        named = {kind.__name__ for step in steps for kind in (step.consumes, *step.emits)}
        assert named == {word for word in re.findall(r"[A-Z]\w+", docstring) if word in ALL}


def test_every_message_that_is_emitted_is_consumed() -> None:
    consumed = {step.consumes for step in PIPELINE}
    emitted = {message for step in PIPELINE for message in step.emits} | set(SCHEDULER_EMITS)

    assert emitted <= consumed
    assert consumed == leaves(Message)


def test_a_message_has_one_task_and_one_set_of_queues_for_each_of_its_consumers() -> None:
    tasks = [step.task_name for step in PIPELINE]

    assert len(tasks) == len(set(tasks))
    for step in PIPELINE:
        assert step in steps_for(step.consumes)


def test_a_message_that_no_step_consumes_is_not_dropped() -> None:
    with pytest.raises(LookupError, match="no step consumes Message"):
        steps_for(Message)


def test_workers_empty_their_lanes_in_the_order_urgent_live_listings_bulk() -> None:
    assert queues_of("publish") == ("publish.urgent", "publish.live", "publish.listings", "publish.bulk")
    assert queues_of("publish", [Lane.LISTINGS, Lane.URGENT]) == ("publish.urgent", "publish.listings")
    assert app_of("publish").conf.broker_transport_options["queue_order_strategy"] == "priority"
    assert PIPELINE[0].queue(Lane.BULK) == "ingest.bulk"


def test_a_task_ends_or_is_retried_before_its_message_is_redelivered() -> None:
    assert MAX_RETRY_WAIT_SECONDS < TIME_LIMIT_SECONDS < VISIBILITY_TIMEOUT_SECONDS


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("task_acks_late", True),
        ("task_reject_on_worker_lost", True),
        ("task_acks_on_failure_or_timeout", False),
        ("worker_prefetch_multiplier", 1),
        ("task_ignore_result", True),
        ("task_serializer", "json"),
        ("accept_content", ["json"]),
        ("task_time_limit", 20),
        ("worker_redirect_stdouts", False),
        ("worker_hijack_root_logger", False),
        ("broker_connection_retry_on_startup", True),
        ("broker_connection_max_retries", None),
        ("worker_soft_shutdown_timeout", 10),
    ],
)
def test_celery_has_the_settings_that_lose_no_message(setting: str, value: object) -> None:
    assert getattr(app_of("publish").conf, setting) == value


@pytest.mark.parametrize("service", sorted(WORKERS))
def test_every_service_runs_with_the_timers_that_were_measured(service: str) -> None:
    assert app_of(service).timers == WorkerTimers(
        visibility_timeout=30, soft_shutdown=10, unwell_after=25, end_after=40, stall_check_interval=5
    )


def test_redis_gives_a_dead_workers_message_back_within_35_seconds() -> None:
    options = app_of("publish").conf.broker_transport_options
    assert (options["visibility_timeout"], options["unacked_restore_interval"]) == (30, 1)
    scan = options["unacked_restore_interval"] * options["unacked_restore_throttle"]

    assert options["visibility_timeout"] + scan <= 35


@pytest.mark.parametrize(
    ("settings", "setting"),
    [
        (ServiceSettings, "storage_timeout_seconds"),
        (ServiceSettings, "redis_timeout_seconds"),
        (PublishSettings, "purge_timeout_seconds"),
    ],
)
def test_the_last_call_of_a_task_ends_before_the_task_is_killed(settings: type[ServiceSettings], setting: str) -> None:
    (longest,) = (bound.le for bound in settings.model_fields[setting].metadata if hasattr(bound, "le"))

    assert CALLS_END_AFTER_SECONDS + 2 * longest < TIME_LIMIT_SECONDS


def test_a_retry_waits_ten_seconds_at_most_and_a_message_kills_three_processes_at_most() -> None:
    assert MAX_RETRY_WAIT_SECONDS <= 10
    assert MAX_DEATHS == 3
