"""Identity, version, times and status of a ninjs item; faults in these refuse the item."""

from __future__ import annotations

from datetime import datetime

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.ninjs.texts import tail_of
from services.ingest.adapters.readers.ninjs.values import Item, instant_of, text_of
from services.ingest.domain.pointers import pointer
from shared.model.article import Status

_STATUSES = {
    "usable": Status.USABLE,
    "withheld": Status.WITHHELD,
    "canceled": Status.CANCELED,
    "cancelled": Status.CANCELED,
}
_MAX_VERSION = 10**10 - 1
_URGENCIES = range(1, 10)
_EMBARGO_FIELDS = ("embargoedUntil", "embargoed")


def read_status(item: Item, builder: ArticleBuilder) -> None:
    """Read the status under either of its names; an unknown one refuses the item, since it may be a kill."""
    found: dict[str, Status] = {}
    for name in ("pubStatus", "pubstatus"):
        value = item.get(name)
        if value is None or value == "":
            continue
        status = _STATUSES.get(tail_of(value.strip()).lower()) if isinstance(value, str) else None
        if status is None:
            builder.fault(pointer(name), "must be one of usable, withheld or canceled")
        else:
            found[pointer(name)] = status
    if len(set(found.values())) > 1:
        builder.fault("/pubstatus", "differs from /pubStatus")
    for where, status in found.items():
        builder.set_field("status", status, where)


def read_identity(item: Item, builder: ArticleBuilder) -> None:
    """Read the uri, and the version if it is a number; a text cannot order revisions."""
    builder.expect("source_id", "/uri")
    if uri := text_of(item.get("uri")):
        builder.set_field("source_id", uri, "/uri")
    version = item.get("version")
    if version is None or version == "":
        return
    number = _whole_number(version)
    if number is not None and 0 <= number <= _MAX_VERSION:
        builder.set_field("version", number, "/version")
    else:
        builder.drop("/version", "is not a number up to ten digits; the article is ordered by versionCreated alone")
        builder.warn("version is not a number")


def read_urgency(item: Item, builder: ArticleBuilder) -> None:
    """Read the urgency, 1 to 9."""
    urgency = _whole_number(item.get("urgency"))
    if urgency is not None and urgency in _URGENCIES:
        builder.set_field("urgency", urgency, "/urgency")
    elif item.get("urgency") is not None:
        builder.drop("/urgency", "is not a number from 1 to 9")


def read_times(item: Item, builder: ArticleBuilder) -> None:
    """Read the times; an unreadable one refuses the item."""
    _read_instant(item, ("versionCreated", "versioncreated"), "version_created", builder)
    _read_instant(item, ("firstCreated", "contentCreated"), "first_created", builder)
    _read_instant(item, ("expires",), "expires_at", builder)
    embargoes = {name: instant for name in _EMBARGO_FIELDS if (instant := _instant(item, name, builder)) is not None}
    if embargoes:
        name = max(embargoes, key=lambda each: embargoes[each])
        builder.set_field("embargo_until", embargoes[name], pointer(name))
        for other in embargoes:
            if other != name:
                builder.drop(pointer(other), f"{name} is used, which is not earlier")
    _refuse_unknown_embargoes(item, builder)


def _read_instant(item: Item, names: tuple[str, ...], field: str, builder: ArticleBuilder) -> None:
    """Read the first present one of several names of the same time."""
    found = {name: instant for name in names if (instant := _instant(item, name, builder)) is not None}
    for name, instant in found.items():
        if field in builder.values:
            builder.drop(pointer(name), f"{next(iter(found))} is used instead")
        else:
            builder.set_field(field, instant, pointer(name))


def _instant(item: Item, name: str, builder: ArticleBuilder) -> datetime | None:
    try:
        return instant_of(item.get(name))
    except ValueError as error:
        if builder.is_removal:
            builder.drop(pointer(name), f"{error}; the removal is accepted without it")
        else:
            builder.fault(pointer(name), str(error))
    return None


def _refuse_unknown_embargoes(item: Item, builder: ArticleBuilder) -> None:
    """Refuse an unknown field whose name contains "embargo", so that no article is published too early."""
    for name, value in item.items():
        if "embargo" in name.lower() and name not in _EMBARGO_FIELDS and value and not builder.is_removal:
            builder.fault(pointer(name), "is not the ninjs 3.0 field of an embargo; use embargoedUntil")


def _whole_number(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = text_of(value)
    is_number = text is not None and text.isascii() and text.isdigit() and len(text) <= len(str(_MAX_VERSION))
    return int(text) if text and is_number else None
