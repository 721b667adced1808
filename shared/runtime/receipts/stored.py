"""Receipts in the content bucket, for outcomes that no other object has.

The status of an accepted revision follows from the revisions and `live.json`. Two outcomes do not: that of a submission
answered before it was read, and that of a dead letter. They are stored here, because Redis deletes receipts in time.

The outcomes of submissions that were handled together share an object. Its name has their numbers (ADR 14).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from pydantic import TypeAdapter

from shared.runtime.receipts import Receipt, submission_of_receipt
from shared.site import keys
from shared.storage import ObjectStorage

_RECEIPTS = TypeAdapter(list[Receipt])


def store_receipts(content: ObjectStorage, receipts: Iterable[Receipt]) -> None:
    """Store receipts without expiry, those of one batch in one object; a later outcome replaces an earlier one.

    Raises:
        StorageUnavailableError: the store does not accept them now.
    """
    by_batch: defaultdict[tuple[str, str], dict[int, Receipt]] = defaultdict(dict)
    for receipt in receipts:
        if submission := submission_of_receipt(receipt.receipt):
            batch, number = submission
            by_batch[receipt.site, batch][number] = receipt
        else:
            content.put(keys.receipt_key(receipt.site, receipt.receipt), receipt.model_dump_json(indent=1).encode())
    for (site, batch), of_batch in by_batch.items():
        body = _RECEIPTS.dump_json(list(of_batch.values()), exclude_defaults=True)
        content.put(keys.receipts_key(site, batch, of_batch), body)


def find_stored_receipt(content: ObjectStorage, site: str, receipt: str) -> Receipt | None:
    """Return the stored receipt of a submission or a revision, or None.

    A submission that was handled twice may have two outcomes, one of them a failure: the one with a revision wins.
    """
    submission = submission_of_receipt(receipt)
    if submission is None:
        found = content.find(keys.receipt_key(site, receipt))
        return Receipt.model_validate_json(found.body) if found else None
    batch, number = submission
    stored: Receipt | None = None
    for key in content.list_keys(keys.receipts_prefix(site, batch)):
        if number in keys.receipt_numbers(key) and (found := content.find(key)):
            stored = next((each for each in _RECEIPTS.validate_json(found.body) if each.receipt == receipt), stored)
            if stored and stored.revision:
                break
    return stored


def stored_numbers(content: ObjectStorage, site: str, batch: str) -> set[int]:
    """Return the numbers of a batch's submissions with a stored outcome."""
    numbers: set[int] = set()
    for key in content.list_keys(keys.receipts_prefix(site, batch)):
        numbers |= keys.receipt_numbers(key)
    return numbers
