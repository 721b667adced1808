"""The result of a handler, and the runner that handles the items of a batch in parallel, each on its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextvars import copy_context
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, TypeVar

from shared.messaging.messages import Message
from shared.messaging.pipeline import Step

_Item = TypeVar("_Item")
_WorkResult = TypeVar("_WorkResult")


@dataclass(frozen=True, slots=True)
class Result:
    """The follow-up messages, the failed items with their errors, and the items that were not begun (`rest`).

    The task sends `rest` to its own step again, so that other consumers of the message do not get it twice.
    """

    emits: tuple[Message, ...] = ()
    failed: Mapping[str, Exception] = field(default_factory=dict)
    rest: tuple[str, ...] = ()


Handler = Callable[[Any, Any], Result]
"""Takes a message and its service's dependencies. It raises an error if all items fail for the same reason."""

Handlers = Mapping[Step, Handler]


@dataclass(frozen=True, slots=True)
class BatchRunner:
    """Runs one function after another over the items that have not failed; collects the errors in `failed`."""

    executor: Executor
    failed: dict[str, Exception] = field(default_factory=dict)

    def each(
        self, work: Callable[[_Item], _WorkResult], items: Iterable[_Item], *, name: Callable[[_Item], str]
    ) -> list[tuple[_Item, _WorkResult]]:
        """Call `work` for each item whose name has not failed; return (item, result) of those that succeed, in order.

        A single item is handled in this thread, several items in parallel. Their names must differ.
        """
        pending = [item for item in items if name(item) not in self.failed]
        context = copy_context()  # the message's ids, for log lines

        def run(item: _Item) -> _WorkResult | None:
            try:
                return context.copy().run(work, item)
            except Exception as error:  # noqa: BLE001 -- the task retries the item or dead-letters it, with this error
                self.failed[name(item)] = error
                return None

        results = map(run, pending) if len(pending) == 1 else self.executor.map(run, pending)
        pairs: list[tuple[_Item, Any]] = list(zip(pending, results, strict=True))
        return [(item, result) for item, result in pairs if name(item) not in self.failed]


def slices(items: Sequence[_Item], *, size: int, seconds: float) -> Iterator[Sequence[_Item]]:
    """Yield slices of `size` items; yield no more once `seconds` have passed since the first slice.

    So a batch ends in time even if one of its items is slow; its handler returns the other items as `Result.rest`.
    """
    started = monotonic()
    for first in range(0, len(items), size):
        if first and monotonic() - started > seconds:
            return
        yield items[first : first + size]
