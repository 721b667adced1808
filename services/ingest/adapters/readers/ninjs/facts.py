"""Identity, version, times and status of a ninjs item; faults in these refuse the item."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.facts import find_instant, set_first_published, set_status, set_version
from services.ingest.adapters.readers.ninjs.shape import Part, Sent
from services.ingest.adapters.readers.values import tail_of
from services.ingest.domain.pointers import pointer
from shared.model.article import Status

_SUPERDESK_STATUSES = {"held": "hold"}
_WARNED = frozenset({"unpublished", "hold", "held"})
_EMBARGO = "embargoed"
_SCHEDULE = "publish_schedule"  # Superdesk's time of publication; only a future one has an effect
_BRITISH = "cancelled"
_INNER_SCHEDULES = ("publish_schedule", "utc_publish_schedule")
_NOT_PUBLIC = "marked_for_not_publication"
_OTHER_ITEMS = frozenset({"associations", "evolvedfrom", "renditions", "extra_items"})
"""Objects that describe other items, which may have embargoes of their own."""


def read_status(item: Part, builder: ArticleBuilder) -> None:
    """Read the status under each of its names; an unknown one refuses the item, since it may be a kill."""
    found = []
    for given in item.spellings("pubstatus"):
        builder.values.pop("status", None)
        set_status(builder, _iptc_word(given.value), given.where)
        if "status" in builder.values:
            found.append((builder.values["status"], given))
    if len({status for status, _ in found}) > 1:
        first, second = found[0][1], found[1][1]
        builder.fault(second.where, f"differs from {first.where}")
    for status, given in found:
        builder.set_field("status", status, given.where)
        if isinstance(given.value, str) and tail_of(given.value).lower() in (*_WARNED, _BRITISH):
            builder.warn(f"the status {given.value.strip()[:40]} was read as {status.value}")


def read_identity(item: Part, builder: ArticleBuilder) -> None:
    """Read the id (`uri`, in Superdesk's dialect `guid`) and the version."""
    builder.expect("source_id", item.pointer_to("uri"))
    for given in item.spellings("uri"):
        if "source_id" in builder.values:
            builder.drop(given.where, "the guid is the id of the article")
        elif isinstance(given.value, str) and given.value.strip():
            builder.set_field("source_id", given.value.strip(), given.where)
    set_version(builder, item.value("version"), item.pointer_to("version"))


def read_times(item: Part, builder: ArticleBuilder, received_at: datetime) -> None:
    """Read the times; an unreadable one refuses the item.

    Of several embargoes the latest counts. A future `publish_schedule` is an embargo too.
    """
    _read_instant(item, ("versioncreated",), "version_created", builder)
    _read_instant(item, ("firstcreated", "contentcreated"), "first_created", builder)
    _read_instant(item, ("expires",), "expires_at", builder)
    for given in item.spellings("firstpublished"):
        set_first_published(builder, given.value, given.where, received_at)
    embargoes = [(instant, given) for given in item.spellings(_EMBARGO) if (instant := _instant(given, builder))]
    for given in item.spellings(_SCHEDULE):
        instant = _instant(given, builder)
        if instant is not None and instant > received_at:
            embargoes.append((instant, given))
        elif instant is not None:
            builder.drop(given.where, "is past")
    if embargoes:
        latest, used = max(embargoes, key=lambda each: each[0])
        builder.set_field("embargo_until", latest, used.where)
        for _, other in embargoes:
            if other is not used:
                builder.drop(other.where, f"{used.where} is used, which is not earlier")
    _refuse_unknown_embargoes(item, builder)
    _read_inner_embargoes(item, builder, received_at)


def _iptc_word(value: object) -> object:
    if not isinstance(value, str):
        return value
    return _SUPERDESK_STATUSES.get(tail_of(value.strip()).lower(), value)


def _instant(given: Sent, builder: ArticleBuilder) -> datetime | None:
    return find_instant(builder, given.value, given.where)


def _read_instant(item: Part, names: tuple[str, ...], field: str, builder: ArticleBuilder) -> None:
    """Read the first present one of several names of the same time."""
    used: Sent | None = None
    for given in (given for name in names for given in item.spellings(name)):
        instant = _instant(given, builder)
        if instant is None:
            continue
        if used is not None:
            builder.drop(given.where, f"{used.where} is used instead")
        else:
            builder.set_field(field, instant, given.where)
            used = given


def _refuse_unknown_embargoes(item: Part, builder: ArticleBuilder) -> None:
    """Refuse an unknown field whose name contains "embargo", so that no article is published too early."""
    for name in item.names:
        if "embargo" in name and name != _EMBARGO and not builder.is_removal:
            for given in item.spellings(name):
                builder.fault(given.where, "is not the field of an embargo in ninjs; use embargoedUntil")


def read_flags(item: Part, builder: ArticleBuilder) -> str:
    """Return the reason to hold an item that Superdesk marks as not for publication; otherwise an empty text."""
    for where, name, value in _inner_values(item):
        if name == _NOT_PUBLIC and not _is_inactive(value) and not builder.is_removal:
            builder.set_field("status", Status.WITHHELD, where)
            return "it is marked as not for publication"
    return ""


def _read_inner_embargoes(item: Part, builder: ArticleBuilder, received_at: datetime) -> None:
    """Read embargoes one level down, such as `schedule_settings.utc_embargo`; an unreadable one refuses the item."""
    for where, name, value in _inner_values(item):
        is_schedule = name in _INNER_SCHEDULES
        if not (is_schedule or "embargo" in name) or _is_inactive(value):
            continue
        instant = find_instant(builder, value, where, zone="UTC" if name.startswith("utc_") else None)
        if instant is None:
            continue
        known = builder.values.get("embargo_until")
        if is_schedule and instant <= received_at:
            builder.drop(where, "is past")
        elif known is None or known < instant:
            builder.set_field("embargo_until", instant, where)


def _inner_values(item: Part) -> Iterator[tuple[str, str, object]]:
    """Yield (pointer, name in lower case, value) of the fields of the item's objects, and of the item's own flags."""
    for name in item.names:
        if name in _OTHER_ITEMS:
            continue
        for given in item.spellings(name):
            if name == _NOT_PUBLIC:
                yield given.where, name, given.value
            if isinstance(given.value, dict):
                for inner, value in given.value.items():
                    yield given.where + pointer(inner), inner.lower(), value


def _is_inactive(value: object) -> bool:
    """Return whether a value says that there is no embargo, or no mark."""
    if isinstance(value, str):
        return value.strip().lower() in ("", "false", "no", "0")
    return not value
