"""The event of a step that is run by hand: the choice of the step, and the message in the event."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from shared.messaging.messages import Message
from shared.messaging.pipeline import PIPELINE, Step
from shared.runtime.errors import PermanentError

RUN_STEP = "run-step"
"""The first argument of `python -m services.<service>` to run one step by hand."""

MAX_OBJECTS_BYTES = 64 * 1024 * 1024  # of all objects that an event carries, decoded
_MAX_OBJECTS = 2_000  # that an event carries
_MAX_KEY_CHARACTERS = 1_024  # S3's own limit
_MAX_FAULTS = 5
_MAX_ERROR_CHARACTERS = 64 * 1024  # of the errors of one event: their end has the reason
_BUCKET = "content/"  # before the key of each object: only the content bucket's objects travel


class UnusableEventError(PermanentError):
    """The event or the name of the step cannot be used; the text gives the operator the reason."""


def read_event(text: str | bytes) -> dict[str, Any]:
    """Return the event as an object: a message, or a `payload` and its `task` (a dead letter, a follow-up).

    Raises:
        UnusableEventError: it is not JSON, or not an object.
    """
    try:
        event = json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise UnusableEventError(f"the event is not JSON: {error.msg} at {where}") from error
    except UnicodeDecodeError as error:
        raise UnusableEventError(f"the event is not UTF-8: {error.reason} at byte {error.start}") from error
    if not isinstance(event, dict):
        raise UnusableEventError("the event is not a JSON object; pass one message")
    return event


def find_step(name: str, event: dict[str, Any]) -> Step:
    """Return the step with this task name, or the step of this service that consumes the event.

    Raises:
        UnusableEventError: no such step exists, or the event fits none or several of the service's steps.
    """
    own = [step for step in PIPELINE if name in (step.task_name, step.service)]
    if not own:
        raise UnusableEventError(f"there is no step {name!r}; the steps are {_names(PIPELINE)}")
    if len(own) == 1:
        return own[0]
    possible = [step for step in own if step in _possible_steps(event)]
    if len(possible) != 1:
        count = "more than one" if possible else "none"
        message = f"the event fits {count} of the steps of {name}; name the step: {_names(possible or own)}"
        raise UnusableEventError(message)
    return possible[0]


def message_of(step: Step, event: dict[str, Any]) -> Message:
    """Return the message of an event for a step.

    Raises:
        UnusableEventError: the event has another kind of message, or none.
    """
    possible = _possible_steps(event)
    if possible and step not in possible:
        raise UnusableEventError(f"the event is for {_names(possible)}, not for {step.task_name}")
    try:
        return step.consumes.model_validate(_payload_of(event))
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, each['loc'])) or 'event'}: {each['msg']}" for each in error.errors()]
        message = f"the event is not a valid {step.consumes.__name__}: {'; '.join(faults[:_MAX_FAULTS])}"
        raise UnusableEventError(message) from error


def as_event(step: Step, message: Message, objects: Mapping[str, bytes] | None = None) -> dict[str, Any]:
    """Return a message to a step as an event for a run by hand.

    `objects`: those that dry runs wrote into the content bucket, by key. The event carries them in base64.
    """
    payload = message.model_dump(mode="json")
    event: dict[str, Any] = {"task": step.task_name, "queue": step.queue(message.lane), "payload": payload}
    if objects:
        event["objects"] = {f"{_BUCKET}{key}": base64.b64encode(body).decode() for key, body in objects.items()}
    return event


def as_end(exit_code: int, errors: str) -> dict[str, Any]:
    """Return the line after the follow-ups of one event of several."""
    return {"exit_code": exit_code, "errors": errors[-_MAX_ERROR_CHARACTERS:]}


def find_end(event: Mapping[str, Any]) -> tuple[int, str] | None:
    """Return the exit code and the errors of the line `as_end`; None for a follow-up."""
    return (int(event["exit_code"]), str(event["errors"])) if "exit_code" in event else None


def objects_of(event: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the objects of the content bucket that an event carries, by key.

    Raises:
        UnusableEventError: the objects are not base64 by key, are of another bucket, or exceed a limit.
    """
    carried = event.get("objects", {})
    if not isinstance(carried, dict) or len(carried) > _MAX_OBJECTS:
        raise UnusableEventError(f"`objects` of the event must hold at most {_MAX_OBJECTS} objects by key")
    found, size_bytes = dict[str, bytes](), 0
    for name, text in carried.items():
        if not name.startswith(_BUCKET) or not len(_BUCKET) < len(name) <= _MAX_KEY_CHARACTERS:
            raise UnusableEventError(f"each name in `objects` of the event must begin with {_BUCKET}")
        size_bytes += len(text) * 3 // 4 if isinstance(text, str) else 0
        if size_bytes > MAX_OBJECTS_BYTES:
            raise UnusableEventError(f"the objects of the event are larger than {MAX_OBJECTS_BYTES} bytes")
        try:
            found[name.removeprefix(_BUCKET)] = base64.b64decode(text, validate=True)
        except (binascii.Error, TypeError, ValueError) as error:
            raise UnusableEventError("an object of the event is not base64") from error
    return found


def _payload_of(event: dict[str, Any]) -> dict[str, Any]:
    payload = event.get("payload")
    return payload if isinstance(payload, dict) else event


def _possible_steps(event: dict[str, Any]) -> list[Step]:
    """Return the possible steps of an event: by its task, else by its fields.

    Several kinds of messages may have all of the fields; a kind with exactly these fields is preferred.
    """
    if _payload_of(event) is not event and "task" in event:
        return [step for step in PIPELINE if step.task_name == event["task"]]
    payload = _payload_of(event)
    exact = [step for step in PIPELINE if {*payload} == {*step.consumes.model_fields}]
    return exact or [step for step in PIPELINE if _is_valid(step, payload)]


def _is_valid(step: Step, payload: dict[str, Any]) -> bool:
    """Tell whether a payload is valid for a step and has no fields that its message lacks."""
    if not {*payload} <= {*step.consumes.model_fields}:
        return False
    try:
        step.consumes.model_validate(payload)
    except ValidationError:
        return False
    return True


def _names(steps: Iterable[Step]) -> str:
    return ", ".join(step.task_name for step in steps)
