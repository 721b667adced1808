"""Finds and replays dead letters. Each step may be repeated; the dead letter is deleted late."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice

from pydantic import ValidationError

from shared.messaging.messages import Batch, Message, SubmitArticles
from shared.messaging.pipeline import PIPELINE, WORKERS, Step
from shared.runtime import inbox
from shared.runtime.dead_letters import DeadLetter, subject_of
from shared.runtime.errors import PermanentError, PreconditionFailedError
from shared.runtime.quarantine import Quarantine
from shared.site import keys
from shared.storage import ObjectStorage

_DEAD_LETTERS_PER_PART = 200
_READER_THREADS = 8

STEPS = {step.task_name: step for step in PIPELINE}

Send = Callable[[Step, Iterable[Message]], None]
"""Sends messages to one step."""


class UnreplayableDeadLetterError(PermanentError):
    """This version does not know the message; the dead letter stays stored."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Selects the dead letters that match every given field."""

    ids: tuple[str, ...] = ()  # their first characters
    service: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def services(self) -> tuple[str, ...]:
        """Return the selected services."""
        return (self.service,) if self.service else WORKERS

    def may_match(self, key: str) -> bool:
        """Return whether a dead letter may match, by its key alone."""
        return not self.ids or keys.dead_letter_id(key).startswith(self.ids)

    def matches(self, dead_letter: DeadLetter) -> bool:
        """Return whether a dead letter whose key matches was stored in the selected time."""
        return (self.since is None or self.since <= dead_letter.buried_at) and (
            self.until is None or dead_letter.buried_at <= self.until
        )


@dataclass(frozen=True, slots=True)
class StoredDeadLetter:
    """A dead letter and its key."""

    key: str
    dead_letter: DeadLetter


def find_keys(content: ObjectStorage, selection: Selection, now: datetime) -> Iterator[str]:
    """Yield the keys that may match, the newest day first; one day is listed at a time."""
    firsts = [
        keys.dead_letter_day(first)
        for service in selection.services
        for first in content.list_keys(keys.dead_letters_prefix(service), limit=1)
    ]
    if not firsts:
        return
    first = max(min(firsts), selection.since.astimezone(UTC).date() if selection.since else date.min)
    day = (selection.until or now + timedelta(days=1)).astimezone(UTC).date()  # a writer's clock may be ahead of ours
    while day >= first:
        for service in selection.services:
            for key in content.list_keys(keys.dead_letters_prefix(service, day)):
                if selection.may_match(key):
                    yield key
        day -= timedelta(days=1)


def find_dead_letters(content: ObjectStorage, selection: Selection, now: datetime) -> Iterator[StoredDeadLetter]:
    """Yield the selected dead letters, the newest first within each part of a day; one part is in memory at a time."""
    found = find_keys(content, selection, now)
    with ThreadPoolExecutor(_READER_THREADS, thread_name_prefix="dead-letters") as readers:
        while part := list(islice(found, _DEAD_LETTERS_PER_PART)):
            dead_letters = [each for each in readers.map(lambda key: _read(content, key), part) if each is not None]
            dead_letters.sort(key=lambda each: each.dead_letter.buried_at, reverse=True)
            yield from (each for each in dead_letters if selection.matches(each.dead_letter))


def replay(stored: StoredDeadLetter, content: ObjectStorage, quarantine: Quarantine, send: Send) -> None:
    """Send a dead letter's message to the step that failed, under its own id; delete the dead letter.

    First write the journal marker or the inbox entry of the message again, so that the scheduler re-emits it after a
    crash. A stale listing needs neither. Delete the dead letter before the message is sent: if the message fails
    again at once, its new dead letter has the same key.

    Raises:
        UnreplayableDeadLetterError: this version does not know the message; the dead letter stays.
        OutageError: the store or Redis is down; the dead letter stays, and the same call may succeed later.
    """
    step, message = _message_of(stored.dead_letter)
    now, subject = datetime.now(UTC), subject_of(stored.dead_letter)
    if isinstance(message, SubmitArticles):
        inbox.put_replayed(content, message)
    if subject is not None:
        if isinstance(subject.version, str):
            marker = keys.journal_key(subject.site, now, subject.name, subject.version, message.lane)
            content.put(marker, b"", content_type="text/plain")
        quarantine.release(subject.site, subject.name)
    content.delete(stored.key)
    without_run = (
        {"run": ""} if isinstance(message, Batch) else {}
    )  # its run may have ended, and messages of an ended run are dropped
    try:
        send(step, [message.model_copy(update=without_run)])
    except BaseException:  # Ctrl-C too
        with suppress(PreconditionFailedError):
            content.put(stored.key, stored.dead_letter.as_json(), unless_exists=True)
        raise


def _message_of(dead_letter: DeadLetter) -> tuple[Step, Message]:
    step = STEPS.get(dead_letter.task)
    if step is None:
        raise UnreplayableDeadLetterError(f"there is no task {dead_letter.task}")
    try:
        return step, step.consumes.model_validate(dead_letter.payload)
    except ValidationError as error:
        raise UnreplayableDeadLetterError(
            f"its payload is no {step.consumes.__name__}: {error.errors()[0]['msg']}"
        ) from error


def _read(content: ObjectStorage, key: str) -> StoredDeadLetter | None:
    found = content.find(key)  # None: replayed or dropped since it was listed
    return StoredDeadLetter(key, DeadLetter.model_validate(json.loads(found.body))) if found else None
