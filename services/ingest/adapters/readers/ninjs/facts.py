"""Identity, order, times and status of a ninjs item: the parts that are read strictly."""

from __future__ import annotations

from datetime import datetime

from services.ingest.adapters.readers.draft import Draft
from services.ingest.adapters.readers.ninjs.texts import tail_of
from services.ingest.adapters.readers.ninjs.values import Item, instant_of, text_of
from services.ingest.domain.pointers import pointer
from shared.article import Status

_STATUSES = {
    "usable": Status.USABLE,
    "withheld": Status.WITHHELD,
    "canceled": Status.CANCELED,
    "cancelled": Status.CANCELED,
}
_HIGHEST_VERSION = 10**10 - 1
_URGENCIES = range(1, 10)
_EMBARGOES = ("embargoedUntil", "embargoed")


def keep_status(item: Item, draft: Draft) -> None:
    """Take the status under either of its names; one that is unknown refuses the item, since it may be a kill."""
    found: dict[str, Status] = {}
    for name in ("pubStatus", "pubstatus"):
        value = item.get(name)
        if value is None or value == "":
            continue
        status = _STATUSES.get(tail_of(value.strip()).lower()) if isinstance(value, str) else None
        if status is None:
            draft.fault(pointer(name), "must be one of usable, withheld or canceled")
        else:
            found[pointer(name)] = status
    if len(set(found.values())) > 1:
        draft.fault("/pubstatus", "says something else than /pubStatus")
    for where, status in found.items():
        draft.keep("status", status, where)


def keep_identity(item: Item, draft: Draft) -> None:
    """Take the uri, and the version where it is a number; as text it does not order."""
    draft.expect("source_id", "/uri")
    if uri := text_of(item.get("uri")):
        draft.keep("source_id", uri, "/uri")
    version = item.get("version")
    if version is None or version == "":
        return
    number = _whole_number(version)
    if number is not None and 0 <= number <= _HIGHEST_VERSION:
        draft.keep("version", number, "/version")
    else:
        draft.drop("/version", "is not a number up to ten digits; the article is ordered by versionCreated alone")
        draft.warn("version is not a number")


def keep_urgency(item: Item, draft: Draft) -> None:
    """Take an urgency of 1 to 9."""
    urgency = _whole_number(item.get("urgency"))
    if urgency is not None and urgency in _URGENCIES:
        draft.keep("urgency", urgency, "/urgency")
    elif item.get("urgency") is not None:
        draft.drop("/urgency", "is not a number from 1 to 9")


def keep_times(item: Item, draft: Draft) -> None:
    """Take the stamps; one that cannot be read refuses the item, an embargo above all."""
    _keep_instant(item, ("versionCreated", "versioncreated"), "version_created", draft)
    _keep_instant(item, ("firstCreated", "contentCreated"), "first_created", draft)
    _keep_instant(item, ("expires",), "expires_at", draft)
    embargoes = {name: instant for name in _EMBARGOES if (instant := _instant(item, name, draft)) is not None}
    if embargoes:
        name = max(embargoes, key=lambda each: embargoes[each])
        draft.keep("embargo_until", embargoes[name], pointer(name))
        for other in embargoes:
            if other != name:
                draft.drop(pointer(other), f"{name} is not earlier")
    _refuse_unknown_embargoes(item, draft)


def _keep_instant(item: Item, names: tuple[str, ...], field: str, draft: Draft) -> None:
    """Take the first that is there of several stamps that may say the same."""
    found = {name: instant for name in names if (instant := _instant(item, name, draft)) is not None}
    for name, instant in found.items():
        if field in draft.values:
            draft.drop(pointer(name), f"{next(iter(found))} is used")
        else:
            draft.keep(field, instant, pointer(name))


def _instant(item: Item, name: str, draft: Draft) -> datetime | None:
    try:
        return instant_of(item.get(name))
    except ValueError as error:
        if draft.is_removal:
            draft.drop(pointer(name), f"{error}; the removal stands without it")
        else:
            draft.fault(pointer(name), str(error))
    return None


def _refuse_unknown_embargoes(item: Item, draft: Draft) -> None:
    """Refuse a field that speaks of an embargo under a name we do not know: rather late than too early."""
    for name, value in item.items():
        if "embargo" in name.lower() and name not in _EMBARGOES and value and not draft.is_removal:
            draft.fault(pointer(name), "is not how ninjs 3.0 names an embargo; use embargoedUntil")


def _whole_number(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = text_of(value)
    is_number = text is not None and text.isascii() and text.isdigit() and len(text) <= len(str(_HIGHEST_VERSION))
    return int(text) if text and is_number else None
