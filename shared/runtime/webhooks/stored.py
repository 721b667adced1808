"""Subscribers, their positions and their dead letters in the content bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice

import structlog
from pydantic import BaseModel, SecretStr, ValidationError

from shared.runtime.errors import PreconditionFailedError, StorageConflictError
from shared.runtime.event_log import Position, position_of
from shared.runtime.webhooks import (
    MAX_SUBSCRIBERS,
    SigningSecret,
    Subscriber,
    SubscriberExistsError,
    SubscriberUnknownError,
    WebhookDeadLetter,
)
from shared.site import keys
from shared.storage import Etag, ObjectStorage

log = structlog.get_logger()

_MAX_ATTEMPTS = 8
_MAX_SECRETS = 3
_ID_CHARS = 8  # of a message's id, in the id of its dead letter


class _StoredPosition(BaseModel):
    """The position that a receiver has reached, in the content bucket."""

    schema_version: int = 1
    position: str


def webhook_receiver(subscriber: str) -> str:
    """Return the name of a subscriber among the receivers of status events."""
    return f"webhook-{subscriber}"


class Subscribers:
    """The subscribers in the content bucket."""

    def __init__(self, content: ObjectStorage) -> None:
        self._content = content

    def list_all(self) -> list[Subscriber]:
        """Return all subscribers by name, without those that cannot be read."""
        found = []
        for key in islice(self._content.list_keys(keys.WEBHOOKS_PREFIX), MAX_SUBSCRIBERS):
            try:
                if subscriber := self.find(keys.subscriber_of(key)):
                    found.append(subscriber)
            except ValidationError as error:
                log.error("subscriber.unreadable", key=key, reason=_without_values(error))  # noqa: TRY400
        return found

    def find(self, name: str) -> Subscriber | None:
        """Return a subscriber, or None."""
        found = self._content.find(keys.webhook_key(name))
        return Subscriber.model_validate_json(found.body) if found else None

    def get(self, name: str) -> Subscriber:
        """Return a subscriber.

        Raises:
            SubscriberUnknownError: there is none of this name.
        """
        found = self.find(name)
        if found is None:
            raise SubscriberUnknownError(f"there is no subscriber {name!a}")
        return found

    def add(self, subscriber: Subscriber, position: Position) -> None:
        """Store a new subscriber that gets the events after a position.

        Raises:
            SubscriberExistsError: the name is taken, or there are 64 subscribers.
        """
        if sum(1 for _ in self._content.list_keys(keys.WEBHOOKS_PREFIX, limit=MAX_SUBSCRIBERS)) >= MAX_SUBSCRIBERS:
            raise SubscriberExistsError(f"there are {MAX_SUBSCRIBERS} subscribers, as many as allowed")
        self.require_free(subscriber.name)
        store_position(self._content, webhook_receiver(subscriber.name), position)
        try:
            self._put(subscriber, unless_exists=True)
        except PreconditionFailedError as error:
            raise SubscriberExistsError(f"there is a subscriber {subscriber.name} already") from error

    def require_free(self, name: str) -> None:
        """Return if no subscriber has the name.

        Raises:
            SubscriberExistsError: one has it.
        """
        if self.find(name) is not None:
            raise SubscriberExistsError(f"there is a subscriber {name} already")

    def rotate(self, name: str, secret: SecretStr, *, now: datetime, grace: timedelta) -> Subscriber:
        """Add a new secret; the present one stays valid for the grace, and requests carry both signatures.

        Raises:
            SubscriberUnknownError: there is none of this name.
        """

        def step(subscriber: Subscriber) -> Subscriber:
            valid = [each for each in subscriber.secrets if each.expires_at is None or each.expires_at > now]
            old = [each.model_copy(update={"expires_at": each.expires_at or now + grace}) for each in valid]
            return subscriber.model_copy(update={"secrets": (SigningSecret(value=secret), *old)[:_MAX_SECRETS]})

        return self._change(name, step)

    def pause(self, name: str, reason: str, now: datetime) -> Subscriber:
        """Pause the deliveries; events wait.

        Raises:
            SubscriberUnknownError: there is none of this name.
        """
        return self._change(name, lambda found: found.model_copy(update={"paused_at": now, "pause_reason": reason}))

    def resume(self, name: str) -> Subscriber:
        """Resume the deliveries with the first event that was not delivered.

        Raises:
            SubscriberUnknownError: there is none of this name.
        """
        return self._change(name, lambda found: found.model_copy(update={"paused_at": None, "pause_reason": None}))

    def remove(self, name: str) -> None:
        """Delete a subscriber and its position; its dead letters stay.

        Raises:
            SubscriberUnknownError: there is none of this name.
        """
        self.get(name)
        self._content.delete(keys.webhook_key(name))
        self._content.delete(keys.relay_checkpoint_key(webhook_receiver(name)))

    def _change(self, name: str, step: Callable[[Subscriber], Subscriber]) -> Subscriber:
        for _ in range(_MAX_ATTEMPTS):
            found = self._content.find(keys.webhook_key(name))
            if found is None:
                raise SubscriberUnknownError(f"there is no subscriber {name!a}")
            changed = step(Subscriber.model_validate_json(found.body))
            try:
                self._put(changed, if_etag=found.etag)
            except (PreconditionFailedError, StorageConflictError):
                continue
            return changed
        raise StorageConflictError(keys.webhook_key(name))

    def _put(self, subscriber: Subscriber, *, unless_exists: bool = False, if_etag: Etag | None = None) -> None:
        body = subscriber.model_dump_json(indent=1).encode()
        self._content.put(keys.webhook_key(subscriber.name), body, unless_exists=unless_exists, if_etag=if_etag)


def store_position(content: ObjectStorage, receiver: str, position: Position) -> None:
    """Store the position that a receiver has reached."""
    body = _StoredPosition(position=str(position)).model_dump_json().encode()
    content.put(keys.relay_checkpoint_key(receiver), body)


def find_position(content: ObjectStorage, receiver: str) -> Position | None:
    """Return the stored position of a receiver, or None."""
    found = content.find(keys.relay_checkpoint_key(receiver))
    return position_of(_StoredPosition.model_validate_json(found.body).position) if found else None


def store_dead_letter(content: ObjectStorage, dead_letter: WebhookDeadLetter) -> None:
    """Store a dead letter of a subscriber.

    Raises:
        StorageUnavailableError: it is not stored, so the event must not be given up.
    """
    key = keys.webhook_dead_letter_key(dead_letter.subscriber, dead_letter.id)
    content.put(key, dead_letter.model_dump_json(indent=1).encode())


def find_dead_letter(content: ObjectStorage, subscriber: str, dead_letter: str) -> WebhookDeadLetter | None:
    """Return a dead letter of a subscriber, or None."""
    found = content.find(keys.webhook_dead_letter_key(subscriber, dead_letter))
    return WebhookDeadLetter.model_validate_json(found.body) if found else None


def delete_dead_letter(content: ObjectStorage, dead_letter: WebhookDeadLetter) -> None:
    """Delete a dead letter; a missing one is no error."""
    content.delete(keys.webhook_dead_letter_key(dead_letter.subscriber, dead_letter.id))


def dead_letters_of(content: ObjectStorage, subscriber: str, *, limit: int) -> Iterator[WebhookDeadLetter]:
    """Yield at most `limit` dead letters of a subscriber, oldest first."""
    for key in content.list_keys(keys.webhook_dead_letters_prefix(subscriber), limit=limit):
        try:
            found = find_dead_letter(content, subscriber, keys.webhook_dead_letter_of(key))
        except ValidationError as error:
            log.error("dead_letter.unreadable", key=key, reason=_without_values(error))  # noqa: TRY400
            continue
        if found:
            yield found


def dead_letter_ids(content: ObjectStorage, subscriber: str) -> Iterator[str]:
    """Yield the ids of all dead letters of a subscriber, oldest first, by their keys alone."""
    for key in content.list_keys(keys.webhook_dead_letters_prefix(subscriber)):
        yield keys.webhook_dead_letter_of(key)


def dead_letter_id(at: datetime, message: str) -> str:
    """Return the id of a dead letter; ids sort by time."""
    return f"{at:%Y%m%dT%H%M%SZ}-{message.removeprefix('msg_')[:_ID_CHARS]}"


def _without_values(error: ValidationError) -> str:
    """Return the places of the faults: the values may be secrets."""
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['type']}" for each in error.errors())
