"""Stores documents that the relay has fetched, as the endpoint stores a submission that is answered before it is read.

The bytes and the inbox entry are in the bucket before the message is sent. So a lost message only delays: the scheduler
emits inbox entries again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from shared.messaging.messages import Message, Submission, SubmitArticles
from shared.model.lane import Lane
from shared.runtime import inbox
from shared.runtime.errors import RedisUnavailableError
from shared.runtime.feed_polls import FeedPolls
from shared.runtime.receipts import Receipt, Receipts, ReceiptStatus, Stage, submission_receipt
from shared.site import keys
from shared.site.sites import Feed, Site
from shared.storage import ObjectStorage

log = structlog.get_logger()

SENDER_NAME = "relay"  # in the audit log, where a token's name stands


class Emit(Protocol):
    """Sends messages to the queues of the steps that consume them."""

    def __call__(self, messages: Iterable[Message], /) -> None:
        """Send the messages.

        Raises:
            RedisUnavailableError: Redis does not accept them now.
        """
        ...


@dataclass(frozen=True, slots=True)
class SubmissionDeps:
    """The dependencies of the jobs that submit documents."""

    content: ObjectStorage
    polls: FeedPolls
    receipts: Receipts
    emit: Emit
    is_full: Callable[[], bool]  # whether too many messages wait
    sites: Mapping[str, Site]
    clock: Callable[[], datetime]
    jitter: Callable[[], float]  # 0 to 1
    new_secret: Callable[[], str]  # 256 random bits as 43 characters


def submit(raw: bytes, content_type: str, site: Site, feed: Feed, deps: SubmissionDeps) -> Submission:
    """Store a document for the ingest worker; return its submission, with the receipt.

    Raises:
        StorageUnavailableError: the store does not answer; nothing was submitted.
    """
    at = deps.clock()
    batch = inbox.new_batch_id(at)
    receipt = submission_receipt(batch.hex, 0)
    submission = Submission(
        receipt=receipt,
        raw_key=keys.raw_key(site.id, at, hashlib.sha256(raw).hexdigest()),
        content_type=content_type or None,
        feed=feed.id,
        received_at=at,
        can_take_down=feed.fetched_takedown,
        token_name=SENDER_NAME,
    )
    message = SubmitArticles(message_id=batch, lane=Lane.LIVE, begun_at=at, site=site.id, submissions=(submission,))
    deps.content.put(submission.raw_key, raw, content_type="application/octet-stream")
    inbox.put_batch(deps.content, message)
    stage = Stage(name=ReceiptStatus.ACCEPTED.value, at=at)
    if deps.receipts.open(Receipt(receipt=receipt, site=site.id, stages=(stage,))):
        try:
            deps.emit([message])
        except RedisUnavailableError as error:
            log.warning("events.postponed", reason=str(error))
    return submission
