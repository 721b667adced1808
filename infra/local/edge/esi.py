"""The subset of Edge Side Includes that pages use: `<esi:include src="/path"/>`, `<esi:remove>` and `<!--esi … -->`.

As in our VCL, includes are one level deep, and a page has at most ten. Further includes are dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_INCLUDES_PER_PAGE = 10

_INCLUDE = re.compile(rb"<esi:include\b([^<>]{0,1000})>(?:\s{0,100}</esi:include>)?")
_SOURCE = re.compile(rb"\bsrc\s{0,10}=\s{0,10}(?:\"([^\"]*)\"|'([^']*)')")
_REMOVE = (b"<esi:remove>", b"</esi:remove>")
_HIDDEN = (b"<!--esi", b"-->")


@dataclass(frozen=True, slots=True)
class Include:
    """An include: the body of this path replaces it."""

    path: str


def has_esi(body: bytes) -> bool:
    """Return whether the body contains ESI markup."""
    return b"<esi:" in body or _HIDDEN[0] in body


def parts_of(body: bytes) -> list[bytes | Include]:
    """Return the page as literal parts and the includes between them, in order."""
    return list(_parts(_unhidden(_without_removed(body))))


def without_esi(body: bytes) -> bytes:
    """Return a fragment's body without its includes."""
    return b"".join(part for part in parts_of(body) if isinstance(part, bytes))


def _parts(body: bytes) -> Iterator[bytes | Include]:
    end, count = 0, 0
    for found in _INCLUDE.finditer(body):
        yield body[end : found.start()]
        end = found.end()
        path = _local_path(found.group(1))
        if path and count < MAX_INCLUDES_PER_PAGE:
            count += 1
            yield Include(path)
    yield body[end:]


def _local_path(attributes: bytes) -> str | None:
    source = _SOURCE.search(attributes)
    if source is None:
        return None
    path = (source.group(1) or source.group(2) or b"").decode("ascii", errors="ignore").partition("?")[0]
    return path if path.startswith("/") and not path.startswith("//") else None


def _without_removed(body: bytes) -> bytes:
    opening, closing = _REMOVE
    kept: list[bytes] = []
    rest = body
    while True:
        before, found, after = rest.partition(opening)
        _, closed, following = after.partition(closing)
        if not found or not closed:
            return b"".join([*kept, rest])
        kept.append(before)
        rest = following


def _unhidden(body: bytes) -> bytes:
    opening, closing = _HIDDEN
    kept: list[bytes] = []
    rest = body
    while True:
        before, found, after = rest.partition(opening)
        inside, closed, following = after.partition(closing)
        if not found or not closed:
            return b"".join([*kept, rest])
        kept += [before, inside]
        rest = following
