"""Bearer tokens: scopes, sites and feeds. Only hashes are stored; the token itself is shown once, when it is made."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from shared.runtime.errors import ObjectMissingError
from shared.site import keys
from shared.storage import ObjectStorage

_PREFIX = "prl_"
_MAX_TOKEN_CHARS = 200
_CACHE_TTL_SECONDS = 10.0  # a revoked token works for at most this time


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

    def allows(self, scope: Scope) -> bool:
        """Tell whether the token has the scope."""
        return scope in self.scopes

    def covers(self, site: str) -> bool:
        """Tell whether the token is valid for the site."""
        return site in self.sites


def mint(
    storage: ObjectStorage,
    *,
    name: str,
    scopes: Iterable[str],
    sites: Iterable[str],
    feeds: Iterable[str] = (),
    now: datetime,
) -> str:
    """Make a token, store its hash and rights, and return it; it cannot be shown again.

    Raises:
        ValueError: a scope does not exist.
        StorageUnavailableError: the token may not be stored, so do not use it.
    """
    token = _PREFIX + secrets.token_urlsafe(32)
    record = TokenRecord(
        name=name,
        scopes=frozenset(Scope(scope) for scope in scopes),
        sites=tuple(sites),
        feeds=tuple(feeds),
        created_at=now,
        sha256=_hash_of(token),
    )
    storage.put(keys.token_key(record.sha256), record.model_dump_json().encode(), unless_exists=True)
    return token


def find_token(storage: ObjectStorage, token: str) -> TokenRecord | None:
    """Return the rights of a token; None if it is unknown, revoked or no token of Pressline.

    Raises:
        StorageUnavailableError: the store does not answer.
    """
    if not _is_plausible(token):
        return None
    stored = storage.find(keys.token_key(_hash_of(token)))
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


def revoke(storage: ObjectStorage, sha_prefix: str) -> TokenRecord | None:
    """Delete the one token whose hash has this prefix and return it; None if no token or several have it."""
    found = [record for record in list_tokens(storage) if sha_prefix and record.sha256.startswith(sha_prefix)]
    if len(found) != 1:
        return None
    storage.delete(keys.token_key(found[0].sha256))
    return found[0]


class Tokens:
    """Looks tokens up, with a bounded cache of known and of unknown ones for a few seconds."""

    def __init__(
        self,
        storage: ObjectStorage,
        *,
        ttl_seconds: float = _CACHE_TTL_SECONDS,
        max_cached: int = 1_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._storage = storage
        self._ttl_seconds = ttl_seconds
        self._max_cached = max_cached
        self._clock = clock
        # Two caches: a flood of guessed tokens must not displace valid ones.
        self._known: dict[str, tuple[float, TokenRecord]] = {}
        self._unknown: dict[str, float] = {}

    def find(self, token: str) -> TokenRecord | None:
        """Return the rights of a token; None if it is unknown.

        Raises:
            StorageUnavailableError: the store does not answer, and the token is not in the cache.
        """
        if not _is_plausible(token):
            return None
        now, sha256 = self._clock(), _hash_of(token)
        known = self._known.get(sha256)
        if known and now < known[0]:
            return known[1]
        if now < self._unknown.get(sha256, float("-inf")):
            return None
        record = find_token(self._storage, token)
        self._cache(sha256, record, now + self._ttl_seconds)
        return record

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


def _hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
