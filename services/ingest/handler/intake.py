"""The ports that accepting uses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from services.ingest.ports import InspectPicture, ReadArticle
from shared.dead_letters import DeadLetters
from shared.errors import RedisUnavailableError
from shared.history import Revisions
from shared.marks import Marks
from shared.messages import Message
from shared.receipts import Receipts
from shared.sites import Site
from shared.storage import ObjectStorage

log = structlog.get_logger()


class Emit(Protocol):
    """Hands messages to the queues of the steps that consume them."""

    def __call__(self, messages: Iterable[Message]) -> None:
        """Send the messages.

        Raises:
            RedisUnavailableError: the queues do not take them now.
        """
        ...


@dataclass(frozen=True, slots=True)
class Intake:
    """The content bucket, readers of formats, what Redis is told, the clock."""

    content: ObjectStorage
    revisions: Revisions
    read_article: ReadArticle
    inspect_picture: InspectPicture
    receipts: Receipts
    marks: Marks
    letters: DeadLetters
    emit: Emit
    sites: Mapping[str, Site]
    clock: Callable[[], datetime]
    executor: Executor  # for calls to the store that do not wait for one another

    def announce(self, messages: Iterable[Message], *, site: str, article: str | None = None) -> None:
        """Emit, and mark the article as announced; where Redis is away, the sweep announces it from the journal.

        What is in the bucket is accepted, so a broker that is down is no reason to refuse it.
        """
        try:
            sent = tuple(messages)
            self.emit(sent)
            if article is not None:
                self.marks.set_pending(site, article, sent[0].lane)
        except RedisUnavailableError as error:
            log.warning("event.postponed", reason=str(error))
