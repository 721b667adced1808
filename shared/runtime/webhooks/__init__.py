"""Webhooks: servers of others that get status events, the state of their deliveries, and their dead letters."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from urllib.parse import urlsplit

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr, field_serializer, field_validator

from shared.runtime.errors import PermanentError
from shared.runtime.event_log import ANNOUNCED_STATUSES, Position, StatusEvent, position_of
from shared.runtime.receipts import ReceiptStatus

MAX_SUBSCRIBERS = 64
MAX_URL_CHARS = 2_000
SECRET_PREFIX = "whsec_"  # noqa: S105 -- of every secret (Standard Webhooks)
_MIN_SECRET_BYTES, _MAX_SECRET_BYTES = 24, 64  # as Standard Webhooks recommends
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_ID_CHARS = 26


class SubscriberUnknownError(PermanentError):
    """There is no subscriber of this name."""


class SubscriberExistsError(PermanentError):
    """Another subscriber has this name, or there are as many as allowed."""


class SigningSecret(BaseModel):
    """A secret that both sides know. HMAC needs the secret itself, so it is stored."""

    model_config = ConfigDict(frozen=True)

    value: SecretStr
    expires_at: AwareDatetime | None = None  # after a rotation: the end of the time in which both are valid

    @field_serializer("value", when_used="json")
    def _as_text(self, value: SecretStr) -> str:
        return value.get_secret_value()

    @field_validator("value")
    @classmethod
    def _is_a_secret(cls, value: SecretStr) -> SecretStr:
        signing_key(value)
        return value


class Subscriber(BaseModel):
    """A server that gets status events by HTTP POST."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: int = 1
    name: str = Field(pattern=f"^{_NAME.pattern}$")
    url: str = Field(max_length=MAX_URL_CHARS)
    sites: tuple[str, ...] = ()  # empty: all
    statuses: tuple[ReceiptStatus, ...] = ()  # empty: all that are announced
    secrets: tuple[SigningSecret, ...] = Field(min_length=1)  # the newest first
    created_at: AwareDatetime
    paused_at: AwareDatetime | None = None
    pause_reason: str | None = None

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        return checked_url(url)

    @field_validator("statuses")
    @classmethod
    def _are_announced(cls, statuses: tuple[ReceiptStatus, ...]) -> tuple[ReceiptStatus, ...]:
        if unknown := sorted(set(statuses) - ANNOUNCED_STATUSES):
            raise ValueError(f"no event has the status {unknown[0]}; the events are {', '.join(announced_names())}")
        return statuses

    def wants(self, event: StatusEvent) -> bool:
        """Tell whether the subscriber gets an event."""
        is_site = not self.sites or event.site in self.sites
        return is_site and (not self.statuses or event.status in self.statuses)

    def valid_secrets(self, now: datetime) -> list[SecretStr]:
        """Return the secrets to sign with, the newest first."""
        return [each.value for each in self.secrets if each.expires_at is None or each.expires_at > now]


class DeliveryState(BaseModel):
    """The progress of the deliveries to one receiver, in Redis; the bucket has the position too."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    position: str
    attempts: int = 0  # failed ones of the next event
    failing_since: AwareDatetime | None = None
    next_attempt_at: AwareDatetime | None = None
    last_success_at: AwareDatetime | None = None
    last_failure: str | None = None  # of the last attempt that failed: the status or the error, for the operator
    stored_at: AwareDatetime | None = None  # when the bucket got the position

    @property
    def place(self) -> Position | None:
        """Return the position, or None if its text is none."""
        return position_of(self.position)


class DeliveryStates(Protocol):
    """The states of all receivers in Redis."""

    def find(self, receiver: str) -> DeliveryState | None:
        """Return the state, or None if Redis has none.

        Raises:
            RedisUnavailableError: Redis does not answer.
        """
        ...

    def save(self, receiver: str, state: DeliveryState) -> None:
        """Store the state.

        Raises:
            RedisUnavailableError: Redis does not accept it now.
        """
        ...

    def delete(self, receiver: str) -> None:
        """Delete the state.

        Raises:
            RedisUnavailableError: Redis does not accept it now.
        """
        ...


class WebhookDeadLetter(BaseModel):
    """An event that a subscriber did not take."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: int = 1
    id: str
    subscriber: str
    event: StatusEvent
    attempts: int
    reason: str  # the last answer or error
    answer: str = ""  # the beginning of the last answer's body
    stored_at: AwareDatetime


def checked_url(url: str) -> str:
    """Return the URL of a receiver.

    Raises:
        ValueError: it is no absolute HTTP URL, or it has a user name, a password or a fragment.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError("the URL cannot be parsed") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise ValueError("the URL begins with https:// or http:// and a host name")
    if parts.username or parts.password or parts.fragment:
        raise ValueError("the URL has no user name, no password and no fragment")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("the URL has only printable ASCII characters; percent-encode the others")
    return url


def signing_key(secret: SecretStr) -> bytes:
    """Return the key of a secret `whsec_…`.

    Raises:
        ValueError: it is no secret, or it has not between 24 and 64 bytes.
    """
    text = secret.get_secret_value()
    try:
        key = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("the secret is whsec_ and base64") from error
    if not text.startswith(SECRET_PREFIX) or not _MIN_SECRET_BYTES <= len(key) <= _MAX_SECRET_BYTES:
        raise ValueError(f"the secret is whsec_ and base64 of {_MIN_SECRET_BYTES} to {_MAX_SECRET_BYTES} bytes")
    return key


def secret_of(key: bytes) -> SecretStr:
    """Return the secret `whsec_…` of a key."""
    return SecretStr(SECRET_PREFIX + base64.b64encode(key).decode())


def message_id(event: StatusEvent) -> str:
    """Return the `webhook-id` of an event: equal for each delivery, so that the subscriber finds repetitions."""
    digest = hashlib.sha256(f"{event.receipt} {event.status.value}".encode()).digest()
    return "msg_" + base64.b32encode(digest).decode().lower()[:_ID_CHARS]


def announced_names() -> Sequence[str]:
    """Return the statuses that become events, in the order of `ReceiptStatus`."""
    return [status.value for status in ReceiptStatus if status in ANNOUNCED_STATUSES]
