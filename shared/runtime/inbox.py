"""The inbox: submissions that were answered before they were read. An entry is their `SubmitArticles` message.

An entry is deleted once the bucket has a stored receipt for each of its submissions. An accepted revision, a refusal
and a dead letter all have one. Until then the scheduler sends the message again.
"""

from __future__ import annotations

from datetime import datetime
from itertools import product
from secrets import randbits
from uuid import UUID

from shared.messaging.messages import SubmitArticles
from shared.model.lane import Lane
from shared.runtime.receipts import submission_of_receipt
from shared.runtime.receipts.stored import stored_numbers
from shared.site import keys
from shared.storage import ObjectStorage

_SUBMISSION_LANES = (Lane.LIVE, Lane.BULK)


def new_batch_id(at: datetime) -> UUID:
    """Return a new batch id; as text, a later id sorts after an earlier one (RFC 9562, version 7)."""
    milliseconds = int(at.timestamp() * 1000)
    return UUID(int=(milliseconds << 80) | (7 << 76) | (randbits(12) << 64) | (2 << 62) | randbits(62))


def put_batch(content: ObjectStorage, message: SubmitArticles) -> None:
    """Store the entry of a batch, named after its message; call this before the sender gets an answer.

    Raises:
        StorageUnavailableError: the store does not accept it now.
    """
    content.put(_key(message, message.message_id.hex), message.model_dump_json().encode())


def put_replayed(content: ObjectStorage, message: SubmitArticles) -> None:
    """Store an entry for each submission of a replayed message; delete its earlier outcome.

    Raises:
        StorageUnavailableError: the store does not accept it now; the same call may be repeated.
    """
    for receipt in message.items:
        if submission := submission_of_receipt(receipt):
            batch, number = submission
            content.delete(keys.receipts_key(message.site, batch, [number]))
        content.put(_key(message, receipt), message.only([receipt]).model_dump_json().encode())


def find_entry(content: ObjectStorage, site: str, receipt: str) -> SubmitArticles | None:
    """Return the entry of a receipt's submission, or None."""
    batch, _, _ = receipt.partition(".")
    for lane, entry in product(_SUBMISSION_LANES, (batch, receipt)):
        if found := content.find(keys.inbox_key(site, lane, entry)):
            message = SubmitArticles.model_validate_json(found.body)
            if receipt in message.items:
                return message
    return None


def without_outcome(content: ObjectStorage, message: SubmitArticles) -> SubmitArticles | None:
    """Return the message for its submissions without a stored outcome, or None if all have one."""
    submissions = {receipt: submission_of_receipt(receipt) for receipt in message.items}
    batches = {submission[0] for submission in submissions.values() if submission}
    ended = {(batch, number) for batch in batches for number in stored_numbers(content, message.site, batch)}
    unfinished = [receipt for receipt, submission in submissions.items() if submission not in ended]
    if len(unfinished) == len(message.items):
        return message
    return message.only(unfinished) if unfinished else None


def delete_finished_entries(content: ObjectStorage, message: SubmitArticles) -> None:
    """Delete the entries of a message's batch whose submissions all have an outcome, as those of the message have."""
    batch, _, _ = message.items[0].partition(".")
    if message.message_id.hex == batch:  # the message is the whole batch
        content.delete(_key(message, batch))
        return
    for key in content.list_keys(keys.inbox_prefix(message.site, message.lane) + batch):
        found = content.find(key)
        if found and without_outcome(content, SubmitArticles.model_validate_json(found.body)) is None:
            content.delete(key)


def _key(message: SubmitArticles, entry: str) -> str:
    return keys.inbox_key(message.site, message.lane, entry)
