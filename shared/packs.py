"""Pages that travel together: one object for a rebuild's piece, not a hundred messages with a page in each.

Each page is its message's length, the message (JSON, without its bytes), the bytes' length, the bytes. All of it is
deflated as quickly as may be: pages share most of their words, and a store pays for each byte more than that costs.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from struct import Struct

from shared.errors import PermanentError
from shared.live import LiveRecord
from shared.messages import PageRendered
from shared.storage import Etag

MOST_BYTES = 96 * 1024 * 1024
"""Of the pages of one pack, with what is said of them."""

_LENGTH = Struct(">I")
_DEFLATED = b"\x78"


class PackedPage(PageRendered):
    """A page, and its article's record as it was read for it: it is written with If-Match, so not read once more."""

    record: LiveRecord | None = None
    etag: Etag | None = None


def packed(pages: Iterable[tuple[PackedPage, bytes]]) -> bytes:
    """Return the pages as one body."""
    parts = (part for page, body in pages for part in (page.model_dump_json(exclude_defaults=True).encode(), body))
    return zlib.compress(framed(parts), level=1)


def unpacked(pack: bytes) -> Iterator[tuple[PackedPage, bytes]]:
    """Yield the pages of a pack, in order."""
    if pack[:1] == _DEFLATED:  # not by a release before; a length begins with a zero
        inflating = zlib.decompressobj()
        pack = inflating.decompress(pack, MOST_BYTES)
        if not inflating.eof:
            fault = f"a pack is cut short, or larger than {MOST_BYTES} bytes"
            raise PermanentError(fault)
    parts = unframed(pack)
    for message in parts:
        yield PackedPage.model_validate_json(message), next(parts)


def framed(parts: Iterable[bytes]) -> bytes:
    """Return parts as one body, each behind its length."""
    return b"".join(piece for part in parts for piece in (_LENGTH.pack(len(part)), part))


def unframed(body: bytes) -> Iterator[bytes]:
    """Yield the parts of such a body."""
    at = 0
    while at < len(body):
        (length,) = _LENGTH.unpack_from(body, at)
        at += _LENGTH.size
        yield body[at : at + length]
        at += length
