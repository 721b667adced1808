"""The secrets with which a feed's sender signs its requests (Superdesk's HTTP push, Ghost's webhooks).

A signature needs the secret itself, so it is stored as it is, in the private content bucket and never in a site's TOML.
A feed has up to two secrets, so that a new one works before the sender changes to it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.site import keys
from shared.storage import ObjectStorage

MIN_SECRET_CHARS = 8
MAX_SECRET_CHARS = 500
_MAX_SECRETS = 2
_RANDOM_BYTES = 32
_CACHE_TTL_SECONDS = 10.0  # a removed secret works for at most this time
_MAX_CACHED = 1_000


class FeedSecret(BaseModel):
    """A secret and the time of its creation."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    secret: str = Field(repr=False)
    created_at: AwareDatetime


class FeedSecretList(BaseModel):
    """The secrets of a feed, oldest first."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    secrets: tuple[FeedSecret, ...] = ()


def list_secrets(storage: ObjectStorage, site: str, feed: str) -> tuple[FeedSecret, ...]:
    """Return the secrets of a feed, oldest first.

    Raises:
        StorageUnavailableError: the store does not answer.
    """
    found = storage.find(keys.feed_secrets_key(site, feed))
    return FeedSecretList.model_validate_json(found.body).secrets if found else ()


def add_secret(storage: ObjectStorage, site: str, feed: str, *, secret: str | None, now: datetime) -> str:
    """Store a secret beside the newest one and return it; without one, make it.

    Raises:
        ValueError: the secret is too short, too long, or has white space around it.
        StorageUnavailableError: the secret may not be stored.
    """
    chosen = secret if secret is not None else secrets.token_urlsafe(_RANDOM_BYTES)
    if not MIN_SECRET_CHARS <= len(chosen) <= MAX_SECRET_CHARS or chosen != chosen.strip():
        raise ValueError(
            f"a secret has {MIN_SECRET_CHARS} to {MAX_SECRET_CHARS} characters and no white space around them"
        )
    kept = [each for each in list_secrets(storage, site, feed) if each.secret != chosen]
    stored = FeedSecretList(secrets=(*kept[1 - _MAX_SECRETS :], FeedSecret(secret=chosen, created_at=now)))
    storage.put(keys.feed_secrets_key(site, feed), stored.model_dump_json().encode())
    return chosen


def keep_newest(storage: ObjectStorage, site: str, feed: str) -> int:
    """Remove all secrets of a feed except the newest; return the number of removed ones."""
    known = list_secrets(storage, site, feed)
    if len(known) > 1:
        stored = FeedSecretList(secrets=known[-1:])
        storage.put(keys.feed_secrets_key(site, feed), stored.model_dump_json().encode())
    return max(0, len(known) - 1)


def remove_secrets(storage: ObjectStorage, site: str, feed: str) -> int:
    """Remove all secrets of a feed, so that it accepts no signed request; return their number."""
    known = list_secrets(storage, site, feed)
    storage.delete(keys.feed_secrets_key(site, feed))
    return len(known)


class FeedSecrets:
    """Looks secrets up, with a bounded cache for a few seconds."""

    def __init__(
        self,
        storage: ObjectStorage,
        *,
        ttl_seconds: float = _CACHE_TTL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._storage = storage
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._known: dict[tuple[str, str], tuple[float, tuple[str, ...]]] = {}

    def find(self, site: str, feed: str) -> tuple[str, ...]:
        """Return the secrets of a feed of a configured site; none if it accepts no signed request.

        Raises:
            StorageUnavailableError: the store does not answer, and the feed is not in the cache.
        """
        now = self._clock()
        known = self._known.get((site, feed))
        if known and now < known[0]:
            return known[1]
        found = tuple(each.secret for each in list_secrets(self._storage, site, feed))
        for oldest in list(self._known)[: max(0, len(self._known) - _MAX_CACHED + 1)]:
            self._known.pop(oldest, None)
        self._known[site, feed] = (now + self._ttl_seconds, found)
        return found
