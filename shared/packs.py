"""Pages that travel together: one object for the fifty of a rebuild's piece, not fifty messages with a page in each.

Each page is its message's length, the message (JSON, without its bytes), the bytes' length, the bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from struct import Struct

from shared.live import LiveRecord
from shared.messages import PageRendered
from shared.storage import Etag

_LENGTH = Struct(">I")


class PackedPage(PageRendered):
    """A page, and its article's record as it was read for it: it is written with If-Match, so not read once more."""

    record: LiveRecord | None = None
    etag: Etag | None = None


def packed(pages: Iterable[tuple[PackedPage, bytes]]) -> bytes:
    """Return the pages as one body."""
    parts = []
    for page, body in pages:
        for part in (page.model_dump_json(exclude_defaults=True).encode(), body):
            parts += [_LENGTH.pack(len(part)), part]
    return b"".join(parts)


def unpacked(pack: bytes) -> Iterator[tuple[PackedPage, bytes]]:
    """Yield the pages of a pack, in order."""
    parts = _parts(pack)
    for message in parts:
        yield PackedPage.model_validate_json(message), next(parts)


def _parts(pack: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(pack):
        (length,) = _LENGTH.unpack_from(pack, at)
        at += _LENGTH.size
        yield pack[at : at + length]
        at += length
