"""Reads values of a wire's JSON or XML; any field may have a value of any type."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, tzinfo
from typing import Any

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.reasons import CONTACT_REASON, DATE_TIME_FAULT, NOTE_REASON
from services.ingest.domain.pointers import pointer

Item = Mapping[str, Any]

_NO_TIME_PREFIX = "0001-01-01"  # some systems send this for "none"
_MAX_DATE_CHARS = 40
_MAX_DIGITS = 10
_REASONS = {
    "contactInfo": CONTACT_REASON,
    "edNote": NOTE_REASON,
    "ednote": NOTE_REASON,
}


def text_of(value: object) -> str | None:
    """Return a text without surrounding white space; None if there is none."""
    return (value.strip() or None) if isinstance(value, str) else None


def tail_of(identifier: str) -> str:
    """Return the part after the last separator of a URI or qcode."""
    return identifier.rstrip("/#:").replace("#", "/").replace(":", "/").rsplit("/", 1)[-1]


def whole_number(value: object) -> int | None:
    """Return a whole number, or a text of up to ten digits as a number; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = text_of(value)
    is_number = text is not None and text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
    return int(text) if text and is_number else None


def instant_of(value: object, zone: tzinfo | None = None) -> datetime | None:
    """Return the instant of a date-time (ISO 8601); None if it is absent, empty or in the year 1.

    `zone`: of a date-time without its own; None: such a date-time is an error.

    Raises:
        ValueError: the value is no date-time or has no zone; senders read the message.
    """
    if value is None or (isinstance(value, str) and (not value.strip() or value.strip().startswith(_NO_TIME_PREFIX))):
        return None
    try:
        instant = datetime.fromisoformat(value.strip()[:_MAX_DATE_CHARS] if isinstance(value, str) else "")
    except ValueError as error:
        raise ValueError(DATE_TIME_FAULT) from error
    if instant.tzinfo is None and zone is not None:
        instant = instant.replace(tzinfo=zone)
    if instant.tzinfo is None:
        raise ValueError(DATE_TIME_FAULT)
    return instant


def objects_in(item: Item, name: str, builder: ArticleBuilder, where: str = "") -> Iterator[tuple[str, Item]]:
    """Yield (pointer, object) of a list of objects; other entries are reported as left out."""
    value = item.get(name)
    if value is None:
        return
    here = where + pointer(name)
    if not isinstance(value, list):
        builder.drop(here, "is not a list")
        return
    for index, entry in enumerate(value):
        if isinstance(entry, dict):
            yield here + pointer(index), entry
        else:
            builder.drop(here + pointer(index), "is not an object")


def drop_others(item: Item, used: Collection[str], builder: ArticleBuilder, where: str, reason: str) -> None:
    """Report all fields except the used ones as left out."""
    for name, value in item.items():
        if name not in used and value not in (None, "", [], {}):
            builder.drop(where + pointer(name), _REASONS.get(name, reason))
