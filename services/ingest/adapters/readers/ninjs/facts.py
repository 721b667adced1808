"""Identity, version, times and status of a ninjs item; faults in these refuse the item."""

from __future__ import annotations

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.facts import find_instant, set_status, set_version
from services.ingest.adapters.readers.values import Item, text_of
from services.ingest.domain.pointers import pointer

_EMBARGO_FIELDS = ("embargoedUntil", "embargoed")


def read_status(item: Item, builder: ArticleBuilder) -> None:
    """Read the status under either of its names; an unknown one refuses the item, since it may be a kill."""
    found = set()
    for name in ("pubStatus", "pubstatus"):
        builder.values.pop("status", None)
        set_status(builder, item.get(name), pointer(name))
        if "status" in builder.values:
            found.add((builder.values["status"], pointer(name)))
    if len({status for status, _ in found}) > 1:
        builder.fault("/pubstatus", "differs from /pubStatus")
    for status, where in sorted(found):
        builder.set_field("status", status, where)


def read_identity(item: Item, builder: ArticleBuilder) -> None:
    """Read the uri and the version."""
    builder.expect("source_id", "/uri")
    if uri := text_of(item.get("uri")):
        builder.set_field("source_id", uri, "/uri")
    set_version(builder, item.get("version"), "/version")


def read_times(item: Item, builder: ArticleBuilder) -> None:
    """Read the times; an unreadable one refuses the item."""
    _read_instant(item, ("versionCreated", "versioncreated"), "version_created", builder)
    _read_instant(item, ("firstCreated", "contentCreated"), "first_created", builder)
    _read_instant(item, ("expires",), "expires_at", builder)
    embargoes = {
        name: instant
        for name in _EMBARGO_FIELDS
        if (instant := find_instant(builder, item.get(name), pointer(name))) is not None
    }
    if embargoes:
        name = max(embargoes, key=lambda each: embargoes[each])
        builder.set_field("embargo_until", embargoes[name], pointer(name))
        for other in embargoes:
            if other != name:
                builder.drop(pointer(other), f"{name} is used, which is not earlier")
    _refuse_unknown_embargoes(item, builder)


def _read_instant(item: Item, names: tuple[str, ...], field: str, builder: ArticleBuilder) -> None:
    """Read the first present one of several names of the same time."""
    found = {
        name: instant for name in names if (instant := find_instant(builder, item.get(name), pointer(name))) is not None
    }
    for name, instant in found.items():
        if field in builder.values:
            builder.drop(pointer(name), f"{next(iter(found))} is used instead")
        else:
            builder.set_field(field, instant, pointer(name))


def _refuse_unknown_embargoes(item: Item, builder: ArticleBuilder) -> None:
    """Refuse an unknown field whose name contains "embargo", so that no article is published too early."""
    for name, value in item.items():
        if "embargo" in name.lower() and name not in _EMBARGO_FIELDS and value and not builder.is_removal:
            builder.fault(pointer(name), "is not the ninjs 3.0 field of an embargo; use embargoedUntil")
