from __future__ import annotations

from collections.abc import Iterator

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from shared.storage.memory import MemoryObjectStorage
from tests.contract.newsroom import Newsroom


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    """Yield an event loop for the endpoint."""
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture
def newsroom() -> Newsroom:
    return Newsroom()


@pytest.fixture
def storage() -> MemoryObjectStorage:
    return MemoryObjectStorage()
