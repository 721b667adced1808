"""The numbers of an ordered list's items (HTML Living Standard, 4.4.5): `start`, `reversed` and `value`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.enrich.domain.tree import Element

_WHOLE_NUMBER = re.compile(r"\s*([+-]?[0-9]{1,9})(?![0-9])")


def numbers_of(ordered_list: Element) -> Iterator[tuple[Element, int]]:
    """Yield (item, number) for each item of an ordered list."""
    items = list(ordered_list.iterchildren("li"))
    is_reversed = "reversed" in ordered_list.attrib
    number = whole_number(ordered_list.get("start"))
    if number is None:
        number = len(items) if is_reversed else 1
    for item in items:
        value = whole_number(item.get("value"))
        number = number if value is None else value
        yield item, number
        number += -1 if is_reversed else 1


def whole_number(text: str | None) -> int | None:
    """Return the whole number that a text begins with, or None."""
    found = _WHOLE_NUMBER.match(text or "")
    return int(found[1]) if found else None
