"""Bearer tokens: scopes, sites, feeds, expiry and rate. Only hashes are stored; the token itself is shown once.

Each change of a token is first written to the audit log. So no token exists or ends without an entry there.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from shared.runtime import audit
from shared.runtime.audit import AuditEntry, AuditEvent
from shared.runtime.errors import ObjectMissingError, PreconditionFailedError, StorageConflictError
from shared.site import keys
from shared.storage import ObjectStorage

_PREFIX = "prl_"
_MAX_TOKEN_CHARS = 200
_CACHE_TTL_SECONDS = 10.0  # a revoked token works for at most this time
HASH_BEGINS_CHARS = 12  # of a hash in lists and logs
DEFAULT_GRACE = timedelta(hours=24)  # of a rotated token


class Scope(StrEnum):
    """The rights of a token."""

    PUBLISH = "publish"
    TAKEDOWN = "takedown"
    READ = "read"
    OPS = "ops"


class TokenRecord(BaseModel):
    """A token's rights, stored in the content bucket under its hash."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    scopes: frozenset[Scope]
    sites: tuple[str, ...]
    feeds: tuple[str, ...] = ()  # empty: the first feed of each site
    created_at: AwareDatetime
    sha256: str
    expires_at: AwareDatetime | None = None
    requests_per_minute: int | None = Field(default=None, ge=0)  # None: the setting of the endpoint; 0: no limit

    @property
    def hash_begins(self) -> str:
        """Return the beginning of the hash, which names the token in lists and logs."""
        return self.sha256[:HASH_BEGINS_CHARS]

    def is_expired(self, now: datetime) -> bool:
        """Tell whether the token's time is over."""
        return self.expires_at is not None and self.expires_at <= now

    def allows(self, scope: Scope) -> bool:
        """Tell whether the token has the scope."""
        return scope in self.scopes

    def covers(self, site: str) -> bool:
        """Tell whether the token is valid for the site."""
        return site in self.sites


def mint(  # noqa: PLR0913 -- each argument is a property of the token
    storage: ObjectStorage,
    *,
    name: str,
    scopes: Iterable[str],
    sites: Iterable[str],
    feeds: Iterable[str] = (),
    now: datetime,
    expires_at: datetime | None = None,
    requests_per_minute: int | None = None,
    by: str = "",
) -> str:
    """Make a token, store its hash and rights, and return it; it cannot be shown again.

    `by`: the operator, for the audit log.

    Raises:
        ValueError: a scope does not exist.
        StorageUnavailableError: the token may not be stored, so do not use it.
    """
    token, sha256 = _new_secret()
    record = TokenRecord(
        name=name,
        scopes=frozenset(Scope(scope) for scope in scopes),
        sites=tuple(sites),
        feeds=tuple(feeds),
        created_at=now,
        sha256=sha256,
        expires_at=expires_at,
        requests_per_minute=requests_per_minute,
    )
    _note(storage, AuditEvent.TOKEN_CREATED, record, by=by, now=now)
    storage.put(keys.token_key(sha256), record.model_dump_json().encode(), unless_exists=True)
    return token


def rotate(
    storage: ObjectStorage, sha_prefix: str, *, now: datetime, grace: timedelta = DEFAULT_GRACE, by: str = ""
) -> tuple[str, TokenRecord, TokenRecord] | None:
    """Make a successor of the one valid token whose hash has this prefix; return it, its record and the old record.

    The successor has the same name, scopes, sites, feeds, rate and lifetime. The old token works until the end of the
    grace, or until its own expiry if that is earlier. None if no valid token or several have the prefix.

    Raises:
        StorageConflictError: the old token was changed meanwhile. It is as the other change left it, and there is no
            successor.
        StorageUnavailableError: the old token may still be valid without end; run the command again.
    """
    chosen = _find_one(storage, sha_prefix)
    if chosen is None or chosen.is_expired(now):
        return None
    stored = storage.find(keys.token_key(chosen.sha256))
    if stored is None:
        return None  # it was revoked just now
    old = TokenRecord.model_validate_json(stored.body)
    token, sha256 = _new_secret()
    lifetime = old.expires_at - old.created_at if old.expires_at else None
    expiry = {"expires_at": now + lifetime if lifetime else None}
    successor = old.model_copy(update={"created_at": now, "sha256": sha256} | expiry)
    ending = old.model_copy(update={"expires_at": min(old.expires_at or now + grace, now + grace)})
    _note(storage, AuditEvent.TOKEN_ROTATED, ending, by=by, now=now, successor=successor.hash_begins)
    storage.put(keys.token_key(sha256), successor.model_dump_json().encode(), unless_exists=True)
    try:
        storage.put(keys.token_key(old.sha256), ending.model_dump_json().encode(), if_etag=stored.etag)
    except PreconditionFailedError as error:
        storage.delete(keys.token_key(sha256))
        raise StorageConflictError(keys.token_key(old.sha256)) from error
    return token, successor, ending


def find_token(storage: ObjectStorage, token: str) -> TokenRecord | None:
    """Return the rights of a token; None if it is unknown, revoked or no token of Pressline. It may be expired.

    Raises:
        StorageUnavailableError: the store does not answer.
    """
    if not _is_plausible(token):
        return None
    stored = storage.find(keys.token_key(hash_of(token)))
    return TokenRecord.model_validate_json(stored.body) if stored else None


def is_known(storage: ObjectStorage, token: str) -> bool:
    """Tell whether a token exists and is not revoked."""
    return find_token(storage, token) is not None


def list_tokens(storage: ObjectStorage) -> list[TokenRecord]:
    """Return the rights of all tokens, oldest first, without records that cannot be read."""
    records = []
    for key in storage.list_keys(keys.TOKENS_PREFIX):
        try:
            records.append(TokenRecord.model_validate_json(storage.get(key).body))
        except (ValidationError, ObjectMissingError):  # another program wrote it, or it was just revoked
            continue
    return sorted(records, key=lambda record: (record.created_at, record.sha256))


def revoke(storage: ObjectStorage, sha_prefix: str, *, now: datetime, by: str = "") -> TokenRecord | None:
    """Delete the one token whose hash has this prefix and return it; None if no token or several have it."""
    record = _find_one(storage, sha_prefix)
    if record is None:
        return None
    _note(storage, AuditEvent.TOKEN_REVOKED, record, by=by, now=now)
    storage.delete(keys.token_key(record.sha256))
    return record


def _find_one(storage: ObjectStorage, sha_prefix: str) -> TokenRecord | None:
    """Return the only token whose hash has this prefix."""
    found = [record for record in list_tokens(storage) if sha_prefix and record.sha256.startswith(sha_prefix)]
    return found[0] if len(found) == 1 else None


def _note(
    storage: ObjectStorage,
    event: AuditEvent,
    record: TokenRecord,
    *,
    by: str,
    now: datetime,
    successor: str | None = None,
) -> None:
    """Write an entry about a token to the audit log."""
    entry = AuditEntry(
        at=now,
        event=event,
        by=by,
        token=record.hash_begins,
        token_name=record.name,
        scopes=tuple(sorted(record.scopes)),
        sites=record.sites,
        feeds=record.feeds,
        expires_at=record.expires_at,
        successor=successor,
    )
    audit.note(storage, entry)


class Tokens:
    """Looks tokens up, with a bounded cache of known and of unknown ones for a few seconds."""

    def __init__(
        self,
        storage: ObjectStorage,
        *,
        ttl_seconds: float = _CACHE_TTL_SECONDS,
        max_cached: int = 1_000,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._storage = storage
        self._ttl_seconds = ttl_seconds
        self._max_cached = max_cached
        self._clock = clock
        self._now = now
        # Two caches: a flood of guessed tokens must not displace valid ones.
        self._known: dict[str, tuple[float, TokenRecord]] = {}
        self._unknown: dict[str, float] = {}

    def find(self, token: str) -> TokenRecord | None:
        """Return the rights of a token; None if it is unknown, revoked or expired.

        Raises:
            StorageUnavailableError: the store does not answer, and the token is not in the cache.
        """
        if not _is_plausible(token):
            return None
        now, sha256 = self._clock(), hash_of(token)
        known = self._known.get(sha256)
        if known and now < known[0]:
            return self._unless_expired(known[1])
        if now < self._unknown.get(sha256, float("-inf")):
            return None
        record = find_token(self._storage, token)
        self._cache(sha256, record, now + self._ttl_seconds)
        return self._unless_expired(record) if record else None

    def _unless_expired(self, record: TokenRecord) -> TokenRecord | None:
        return None if record.is_expired(self._now()) else record

    def _cache(self, sha256: str, record: TokenRecord | None, until: float) -> None:
        self._known.pop(sha256, None)
        self._unknown.pop(sha256, None)
        if record is None:
            _make_room(self._unknown, self._max_cached)
            self._unknown[sha256] = until
        else:
            _make_room(self._known, self._max_cached)
            self._known[sha256] = (until, record)


def _make_room(
    entries: dict[str, object] | dict[str, float] | dict[str, tuple[float, TokenRecord]], max_entries: int
) -> None:
    for oldest in list(entries)[: max(0, len(entries) - max_entries + 1)]:
        entries.pop(oldest, None)  # another thread may have removed it


def _is_plausible(token: str) -> bool:
    return token.startswith(_PREFIX) and len(token) <= _MAX_TOKEN_CHARS and token.isascii()


def _new_secret() -> tuple[str, str]:
    """Return a new token and its hash."""
    token = _PREFIX + secrets.token_urlsafe(32)
    return token, hash_of(token)


def hash_of(token: str) -> str:
    """Return the hash (SHA-256 in hex) that stands for a token in the store and in logs."""
    return hashlib.sha256(token.encode()).hexdigest()
