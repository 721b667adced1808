"""Reads documents with several entries, such as feeds and exports."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from services.ingest.domain.refusal import RefusedError
from services.ingest.ports import Entry, Report, SetAside
from shared.runtime.errors import HostileMarkupError

MAX_ENTRIES = 500  # of one request: about a second of work. A larger export comes through `pressline import`

T = TypeVar("T")


def read_each(
    items: Iterable[T], read: Callable[[T], Entry], name_of: Callable[[T], str], format_name: str
) -> list[Entry]:
    """Read each item; a faulty one among several is set aside as refused, and does not affect the others.

    `name_of` returns the id or title of an item, for the reply.

    Raises:
        RefusedError: no item, too many items, or the only item is faulty.
    """
    parts = list(items)
    if not parts:
        raise RefusedError(422, "the document has no entries")
    if len(parts) > MAX_ENTRIES:
        detail = f"the document has {len(parts)} entries; a request has at most {MAX_ENTRIES}: use `pressline import`"
        raise RefusedError(413, detail)
    if len(parts) == 1:
        return [read(parts[0])]
    entries: list[Entry] = []
    for part in parts:
        try:
            entries.append(read(part))
        except (RefusedError, HostileMarkupError) as error:
            faults = error.faults if isinstance(error, RefusedError) else ()
            entries.append(SetAside("refused", str(error), Report(format=format_name), name_of(part)[:200], faults))
    return entries
