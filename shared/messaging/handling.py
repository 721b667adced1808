"""What a handler returns, and how it handles the items of a batch: side by side, each with its own outcome."""

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
_Outcome = TypeVar("_Outcome")


@dataclass(frozen=True, slots=True)
class Result:
    """The messages that follow, the items that failed, each with its error, and the items that were not begun.

    The task sends `rest` to its own step again; other consumers of the message do not see it twice.
    """

    emits: tuple[Message, ...] = ()
    failed: Mapping[str, Exception] = field(default_factory=dict)
    rest: tuple[str, ...] = ()


Handler = Callable[[Any, Any], Result]
"""Takes a message and its service's dependencies. It raises where all items fail for one reason."""

Handlers = Mapping[Step, Handler]


@dataclass(frozen=True, slots=True)
class Batch:
    """Runs one function after another over the items that have not failed; `failed` fills."""

    executor: Executor
    failed: dict[str, Exception] = field(default_factory=dict)

    def each(
        self, work: Callable[[_Item], _Outcome], items: Iterable[_Item], *, name: Callable[[_Item], str]
    ) -> list[tuple[_Item, _Outcome]]:
        """Call `work` for each item whose name has not failed; return the items that did not fail, in their order.

        One item is handled in this thread, several side by side. They must be of different names.
        """
        left = [item for item in items if name(item) not in self.failed]
        context = copy_context()  # what the log says of the message

        def run(item: _Item) -> _Outcome | None:
            try:
                return context.copy().run(work, item)
            except Exception as error:  # noqa: BLE001 -- the task retries the item or dead-letters it, with this error
                self.failed[name(item)] = error
                return None

        outcomes = map(run, left) if len(left) == 1 else self.executor.map(run, left)
        pairs: list[tuple[_Item, Any]] = list(zip(left, outcomes, strict=True))
        return [(item, outcome) for item, outcome in pairs if name(item) not in self.failed]


def slices(items: Sequence[_Item], *, size: int, seconds: float) -> Iterator[Sequence[_Item]]:
    """Yield `items` by so many at a time, and none any more once the seconds have passed since the first slice.

    So a batch ends in time however long one of its items takes; its handler returns the others as `Result.rest`.
    """
    began = monotonic()
    for first in range(0, len(items), size):
        if first and monotonic() - began > seconds:
            return
        yield items[first : first + size]
