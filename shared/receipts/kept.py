"""Receipts kept in the content bucket: outcomes that nothing else there tells.

How an accepted revision stands is told by the revisions and `live.json`. What became of bytes that were answered
before they were read, and what was given up as a dead letter, is told here when Redis has forgotten it.
"""

from __future__ import annotations

from shared import keys
from shared.receipts import Receipt
from shared.storage import ObjectStorage


def keep_receipt(content: ObjectStorage, receipt: Receipt) -> None:
    """Store a receipt for good; a later outcome of the same submission takes its place.

    Raises:
        StorageUnavailableError: the store does not take it now.
    """
    content.put(keys.receipt_key(receipt.site, receipt.receipt), receipt.model_dump_json(indent=1).encode())


def find_kept_receipt(content: ObjectStorage, site: str, receipt: str) -> Receipt | None:
    """Return what was kept of a submission, or None where nothing was."""
    found = content.find(keys.receipt_key(site, receipt))
    return Receipt.model_validate_json(found.body) if found else None
