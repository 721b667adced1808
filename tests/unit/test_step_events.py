"""The event of a step that is run by hand: each error names the mistake and the next step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shared.messaging.pipeline import ENRICH_ARTICLES, PIPELINE, PUBLISH_PAGES, RENDER_ARTICLES, RENDER_LISTINGS, Step
from shared.runtime import step_events
from shared.runtime.step_events import (
    UnusableEventError,
    as_event,
    find_step,
    message_of,
    objects_of,
    read_event,
)

GOLDEN = Path(__file__).resolve().parents[1] / "contract" / "messages"
STEPS = {step.consumes.__name__: step for step in PIPELINE}
EVENTS = sorted(path for path in GOLDEN.glob("*.json") if path.stem.split("-")[0] in STEPS)


def golden(kind: str) -> dict[str, Any]:
    return read_event((GOLDEN / f"{kind}-1.json").read_bytes())


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_a_golden_message_is_an_event_of_its_step(path: Path) -> None:
    step, event = STEPS[path.stem.split("-")[0]], read_event(path.read_bytes())

    assert find_step(step.task_name, event) == step
    assert type(message_of(step, event)) is step.consumes


@pytest.mark.parametrize("step", PIPELINE, ids=lambda step: step.task_name)
def test_the_service_alone_names_the_step_of_a_dead_letter(step: Step) -> None:
    letter = {"id": "x", "task": step.task_name, "payload": golden(step.consumes.__name__), "reason": "y"}

    assert find_step(step.service, letter) == step
    assert type(message_of(step, letter)) is step.consumes


@pytest.mark.parametrize("step", PIPELINE, ids=lambda step: step.task_name)
def test_the_output_of_a_run_is_an_event_again(step: Step) -> None:
    message = message_of(step, golden(step.consumes.__name__))
    printed = read_event(json.dumps(as_event(step, message)))

    assert find_step(step.service, printed) == step
    assert message_of(step, printed) == message


def test_the_service_is_enough_if_the_fields_identify_the_step() -> None:
    assert find_step("render", golden("ArticlesEnriched")) == RENDER_ARTICLES
    assert find_step("render", golden("ListingsStale")) == RENDER_LISTINGS
    assert find_step("publish", golden("PagesRendered")) == PUBLISH_PAGES
    assert find_step("enrich", golden("ArticlesAccepted")) == ENRICH_ARTICLES


def test_an_event_may_omit_fields_with_a_default() -> None:
    written = {"message_id": "6f1c1b5e-8c0e-4f0e-9a55-0d3a1b2c3d4e", "site": "epn", "listings": {"home": 1}}

    assert find_step("render", written) == RENDER_LISTINGS
    with pytest.raises(UnusableEventError, match="message_id: Field required"):
        message_of(RENDER_LISTINGS, {"site": "epn", "listings": {"home": 1}})


def test_for_an_unknown_step_the_error_lists_the_steps() -> None:
    with pytest.raises(UnusableEventError) as refused:
        find_step("render.Articles", {})

    assert all(step.task_name in str(refused.value) for step in PIPELINE)


def test_for_an_ambiguous_event_the_error_lists_the_services_steps() -> None:
    with pytest.raises(UnusableEventError, match=r"fits none of the steps of render; .*render\.ListingsStale"):
        find_step("render", {"site": "epn"})
    with pytest.raises(UnusableEventError, match="fits none of the steps of publish"):
        find_step("publish", golden("ListingsStale"))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"site": "epn",}', "not JSON: .* at line 1, column"),
        ("", "not JSON"),
        ("[]", "not a JSON object"),
        ("7", "not a JSON object"),
        (b'{"site": "\xff"}', "not UTF-8"),
    ],
)
def test_an_event_that_is_no_json_object_is_refused_with_the_place(text: str | bytes, fault: str) -> None:
    with pytest.raises(UnusableEventError, match=fault):
        read_event(text)


def test_a_message_of_another_kind_is_refused_with_its_step() -> None:
    with pytest.raises(UnusableEventError, match=r"is for publish.PagesRendered, not for enrich.ArticlesAccepted"):
        message_of(ENRICH_ARTICLES, golden("PagesRendered"))
    letter = {"task": "publish.PagesRendered", "payload": golden("PagesRendered")}
    with pytest.raises(UnusableEventError, match=r"is for publish.PagesRendered, not for render.ArticlesEnriched"):
        message_of(RENDER_ARTICLES, letter)


def test_a_wrong_field_is_named() -> None:
    wrong = golden("ArticlesEnriched") | {"articles": [{"article": "a"}], "lane": "slow"}

    with pytest.raises(UnusableEventError) as refused:
        message_of(RENDER_ARTICLES, wrong)

    assert "articles.0.revision: Field required" in str(refused.value)
    assert "lane: Input should be" in str(refused.value)


def test_an_event_carries_the_objects_of_a_dry_run() -> None:
    message = message_of(ENRICH_ARTICLES, golden("ArticlesAccepted"))
    objects = {"articles/epn/a/r.json": b"{}", "x": bytes(range(256))}

    event = read_event(json.dumps(as_event(ENRICH_ARTICLES, message, objects)))

    assert objects_of(event) == objects
    assert message_of(ENRICH_ARTICLES, event) == message
    assert "objects" not in as_event(ENRICH_ARTICLES, message, {})
    assert objects_of(as_event(ENRICH_ARTICLES, message)) == {}


@pytest.mark.parametrize(
    "objects",
    [
        [],
        {"public/index.html": ""},
        {"content/": ""},
        {f"content/{'x' * 2000}": ""},
        {"content/x": "no base64!"},
        {"content/x": 3},
        {"content/x": "AAAA" * 6},
        {f"content/{number}": "" for number in range(4)},
    ],
)
def test_objects_of_an_event_are_bounded_and_checked(objects: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_events, "MAX_OBJECTS_BYTES", 12)
    monkeypatch.setattr(step_events, "_MAX_OBJECTS", 3)

    with pytest.raises(UnusableEventError):
        objects_of({"objects": objects})
