"""Unit tests start no server."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def redis_url() -> str:
    pytest.fail("a unit test starts no Redis; a test that needs one belongs in tests/contract")


@pytest.fixture(scope="session")
def store_settings() -> str:
    pytest.fail("a unit test starts no store; a test that needs one belongs in tests/contract")
