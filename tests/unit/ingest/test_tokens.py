from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.runtime.tokens import Scope, Tokens, find_token, is_known, list_tokens, mint, revoke
from shared.site import keys
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
