"""A content bucket of which one call fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from shared.errors import StorageUnavailableError
from tests.functional.conftest import Line

_CALLS = ("put", "get", "find", "find_head", "delete", "list_heads")


@contextmanager
def failing_store(line: Line, at: int, *, after: bool) -> Iterator[list[str]]:
    """Have the call with this number fail, before or after it is done; yield the calls that were made."""
    made: list[str] = []

    def failing(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **kwargs: Any) -> Any:
            made.append(name)
            if len(made) != at:
                return call(*args, **kwargs)
            if after:
                call(*args, **kwargs)
            raise StorageUnavailableError(name)

        return called

    for name in _CALLS:
        setattr(line.content, name, failing(name, getattr(line.content, name)))
    yield made
    for name in _CALLS:
        delattr(line.content, name)
