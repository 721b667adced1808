"""Finds the items in a document of AP's Media API, and reads status and times of an item."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeGuard

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.facts import KILL_WORDS, set_instant, set_status, set_version
from services.ingest.adapters.readers.values import Item, objects_in, tail_of, text_of
from services.ingest.domain.pointers import pointer
from shared.model.article import Status

_MEDIA = frozenset({"picture", "photo", "graphic", "video", "audio", "animation", "complexdata"})
_FOR_EDITORS = frozenset({"advisory", "withhold", "disregard", "test", "holdforrelease"})
_ADVISORY_CATEGORY = "v"
_ADVANCES = frozenset({"advance"})


def is_item(value: object) -> TypeGuard[Item]:
    """Return whether a value is an item of the Media API."""
    if not isinstance(value, dict):
        return False
    altids = value.get("altids")
    return isinstance(altids, dict) and "itemid" in altids and ("type" in value or "versioncreated" in value)


def items_in(document: Item) -> list[tuple[Item, str]]:
    """Return (item, pointer) of a document: a bare item, an envelope around one, or a feed."""
    if is_item(document):
        return [(document, "")]
    found: list[tuple[Item, str]] = []
    data = document.get("data")
    places: tuple[tuple[object, str], ...] = ((document, ""), (data, pointer("data")))
    for place, where in places:
        if not isinstance(place, dict):
            continue
        only = place.get("item")
        if is_item(only):
            found.append((only, where + pointer("item")))
        entries = place.get("items")
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            inner = entry.get("item") if isinstance(entry, dict) else None
            if is_item(inner):
                found.append((inner, where + pointer("items", index, "item")))
            elif is_item(entry):
                found.append((entry, where + pointer("items", index)))
    return found


def identifier_of(item: Item) -> str | None:
    """Return the id of an item, the same for all of its revisions."""
    altids = item.get("altids")
    return text_of(altids.get("itemid")) if isinstance(altids, dict) else None


def kind_of(item: Item) -> str:
    """Return the item's type in lower case; a text if it has none."""
    return (text_of(item.get("type")) or "text").lower()


def media_reason(item: Item) -> str:
    """Return the reason why an item is media and no article; empty if it is none."""
    kind = kind_of(item)
    return f"{kind} is not an article; it is kept as media" if kind in _MEDIA else ""


def read_identity(item: Item, where: str, builder: ArticleBuilder) -> None:
    """Read id and version."""
    origin = where + pointer("altids", "itemid")
    builder.expect("source_id", origin)
    if identifier := identifier_of(item):
        builder.set_field("source_id", identifier, origin)
    set_version(builder, item.get("version"), where + pointer("version"))


def read_status(item: Item, where: str, builder: ArticleBuilder) -> str:
    """Set the status; return the reason why the item is not public, empty if it is public."""
    status = item.get("pubstatus")
    is_embargoed = isinstance(status, str) and tail_of(status).lower() == "embargoed"
    if not is_embargoed:
        set_status(builder, status, where + pointer("pubstatus"))
    if builder.is_removal:
        return ""
    words = {word.lower().replace(" ", "") for word in _words(item)}
    if not words.isdisjoint(KILL_WORDS):
        builder.set_field("status", Status.CANCELED, where + pointer("editorialtypes"))
        return ""
    reason = ""
    if found := words & _FOR_EDITORS or ({"advisory"} if _is_advisory(item, builder) else set()):
        reason = f"{min(found)} is for editors"
    elif not text_of(item.get("embargoed")) and (is_embargoed or not words.isdisjoint(_ADVANCES)):
        reason = "it may not be published yet, and its embargo has no end"
    if reason:
        builder.set_field("status", Status.WITHHELD, where)
    return reason


def read_times(item: Item, where: str, builder: ArticleBuilder) -> None:
    """Read the times; an unreadable one refuses the item."""
    for field, name in (
        ("version_created", "versioncreated"),
        ("first_created", "firstcreated"),
        ("embargo_until", "embargoed"),
        ("expires_at", "expires"),
    ):
        set_instant(builder, field, item.get(name), where + pointer(name))
    for name, value in item.items():
        if "embargo" in name.lower() and name != "embargoed" and value and not builder.is_removal:
            builder.fault(where + pointer(name), "is not the field of an embargo; use embargoed")


def _words(item: Item) -> Iterator[str]:
    """Yield the editorial types and roles, such as `Advisory`."""
    for name in ("editorialtypes", "editorialrole", "signals"):
        value = item.get(name)
        for each in value if isinstance(value, list) else (value,):
            if word := text_of(each):
                yield word


def _is_advisory(item: Item, builder: ArticleBuilder) -> bool:
    subjects = [each for _, each in objects_in(item, "subject", builder) if is_category(each)]
    return any(text_of(each.get("code")) == _ADVISORY_CATEGORY for each in subjects)


def is_category(subject: Item) -> bool:
    """Return whether a subject is a category code of AP, such as `s` for sports."""
    rels = subject.get("rels")
    return isinstance(rels, list) and "category" in rels
