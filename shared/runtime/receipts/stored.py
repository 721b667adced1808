"""Receipts kept in the content bucket: outcomes that nothing else there tells.

How an accepted revision stands is told by the revisions and `live.json`. What became of bytes that were answered
before they were read, and what was given up as a dead letter, is told here when Redis has forgotten it.

The outcomes of submissions that were handled together share an object. Its name says which they are (ADR 14).
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
    """Store receipts for good, those of one batch in one object; a later outcome of the same takes its place.

    Raises:
        StorageUnavailableError: the store does not take them now.
    """
    together: defaultdict[tuple[str, str], dict[int, Receipt]] = defaultdict(dict)
    for receipt in receipts:
        if submission := submission_of_receipt(receipt.receipt):
            batch, number = submission
            together[receipt.site, batch][number] = receipt
        else:
            content.put(keys.receipt_key(receipt.site, receipt.receipt), receipt.model_dump_json(indent=1).encode())
    for (site, batch), of_batch in together.items():
        body = _RECEIPTS.dump_json(list(of_batch.values()), exclude_defaults=True)
        content.put(keys.receipts_key(site, batch, of_batch), body)


def find_stored_receipt(content: ObjectStorage, site: str, receipt: str) -> Receipt | None:
    """Return what was kept of a submission or a revision, or None where nothing was.

    A submission that was handled twice may have two outcomes, one of them a failure: its revision counts more.
    """
    submission = submission_of_receipt(receipt)
    if submission is None:
        found = content.find(keys.receipt_key(site, receipt))
        return Receipt.model_validate_json(found.body) if found else None
    batch, number = submission
    kept: Receipt | None = None
    for key in content.list_keys(keys.receipts_prefix(site, batch)):
        if number in keys.receipt_numbers(key) and (found := content.find(key)):
            kept = next((each for each in _RECEIPTS.validate_json(found.body) if each.receipt == receipt), kept)
            if kept and kept.revision:
                break
    return kept


def stored_numbers(content: ObjectStorage, site: str, batch: str) -> set[int]:
    """Return the submissions of a batch whose outcomes are kept."""
    numbers: set[int] = set()
    for key in content.list_keys(keys.receipts_prefix(site, batch)):
        numbers |= keys.receipt_numbers(key)
    return numbers
