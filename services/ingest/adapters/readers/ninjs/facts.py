"""Identity, order, times and status of a ninjs item: the parts that are read strictly."""

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
_HIGHEST_VERSION = 10**10 - 1
_URGENCIES = range(1, 10)
_EMBARGOES = ("embargoedUntil", "embargoed")


def keep_status(item: Item, builder: ArticleBuilder) -> None:
    """Take the status under either of its names; one that is unknown refuses the item, since it may be a kill."""
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
        builder.fault("/pubstatus", "says something else than /pubStatus")
    for where, status in found.items():
        builder.keep("status", status, where)


def keep_identity(item: Item, builder: ArticleBuilder) -> None:
    """Take the uri, and the version where it is a number; as text it does not order."""
    builder.expect("source_id", "/uri")
    if uri := text_of(item.get("uri")):
        builder.keep("source_id", uri, "/uri")
    version = item.get("version")
    if version is None or version == "":
        return
    number = _whole_number(version)
    if number is not None and 0 <= number <= _HIGHEST_VERSION:
        builder.keep("version", number, "/version")
    else:
        builder.drop("/version", "is not a number up to ten digits; the article is ordered by versionCreated alone")
        builder.warn("version is not a number")


def keep_urgency(item: Item, builder: ArticleBuilder) -> None:
    """Take an urgency of 1 to 9."""
    urgency = _whole_number(item.get("urgency"))
    if urgency is not None and urgency in _URGENCIES:
        builder.keep("urgency", urgency, "/urgency")
    elif item.get("urgency") is not None:
        builder.drop("/urgency", "is not a number from 1 to 9")


def keep_times(item: Item, builder: ArticleBuilder) -> None:
    """Take the stamps; one that cannot be read refuses the item, an embargo above all."""
    _keep_instant(item, ("versionCreated", "versioncreated"), "version_created", builder)
    _keep_instant(item, ("firstCreated", "contentCreated"), "first_created", builder)
    _keep_instant(item, ("expires",), "expires_at", builder)
    embargoes = {name: instant for name in _EMBARGOES if (instant := _instant(item, name, builder)) is not None}
    if embargoes:
        name = max(embargoes, key=lambda each: embargoes[each])
        builder.keep("embargo_until", embargoes[name], pointer(name))
        for other in embargoes:
            if other != name:
                builder.drop(pointer(other), f"{name} is not earlier")
    _refuse_unknown_embargoes(item, builder)


def _keep_instant(item: Item, names: tuple[str, ...], field: str, builder: ArticleBuilder) -> None:
    """Take the first that is there of several stamps that may say the same."""
    found = {name: instant for name in names if (instant := _instant(item, name, builder)) is not None}
    for name, instant in found.items():
        if field in builder.values:
            builder.drop(pointer(name), f"{next(iter(found))} is used")
        else:
            builder.keep(field, instant, pointer(name))


def _instant(item: Item, name: str, builder: ArticleBuilder) -> datetime | None:
    try:
        return instant_of(item.get(name))
    except ValueError as error:
        if builder.is_removal:
            builder.drop(pointer(name), f"{error}; the removal stands without it")
        else:
            builder.fault(pointer(name), str(error))
    return None


def _refuse_unknown_embargoes(item: Item, builder: ArticleBuilder) -> None:
    """Refuse a field that speaks of an embargo under a name we do not know: rather late than too early."""
    for name, value in item.items():
        if "embargo" in name.lower() and name not in _EMBARGOES and value and not builder.is_removal:
            builder.fault(pointer(name), "is not how ninjs 3.0 names an embargo; use embargoedUntil")


def _whole_number(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = text_of(value)
    is_number = text is not None and text.isascii() and text.isdigit() and len(text) <= len(str(_HIGHEST_VERSION))
    return int(text) if text and is_number else None
