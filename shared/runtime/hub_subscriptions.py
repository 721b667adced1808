"""Subscriptions of polled feeds at WebSub hubs, in the content bucket: made by the relay, used by the endpoint."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.runtime.errors import PreconditionFailedError, StorageConflictError, StorageUnavailableError
from shared.site import keys
from shared.storage import ObjectStorage

CALLBACK_PATH = "/v1/websub/"
MAX_TOPIC_CHARS = 2_000
ID_PATTERN = r"^[A-Za-z0-9_-]{43}$"  # 256 random bits
_ID = re.compile(ID_PATTERN)
_ALGORITHMS = frozenset({"sha1", "sha256", "sha384", "sha512"})  # WebSub, 8
_MIN_LEASE, _MAX_LEASE = timedelta(minutes=5), timedelta(days=30)
_MAX_ATTEMPTS = 5
_DELIVERY_NOTED = timedelta(minutes=1)  # a later delivery within this time is not noted


class HubSubscription(BaseModel):
    """A subscription to one topic at one hub; its id is secret, because it is the address of the callback."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: int = 1
    id: str = Field(pattern=ID_PATTERN, repr=False)
    site: str
    feed: str
    hub: str
    topic: str = Field(max_length=MAX_TOPIC_CHARS)
    secret: str = Field(repr=False)  # HMAC needs the secret itself, so it is stored
    requested_at: AwareDatetime
    lease_ends_at: AwareDatetime | None = None  # None: the hub has not verified it yet
    delivered_at: AwareDatetime | None = None
    denied_reason: str | None = None

    def is_signed(self, header: str, body: bytes) -> bool:
        """Tell whether X-Hub-Signature (`sha256=…`) is the HMAC of the exact bytes with the secret."""
        algorithm, _, digest = header.strip().partition("=")
        if algorithm.lower() not in _ALGORITHMS or not digest.isascii():
            return False
        expected = hmac.new(self.secret.encode(), body, getattr(hashlib, algorithm.lower())).hexdigest()
        return hmac.compare_digest(expected, digest.lower())

    def is_active(self, now: datetime) -> bool:
        """Tell whether the hub has verified the subscription and its lease has not ended."""
        return self.lease_ends_at is not None and now < self.lease_ends_at


class HubSubscriptions:
    """The subscriptions in the content bucket."""

    def __init__(self, content: ObjectStorage) -> None:
        self._content = content

    def find(self, subscription: str) -> HubSubscription | None:
        """Return a subscription by id, or None.

        Raises:
            StorageUnavailableError: the store does not answer.
        """
        if not _ID.match(subscription):
            return None
        found = self._content.find(keys.hub_subscription_key(subscription))
        return HubSubscription.model_validate_json(found.body) if found else None

    def put(self, subscription: HubSubscription) -> None:
        """Store a new or renewed subscription.

        Raises:
            StorageUnavailableError: the store does not accept it now.
        """
        self._content.put(keys.hub_subscription_key(subscription.id), subscription.model_dump_json(indent=1).encode())

    def remove(self, subscription: str) -> None:
        """Delete a subscription, so that its callback answers 410."""
        self._content.delete(keys.hub_subscription_key(subscription))

    def verify(self, subscription: HubSubscription, lease_seconds: int, now: datetime) -> None:
        """Store the lease that the hub grants, within five minutes to thirty days."""
        lease = min(max(timedelta(seconds=lease_seconds), _MIN_LEASE), _MAX_LEASE)
        self._change(subscription.id, {"lease_ends_at": now + lease, "denied_reason": None})

    def deny(self, subscription: HubSubscription, reason: str) -> None:
        """Store the hub's refusal."""
        self._change(subscription.id, {"lease_ends_at": None, "denied_reason": reason[:200]})

    def note_delivery(self, subscription: HubSubscription, now: datetime) -> None:
        """Store the time of a delivery, at most once a minute."""
        if subscription.delivered_at is None or now - subscription.delivered_at > _DELIVERY_NOTED:
            self._change(subscription.id, {"delivered_at": now})

    def _change(self, subscription: str, update: dict[str, object]) -> None:
        """Change some fields; a subscription that was removed stays removed."""
        key = keys.hub_subscription_key(subscription)
        for _ in range(_MAX_ATTEMPTS):
            found = self._content.find(key)
            if found is None:
                return
            changed = HubSubscription.model_validate_json(found.body).model_copy(update=update)
            try:
                self._content.put(key, changed.model_dump_json(indent=1).encode(), if_etag=found.etag)
            except (PreconditionFailedError, StorageConflictError):
                continue
            return
        raise StorageUnavailableError("other writers change the subscription all the time")
