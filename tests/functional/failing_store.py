"""A content bucket of which one call fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from shared.runtime.errors import StorageUnavailableError
from tests.functional.conftest import Pipeline

_CALLS = ("put", "get", "find", "find_head", "delete", "list_heads")


@contextmanager
def failing_store(pipeline: Pipeline, at: int, *, after: bool) -> Iterator[list[str]]:
    """Have the call with this number fail, before or after it is done; yield the calls that were made."""
    provenance: list[str] = []

    def failing(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **kwargs: Any) -> Any:
            provenance.append(name)
            if len(provenance) != at:
                return call(*args, **kwargs)
            if after:
                call(*args, **kwargs)
            raise StorageUnavailableError(name)

        return called

    for name in _CALLS:
        setattr(pipeline.content, name, failing(name, getattr(pipeline.content, name)))
    yield provenance
    for name in _CALLS:
        delattr(pipeline.content, name)
