"""The ports that accepting uses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from services.ingest.handler.sources import Sources
from services.ingest.ports import CleanPicture, ReadArticle
from shared.messaging.messages import Message
from shared.model.history import Revisions
from shared.model.lane import Lane
from shared.runtime.dead_letters import DeadLetters
from shared.runtime.errors import RedisUnavailableError
from shared.runtime.receipts import Receipt, Receipts
from shared.site.sites import Site
from shared.storage import ObjectStorage

log = structlog.get_logger()

_DELAYED = (
    "it is stored, and publication is delayed: the queues do not answer now; what was accepted is published by itself "
    "once they do"
)


class Admit(Protocol):
    """Says whether there is room for one more article."""

    def __call__(self, lane: Lane) -> None:
        """Return where the lane takes it.

        Raises:
            BacklogFullError: too much waits to be published before it.
        """
        ...


def admit_all(lane: Lane) -> None:
    """Take whatever comes: what the worker reads was promised when it was stored."""


class Emit(Protocol):
    """Hands messages to the queues of the steps that consume them."""

    def __call__(self, messages: Iterable[Message]) -> None:
        """Send the messages.

        Raises:
            RedisUnavailableError: the queues do not take them now.
        """
        ...


@dataclass(frozen=True, slots=True)
class IngestDeps:
    """The content bucket, readers of formats, what Redis is told, the clock."""

    content: ObjectStorage
    revisions: Revisions
    read_article: ReadArticle
    clean_picture: CleanPicture
    receipts: Receipts
    dead_letters: DeadLetters
    emit: Emit
    sites: Mapping[str, Site]
    clock: Callable[[], datetime]
    executor: Executor  # for calls to the store that do not wait for one another
    sources: Sources
    admit: Admit = admit_all

    def emit_events(self, messages: Sequence[Message], *, receipts: Sequence[Receipt] = ()) -> str | None:
        """Open the receipts and emit; return what their sender has to know, if anything.

        What is in the bucket is accepted, so a Redis that is away is no reason to refuse it: the sweep announces it
        from the journal. Its sender waits for no more than the first call that it does not answer.
        """
        is_open = self.receipts.open(*receipts) if receipts else True
        if not messages:
            return None
        if not is_open:
            return _DELAYED
        try:
            self.emit(messages)
        except RedisUnavailableError as error:
            log.warning("event.postponed", reason=str(error))
            return _DELAYED
        return None
