"""Dead letters: found, sent again, dropped. Every step may be repeated, and a letter goes last."""

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

_READ_AT_ONCE = 200
_READERS = 8

STEPS = {step.task_name: step for step in PIPELINE}

Send = Callable[[Step, Iterable[Message]], None]
"""Sends messages to one step."""


class UnreplayableDeadLetterError(PermanentError):
    """The letter's message is none that this version knows: it stays where it is."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which letters are meant: all that fit every part that is given."""

    ids: tuple[str, ...] = ()  # how they begin
    service: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def services(self) -> tuple[str, ...]:
        """Return the services whose letters are looked at."""
        return (self.service,) if self.service else WORKERS

    def may_fit(self, key: str) -> bool:
        """Tell, by its key alone, whether a letter may be meant."""
        return not self.ids or keys.dead_letter_id(key).startswith(self.ids)

    def fits(self, dead_letter: DeadLetter) -> bool:
        """Tell whether a letter is meant."""
        return (self.since is None or self.since <= dead_letter.buried_at) and (
            self.until is None or dead_letter.buried_at <= self.until
        )


@dataclass(frozen=True, slots=True)
class StoredDeadLetter:
    """A letter, and where it lies."""

    key: str
    dead_letter: DeadLetter


def find_keys(content: ObjectStorage, selection: Selection, now: datetime) -> Iterator[str]:
    """Yield the keys of the letters that may be meant, the newest day first; one day at a time is looked at."""
    firsts = [
        keys.dead_letter_day(first)
        for service in selection.services
        for first in content.list_keys(keys.dead_letters_prefix(service), limit=1)
    ]
    if not firsts:
        return
    first = max(min(firsts), selection.since.astimezone(UTC).date() if selection.since else date.min)
    day = (selection.until or now + timedelta(days=1)).astimezone(UTC).date()  # the clock that wrote them may be ahead
    while day >= first:
        for service in selection.services:
            for key in content.list_keys(keys.dead_letters_prefix(service, day)):
                if selection.may_fit(key):
                    yield key
        day -= timedelta(days=1)


def find_dead_letters(content: ObjectStorage, selection: Selection, now: datetime) -> Iterator[StoredDeadLetter]:
    """Yield the letters that are meant, the newest first (within some hundreds of a day); few are held at a time."""
    found = find_keys(content, selection, now)
    with ThreadPoolExecutor(_READERS, thread_name_prefix="letters") as readers:
        while part := list(islice(found, _READ_AT_ONCE)):
            dead_letters = [each for each in readers.map(lambda key: _read(content, key), part) if each is not None]
            dead_letters.sort(key=lambda each: each.dead_letter.buried_at, reverse=True)
            yield from (each for each in dead_letters if selection.fits(each.dead_letter))


def replay(kept: StoredDeadLetter, content: ObjectStorage, quarantine: Quarantine, send: Send) -> None:
    """Send a letter's message to the stage that failed, under its own id; the letter goes.

    First the bucket says again what the message stands for (a journal marker, an inbox entry; a stale listing is stale
    by itself), so that from then on the scheduler covers it, whatever is cut short. The letter goes before the message
    is sent: if that fails again at once, the letter then written is another one under the same key.

    Raises:
        UnreplayableLetterError: this version knows no such message; the letter stays.
        OutageError: the store or Redis is away; the letter stays, and the same call may be made again.
    """
    step, message = _message_of(kept.dead_letter)
    now, subject = datetime.now(UTC), subject_of(kept.dead_letter)
    if isinstance(message, SubmitArticles):
        inbox.put_again(content, message)
    if subject is not None:
        if isinstance(subject.version, str):
            marker = keys.journal_key(subject.site, now, subject.name, subject.version, message.lane)
            content.put(marker, b"", content_type="text/plain")
        quarantine.release(subject.site, subject.name)
    content.delete(kept.key)
    of_no_run = {"run": ""} if isinstance(message, Batch) else {}  # its run may have ended, which drops what it left
    try:
        send(step, [message.model_copy(update=of_no_run)])
    except BaseException:  # Ctrl-C too
        with suppress(PreconditionFailedError):
            content.put(kept.key, kept.dead_letter.as_json(), unless_exists=True)
        raise


def _message_of(dead_letter: DeadLetter) -> tuple[Step, Message]:
    step = STEPS.get(dead_letter.task)
    if step is None:
        raise UnreplayableDeadLetterError(f"no task is named {dead_letter.task}")
    try:
        return step, step.consumes.model_validate(dead_letter.payload)
    except ValidationError as error:
        raise UnreplayableDeadLetterError(
            f"its payload is no {step.consumes.__name__}: {error.errors()[0]['msg']}"
        ) from error


def _read(content: ObjectStorage, key: str) -> StoredDeadLetter | None:
    found = content.find(key)  # None: replayed or dropped meanwhile
    return StoredDeadLetter(key, DeadLetter.model_validate(json.loads(found.body))) if found else None
