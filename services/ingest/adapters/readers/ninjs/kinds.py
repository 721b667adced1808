"""Decides what an item is: an article, or one of the items that never become a page."""

from __future__ import annotations

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.ninjs.shape import Part
from services.ingest.adapters.readers.reasons import DATE_TIME_FAULT
from services.ingest.domain.refusal import Fault, unacceptable
from services.ingest.ports import SetAside

_ARTICLES = frozenset({"text", "preformatted"})
_PACKAGES = frozenset({"composite", "package"})
_MEDIA = {
    "picture": "a picture",
    "photo": "a picture",
    "graphic": "a graphic",
    "audio": "a sound",
    "video": "a video",
    "animation": "an animation",
}
_WHOLE = frozenset({"full", "complete"})
_EVENT_FIELDS = ("eventdetails", "plannedcoverage", "coverages")


def refuse_unless_news(item: Part, builder: ArticleBuilder) -> None:
    """Return if the item is an article or media.

    Raises:
        RefusedError: 422, an item without an id, an event, a planning, or an unknown type.
    """
    if "source_id" not in builder.values:
        raise unacceptable([*builder.faults, Fault(item.pointer_to("uri"), "is required and missing")])
    kind = _kind_of(item)
    if kind not in (*_ARTICLES, *_PACKAGES, *_MEDIA):
        detail = f"not an article: type {kind[:40]}"
        raise unacceptable([Fault(item.pointer_to("type"), detail)], detail)


def find_set_aside(item: Part, builder: ArticleBuilder) -> SetAside | None:
    """Return the item as one that never becomes a page; None if it is an article or a removal.

    Raises:
        RefusedError: 422, a package without a text of its own, or an incomplete item with a fault.
    """
    kind = _kind_of(item)
    if kind in _MEDIA:
        return builder.set_aside("media", f"{_MEDIA[kind]} without a text has no page of its own")
    if builder.is_removal:
        return None
    has_body = "body" in builder.values
    if kind in _PACKAGES and not has_body and item.has("associations"):
        detail = "a package of references: it has no text of its own, and its items are sent separately"
        raise unacceptable([Fault(item.pointer_to("type"), detail)], detail)
    whole = (item.text("representationtype") or "full").lower()
    if whole not in _WHOLE and not has_body:
        return _held(builder, f"representationtype {whole[:40]}: only a part of the item was sent")
    missing = [name for name, field in (("headline", "headline"), ("text", "body")) if field not in builder.values]
    if missing:
        return _held(builder, f"the item has no {' and no '.join(missing)}")
    return None


def _held(builder: ArticleBuilder, reason: str) -> SetAside:
    """Return the held item. Times that cannot be read are reported; other faults refuse it."""
    others = [fault for fault in builder.faults if fault.detail != DATE_TIME_FAULT]
    if others:
        raise unacceptable(others)
    for fault in builder.faults:
        builder.drop(fault.pointer, fault.detail)
    return builder.set_aside("held", reason)


def _kind_of(item: Part) -> str:
    """Return the type in lower case. Without a type, an item with files and no text is a picture."""
    kind = (item.text("type") or "").lower()
    if kind:
        return kind
    if any(item.has(name) for name in _EVENT_FIELDS):
        return "event"
    has_text = any(item.has(name) for name in ("headlines", "headline", "bodies", "body_text", "body_html"))
    return "picture" if item.has("renditions") and not has_text else "text"
