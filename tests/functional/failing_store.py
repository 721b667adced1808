"""A content bucket in which one call fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from shared.runtime.errors import StorageUnavailableError
from tests.functional.conftest import Pipeline

_CALLS = ("put", "get", "find", "find_head", "delete", "list_heads")


@contextmanager
def failing_store(pipeline: Pipeline, at: int, *, after: bool) -> Iterator[list[str]]:
    """Fail the call with the number `at` (from 1), before or after it is done; yield the names of all calls made."""
    calls: list[str] = []

    def failing(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **kwargs: Any) -> Any:
            calls.append(name)
            if len(calls) != at:
                return call(*args, **kwargs)
            if after:
                call(*args, **kwargs)
            raise StorageUnavailableError(name)

        return called

    for name in _CALLS:
        setattr(pipeline.content, name, failing(name, getattr(pipeline.content, name)))
    yield calls
    for name in _CALLS:
        delattr(pipeline.content, name)
