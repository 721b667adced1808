"""Compares a page that the edge served with the page that was put."""

from __future__ import annotations

import re
from collections.abc import Iterator

# The parts that an edge may replace (ESI 1.0). All else has to be the same bytes.
_OPENING = re.compile(rb"<!--esi|<esi:remove>|<esi:\w{1,20}\b[^<>]{0,1000}>")
_CLOSING = {b"<!--esi": b"-->", b"<esi:remove>": b"</esi:remove>"}


def is_same_page(served: bytes, put: bytes) -> bool:
    """Tell whether the served bytes are those of the put page, apart from its ESI parts.

    In the place of each ESI part the edge may serve any bytes, or the part itself.
    """
    if served == put:
        return True
    literals = list(_literals(put))
    if len(literals) == 1:
        return False
    first, *between, last = literals
    if len(served) < len(first) + len(last) or not (served.startswith(first) and served.endswith(last)):
        return False
    position, end = len(first), len(served) - len(last)
    for literal in between:
        found = served.find(literal, position, end)
        if found < 0:
            return False
        position = found + len(literal)
    return True


def _literals(page: bytes) -> Iterator[bytes]:
    """Yield the bytes before, between and after the ESI parts of a page, in linear time."""
    begin = 0
    while opening := _OPENING.search(page, begin):
        end = opening.end()
        if closing := _CLOSING.get(opening[0]):
            found = page.find(closing, end)
            if found < 0:
                break  # the part never ends, so it is none
            end = found + len(closing)
        yield page[begin : opening.start()]
        begin = end
    yield page[begin:]
