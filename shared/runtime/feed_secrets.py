"""The secrets with which a feed's sender signs its requests (Superdesk's HTTP push, Ghost's webhooks).

A signature needs the secret itself, so it is stored as it is, in the private content bucket and never in a site's TOML.
A feed has up to two secrets, so that a new one works before the sender changes to it. Each change is first written to
the audit log.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, SecretStr, field_serializer

from shared.runtime import audit
from shared.runtime.audit import AuditEntry, AuditEvent
from shared.runtime.errors import PreconditionFailedError, StorageConflictError
from shared.site import keys
from shared.storage import Etag, ObjectStorage

MIN_SECRET_CHARS = 8
MAX_SECRET_CHARS = 500
_MAX_SECRETS = 2
_MAX_ATTEMPTS = 8
_RANDOM_BYTES = 32
_CACHE_TTL_SECONDS = 10.0  # a removed secret works for at most this time
_MAX_CACHED = 1_000


class FeedSecret(BaseModel):
    """A secret and the time of its creation."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    secret: SecretStr
    created_at: AwareDatetime

    @field_serializer("secret", when_used="json")
    def _as_text(self, value: SecretStr) -> str:
        return value.get_secret_value()


class FeedSecretList(BaseModel):
    """The secrets of a feed, oldest first."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    secrets: tuple[FeedSecret, ...] = ()


def list_secrets(storage: ObjectStorage, site: str, feed: str) -> tuple[FeedSecret, ...]:
    """Return the secrets of a feed, oldest first.

    Raises:
        StorageUnavailableError: the store does not answer.
    """
    return _read(storage, site, feed)[0]


def add_secret(
    storage: ObjectStorage, site: str, feed: str, *, secret: str | None, now: datetime, by: str = ""
) -> SecretStr:
    """Store a secret beside the newest one and return it; without one, make it. `by`: the operator.

    Raises:
        ValueError: the secret is too short, too long, or has white space around it.
        StorageConflictError: other operators change the secrets at the same time; nothing was stored.
        StorageUnavailableError: the secret may not be stored.
    """
    chosen = secret if secret is not None else secrets.token_urlsafe(_RANDOM_BYTES)
    if not MIN_SECRET_CHARS <= len(chosen) <= MAX_SECRET_CHARS or chosen != chosen.strip():
        raise ValueError(
            f"a secret has {MIN_SECRET_CHARS} to {MAX_SECRET_CHARS} characters and no white space around them"
        )
    added = FeedSecret(secret=SecretStr(chosen), created_at=now)

    def with_added(known: tuple[FeedSecret, ...]) -> tuple[FeedSecret, ...]:
        kept = [each for each in known if each.secret != added.secret]
        return (*kept[1 - _MAX_SECRETS :], added)

    _note(storage, AuditEvent.SECRET_ADDED, site, feed, now=now, by=by)
    _change(storage, site, feed, with_added)
    return added.secret


def keep_newest(storage: ObjectStorage, site: str, feed: str, *, now: datetime, by: str = "") -> int:
    """Remove all secrets of a feed except the newest; return the number of removed ones.

    Raises:
        StorageConflictError: as `add_secret`.
    """
    if len(list_secrets(storage, site, feed)) < _MAX_SECRETS:
        return 0
    _note(storage, AuditEvent.SECRET_REMOVED, site, feed, now=now, by=by)
    return max(0, len(_change(storage, site, feed, lambda known: known[-1:])) - 1)


def remove_secrets(storage: ObjectStorage, site: str, feed: str, *, now: datetime, by: str = "") -> int:
    """Remove all secrets of a feed, so that it accepts no signed request; return their number.

    Raises:
        StorageConflictError: as `add_secret`.
    """
    if not list_secrets(storage, site, feed):
        return 0
    _note(storage, AuditEvent.SECRET_REMOVED, site, feed, now=now, by=by)
    return len(_change(storage, site, feed, lambda _: ()))


def _read(storage: ObjectStorage, site: str, feed: str) -> tuple[tuple[FeedSecret, ...], Etag | None]:
    """Return the secrets of a feed, and the version of their object; None if there is no object."""
    found = storage.find(keys.feed_secrets_key(site, feed))
    return (FeedSecretList.model_validate_json(found.body).secrets, found.etag) if found else ((), None)


def _change(
    storage: ObjectStorage,
    site: str,
    feed: str,
    step: Callable[[tuple[FeedSecret, ...]], tuple[FeedSecret, ...]],
) -> tuple[FeedSecret, ...]:
    """Store the result of a step on the present secrets, and return those before it."""
    key = keys.feed_secrets_key(site, feed)
    for _ in range(_MAX_ATTEMPTS):
        known, etag = _read(storage, site, feed)
        body = FeedSecretList(secrets=step(known)).model_dump_json().encode()
        try:
            storage.put(key, body, if_etag=etag, unless_exists=etag is None)
        except (PreconditionFailedError, StorageConflictError):  # another operator changed them
            continue
        return known
    raise StorageConflictError(key)


def _note(storage: ObjectStorage, event: AuditEvent, site: str, feed: str, *, now: datetime, by: str) -> None:
    audit.note(storage, AuditEntry(at=now, event=event, by=by, sites=(site,), feeds=(feed,)))


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
        self._known: dict[tuple[str, str], tuple[float, tuple[SecretStr, ...]]] = {}

    def find(self, site: str, feed: str) -> tuple[SecretStr, ...]:
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
