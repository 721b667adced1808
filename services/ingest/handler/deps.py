"""The dependencies of ingest's handlers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from services.ingest.handler.sources import Sources
from services.ingest.ports import CleanPicture, ReadDocument
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
    "the article is stored, but publication is delayed: the queues do not answer now; it is published without further "
    "action once they do"
)


class Admit(Protocol):
    """Checks whether a lane accepts articles."""

    def __call__(self, lane: Lane) -> None:
        """Return if the lane accepts one more article.

        Raises:
            BacklogFullError: too many messages wait.
        """
        ...


def admit_all(lane: Lane) -> None:
    """Accept every article, because submissions for the worker were accepted when they were stored."""


class Emit(Protocol):
    """Sends messages to the queues of the steps that consume them."""

    def __call__(self, messages: Iterable[Message], /) -> None:
        """Send the messages.

        Raises:
            RedisUnavailableError: Redis does not accept them now.
        """
        ...


@dataclass(frozen=True, slots=True)
class IngestDeps:
    """The ports of ingest's handlers."""

    content: ObjectStorage
    revisions: Revisions
    read_document: ReadDocument
    clean_picture: CleanPicture
    receipts: Receipts
    dead_letters: DeadLetters
    emit: Emit
    sites: Mapping[str, Site]
    clock: Callable[[], datetime]
    executor: Executor  # for parallel calls to the store
    sources: Sources
    admit: Admit = admit_all

    def emit_events(self, messages: Sequence[Message], *, receipts: Sequence[Receipt] = ()) -> str | None:
        """Open the receipts and emit the messages; return a warning for the sender, or None.

        Committed revisions are accepted even if Redis is down: the sweep emits their events from the journal. After
        the first failed call to Redis no further call is made, so that the sender waits for one time-out only.
        """
        is_open = self.receipts.open(*receipts) if receipts else True
        if not messages:
            return None
        if not is_open:
            return _DELAYED
        try:
            self.emit(messages)
        except RedisUnavailableError as error:
            log.warning("events.postponed", reason=str(error))
            return _DELAYED
        return None
