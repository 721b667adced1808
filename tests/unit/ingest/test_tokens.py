from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.runtime import audit
from shared.runtime.audit import AuditEvent
from shared.runtime.errors import StorageConflictError, StorageUnavailableError
from shared.runtime.tokens import (
    Scope,
    TokenRecord,
    Tokens,
    find_token,
    hash_of,
    is_known,
    list_tokens,
    mint,
    revoke,
    rotate,
)
from shared.site import keys
from shared.storage import Etag
from shared.storage.memory import MemoryObjectStorage

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class CountingStorage(MemoryObjectStorage):
    def __init__(self) -> None:
        super().__init__()
        self.finds = 0

    def find(self, key: str):  # type: ignore[no-untyped-def]  # noqa: ANN201 -- as the parent's
        self.finds += 1
        return super().find(key)


def a_token(storage: MemoryObjectStorage, name: str = "desk") -> str:
    return mint(storage, name=name, scopes=["publish", "read"], sites=["epn"], now=NOW)


def test_a_minted_token_is_known_with_its_rights() -> None:
    storage = MemoryObjectStorage()
    record = find_token(storage, a_token(storage))

    assert record is not None
    assert (record.name, record.sites) == ("desk", ("epn",))
    assert record.allows(Scope.PUBLISH)
    assert not record.allows(Scope.TAKEDOWN)


def test_the_store_never_sees_the_token_itself() -> None:
    storage = MemoryObjectStorage()
    token = a_token(storage)

    [key] = storage.list_keys(keys.TOKENS_PREFIX)
    assert token not in key
    assert token.encode() not in storage.get(key).body


@pytest.mark.parametrize("token", ["", "prl_", "prl_guess", "Bearer x", "prl_" + "x" * 1_000, "prl_é"])
def test_an_unminted_token_is_unknown(token: str) -> None:
    assert not is_known(MemoryObjectStorage(), token)


def test_a_scope_that_does_not_exist_is_not_minted() -> None:
    with pytest.raises(ValueError, match="everything"):
        mint(MemoryObjectStorage(), name="x", scopes=["everything"], sites=["epn"], now=NOW)


def test_a_revoked_token_is_no_longer_known() -> None:
    storage = MemoryObjectStorage()
    token = a_token(storage)
    [record] = list_tokens(storage)

    assert revoke(storage, record.sha256[:12], now=NOW) == record
    assert not is_known(storage, token)


def test_an_ambiguous_revocation_is_refused() -> None:
    storage = MemoryObjectStorage()
    a_token(storage, "one")
    a_token(storage, "two")

    assert revoke(storage, "", now=NOW) is None
    assert revoke(storage, "zz", now=NOW) is None
    assert len(list_tokens(storage)) == 2


def test_a_token_is_looked_up_once_while_it_is_fresh() -> None:
    storage, time = CountingStorage(), [0.0]
    tokens = Tokens(storage, ttl_seconds=10, clock=lambda: time[0])
    token = a_token(storage)

    for _ in range(3):
        assert tokens.find(token) is not None
        assert tokens.find("prl_unknown") is None
    assert storage.finds == 2

    time[0] = 10.0
    tokens.find(token)
    assert storage.finds == 3


def test_a_revoked_token_works_no_longer_than_the_cache_lives() -> None:
    storage, time = MemoryObjectStorage(), [0.0]
    tokens = Tokens(storage, ttl_seconds=10, clock=lambda: time[0])
    token = a_token(storage)
    tokens.find(token)
    revoke(storage, list_tokens(storage)[0].sha256, now=NOW)

    time[0] = 10.1
    assert tokens.find(token) is None


def test_many_guesses_neither_grow_the_cache_nor_evict_valid_tokens() -> None:
    storage = CountingStorage()
    tokens = Tokens(storage, max_cached=10)
    token = a_token(storage)
    tokens.find(token)

    for n in range(100):
        tokens.find(f"prl_{n}")
    looked_up = storage.finds
    tokens.find(token)

    assert storage.finds == looked_up
    assert len(tokens._unknown) <= 10  # noqa: SLF001 -- the bound is the promise


# --- expiry and rotation ------------------------------------------------------------------------------------------


def at(now: list[datetime], storage: MemoryObjectStorage) -> Tokens:
    return Tokens(storage, clock=lambda: 0.0, now=lambda: now[0])


def test_a_token_ends_at_its_expiry_although_it_is_in_the_cache() -> None:
    storage, now = MemoryObjectStorage(), [NOW]
    token = mint(storage, name="x", scopes=["read"], sites=["epn"], now=NOW, expires_at=NOW + timedelta(seconds=5))
    tokens = at(now, storage)

    assert tokens.find(token) is not None
    now[0] += timedelta(seconds=5)
    assert tokens.find(token) is None


def rotated(storage: MemoryObjectStorage, **options: timedelta) -> tuple[str, TokenRecord, TokenRecord]:
    [old] = list_tokens(storage)
    found = rotate(storage, old.sha256[:12], now=NOW, by="ops@desk-1", **options)
    assert found is not None
    return found


def test_a_successor_has_the_same_rights_and_another_secret() -> None:
    storage = MemoryObjectStorage()
    old = mint(
        storage,
        name="CMS",
        scopes=["publish", "takedown"],
        sites=["epn"],
        feeds=["wire"],
        now=NOW - timedelta(days=9),
        requests_per_minute=60,
    )
    token, successor, ending = rotated(storage)

    kept = {"name", "scopes", "sites", "feeds", "requests_per_minute", "expires_at"}
    before = TokenRecord.model_validate_json(storage.get(keys.token_key(hash_of(old))).body)
    assert token != old
    assert find_token(storage, token) == successor
    assert before == ending
    assert successor.model_dump(include=kept) == ending.model_dump(include=kept) | {"expires_at": None}
    assert (successor.created_at, ending.expires_at) == (NOW, NOW + timedelta(hours=24))


def test_the_old_token_works_until_the_end_of_the_grace() -> None:
    storage, now = MemoryObjectStorage(), [NOW]
    old = a_token(storage)
    token, _, _ = rotated(storage, grace=timedelta(hours=2))
    tokens = at(now, storage)

    assert tokens.find(old) is not None
    now[0] += timedelta(hours=2)
    assert (tokens.find(old), tokens.find(token) is not None) == (None, True)


def test_a_grace_does_not_prolong_a_token_and_the_successor_has_its_lifetime() -> None:
    storage = MemoryObjectStorage()
    created_at, ends_at = NOW - timedelta(days=29), NOW + timedelta(days=1)
    mint(storage, name="x", scopes=["read"], sites=["epn"], now=created_at, expires_at=ends_at)
    _, successor, ending = rotated(storage, grace=timedelta(days=9))

    assert (ending.expires_at, successor.expires_at) == (ends_at, NOW + timedelta(days=30))


@pytest.mark.parametrize("prefix", ["", "zz"])
def test_only_one_valid_token_is_rotated(prefix: str) -> None:
    storage = MemoryObjectStorage()
    a_token(storage, "one")
    mint(storage, name="old", scopes=["read"], sites=["epn"], now=NOW, expires_at=NOW)
    expired = next(each for each in list_tokens(storage) if each.expires_at)

    assert rotate(storage, prefix, now=NOW) is None
    assert rotate(storage, expired.sha256, now=NOW) is None
    assert len(list_tokens(storage)) == 2


class ChangedMeanwhile(MemoryObjectStorage):
    """Another operator revokes the token between the read and the conditional write."""

    def put(self, key: str, body: bytes, **options: Any) -> Etag:
        if options.get("if_etag"):
            self.delete(key)
        return super().put(key, body, **options)


def test_a_token_that_changes_during_its_rotation_gets_no_successor() -> None:
    storage = ChangedMeanwhile()
    a_token(storage)
    [old] = list_tokens(storage)

    with pytest.raises(StorageConflictError):
        rotate(storage, old.sha256, now=NOW)

    assert list_tokens(storage) == []


# --- the audit log ------------------------------------------------------------------------------------------------


def test_each_change_of_a_token_is_in_the_audit_log_without_the_token() -> None:
    storage = MemoryObjectStorage()
    old = mint(storage, name="CMS", scopes=["publish"], sites=["epn"], now=NOW, by="ops@desk-1")
    new, successor, _ = rotated(storage)
    revoke(storage, successor.sha256, now=NOW + timedelta(minutes=1), by="lawyer@desk-2")

    found = list(audit.entries(storage, since=NOW, until=NOW + timedelta(hours=1)))

    assert [(each.event, each.by, each.token) for each in found] == [
        (AuditEvent.TOKEN_CREATED, "ops@desk-1", hash_of(old)[:12]),
        (AuditEvent.TOKEN_ROTATED, "ops@desk-1", hash_of(old)[:12]),
        (AuditEvent.TOKEN_REVOKED, "lawyer@desk-2", hash_of(new)[:12]),
    ]
    assert found[1].successor == hash_of(new)[:12]
    stored = b"".join(storage.get(key).body for key in storage.list_keys(""))
    assert old.encode() not in stored
    assert new.encode() not in stored


class NoAudit(MemoryObjectStorage):
    def put(self, key: str, body: bytes, **options: Any) -> Etag:
        if key.startswith(keys.AUDIT_PREFIX):
            raise StorageUnavailableError(key)
        return super().put(key, body, **options)


def test_no_token_changes_without_an_entry_in_the_audit_log() -> None:
    storage = NoAudit()
    with pytest.raises(StorageUnavailableError):
        a_token(storage)

    assert list(storage.list_keys("")) == []


def test_the_audit_log_is_read_by_day_and_site() -> None:
    storage = MemoryObjectStorage()
    for days, site in ((0, "epn"), (1, "other"), (2, "epn"), (9, "epn")):
        mint(storage, name=f"{site}-{days}", scopes=["read"], sites=[site], now=NOW + timedelta(days=days))
    storage.put(keys.audit_key(NOW, "strange"), b"no entry")

    def names(**selection: Any) -> list[str | None]:
        until = NOW + timedelta(days=2)
        return [each.token_name for each in audit.entries(storage, since=NOW, until=until, **selection)]

    assert names() == ["epn-0", "other-1", "epn-2"]
    assert names(site="epn") == ["epn-0", "epn-2"]


def test_an_entry_is_never_overwritten() -> None:
    storage = MemoryObjectStorage()
    a_token(storage)
    [entry] = audit.entries(storage, since=NOW, until=NOW)
    audit.note(storage, entry.model_copy(update={"by": "somebody else"}))

    assert list(audit.entries(storage, since=NOW, until=NOW)) == [entry]
