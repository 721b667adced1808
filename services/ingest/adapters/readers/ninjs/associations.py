"""Associated items of a ninjs item: pictures and related articles."""

from __future__ import annotations

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.facts import PictureFile, SentPicture, set_pictures
from services.ingest.adapters.readers.ninjs.texts import texts_in, with_role
from services.ingest.adapters.readers.values import Item, drop_others, instant_of, objects_in, text_of, whole_number
from services.ingest.domain.pointers import pointer

_PICTURE_TYPES = frozenset({"picture", "graphic"})
_FEATURED_NAMES = frozenset({"featuremedia", "featured", "feature_media", "main", "lead"})
_ALT_ROLES = ("alt", "alttext", "alternative", "alternativetext")
_PICTURE_FIELDS = frozenset({"name", "rel", "uri", "type", "descriptions", "renditions", "by", "copyrightHolder"})
_LINK_FIELDS = frozenset({"name", "rel", "uri", "type", "headlines", "title"})
_STATE_FIELDS = frozenset(
    {"pubStatus", "pubstatus", "embargoedUntil", "embargoed", "version", "versionCreated", "standard"}
)


def read_associations(item: Item, builder: ArticleBuilder) -> None:
    """Read the lead picture (the featured, otherwise the first), further pictures and related articles."""
    pictures: list[tuple[str, Item, bool]] = []
    for where, entry in objects_in(item, "associations", builder):
        kind = (text_of(entry.get("type")) or "").lower()
        is_featured = _names(entry) & _FEATURED_NAMES != frozenset()
        if reason := _find_exclusion(entry):
            builder.drop(where, reason)
        elif kind in _PICTURE_TYPES or (not kind and (is_featured or entry.get("renditions"))):
            pictures.append((where, entry, is_featured))
        elif kind in ("", "text"):
            _read_related(where, entry, builder)
        else:
            builder.drop(where, f"associated items of type {kind[:40]} are not supported yet")
    set_pictures(builder, [_picture_of(*each, builder) for each in pictures])


def _names(entry: Item) -> frozenset[str]:
    return frozenset((text_of(entry.get(field)) or "").lower() for field in ("name", "role", "rel"))


def _find_exclusion(entry: Item) -> str | None:
    """Return the reason why an associated item may not be shown, or None; an unreadable embargo is a reason."""
    status = (text_of(entry.get("pubStatus")) or text_of(entry.get("pubstatus")) or "usable").lower()
    if not status.endswith("usable"):
        return "is not usable by its own status"
    try:
        embargoes = [instant_of(entry.get(name)) for name in ("embargoedUntil", "embargoed")]
    except ValueError:
        return "has an embargo that cannot be read"
    return "has an embargo of its own" if any(embargoes) else None


def _read_related(where: str, entry: Item, builder: ArticleBuilder) -> None:
    uri = text_of(entry.get("uri"))
    headlines = texts_in(entry, "headlines", builder, where)
    drop_others(
        entry, _LINK_FIELDS | _STATE_FIELDS, builder, where, "only id and headline of a related article are used"
    )
    if not uri:
        builder.drop(where, "has no uri of another item")
        return
    title = headlines[0].plain_text if headlines else text_of(entry.get("title"))
    relation = text_of(entry.get("rel")) or text_of(entry.get("name"))
    builder.add_entry("related", {"source_id": uri, "title": title, "relation": relation}, where)


def _picture_of(where: str, entry: Item, is_featured: bool, builder: ArticleBuilder) -> SentPicture:  # noqa: FBT001 -- unpacked from a tuple
    texts = texts_in(entry, "descriptions", builder, where)
    credit, alt = with_role(texts, ("creditline", "credit")), with_role(texts, _ALT_ROLES)
    rest = [text for text in texts if text is not credit and text is not alt]
    caption = with_role(rest, ("caption",)) or next(iter(rest), None)
    for text in rest:
        if text is not caption:
            builder.drop(text.where, "another caption is used instead")
    credits_ = [credit.plain_text if credit else None, text_of(entry.get("by")), text_of(entry.get("copyrightHolder"))]
    drop_others(entry, _PICTURE_FIELDS | _STATE_FIELDS, builder, where, "is not used for pictures")
    return SentPicture(
        where=where,
        files=[_file_of(*each) for each in objects_in(entry, "renditions", builder, where)],
        caption=caption.plain_text if caption else None,
        credit=next((each for each in credits_ if each), None),
        alt=alt.plain_text if alt else None,
        is_lead=is_featured,
    )


def _file_of(where: str, rendition: Item) -> PictureFile:
    return PictureFile(
        where + pointer("href"), text_of(rendition.get("href")) or "", whole_number(rendition.get("width")) or 0
    )
