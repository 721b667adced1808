"""Associated items: pictures, which come with the article, and other articles, which it only points to."""

from __future__ import annotations

import re
from typing import Any

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.ninjs.texts import texts_in, with_role
from services.ingest.adapters.readers.ninjs.values import Item, instant_of, leave_rest, objects_in, text_of
from services.ingest.domain.pointers import pointer

_PICTURES = frozenset({"picture", "graphic"})
_FEATURED = frozenset({"featuremedia", "featured", "feature_media", "main", "lead"})
_MEDIA = re.compile(r"^media:([0-9a-f]{64})$")
_BY_LINK = "pictures by link are fetched in a later version; upload with POST /v1/media, then send media:{digest}"
_ALT = ("alt", "alttext", "alternative", "alternativetext")
_OF_A_PICTURE = frozenset({"name", "rel", "uri", "type", "descriptions", "renditions", "by", "copyrightHolder"})
_OF_A_LINK = frozenset({"name", "rel", "uri", "type", "headlines", "title"})
_STATES = frozenset({"pubStatus", "pubstatus", "embargoedUntil", "embargoed", "version", "versionCreated", "standard"})


def keep_associations(item: Item, builder: ArticleBuilder) -> None:
    """Take the featured picture, else the first, as the lead; further ones and related articles beside it."""
    pictures: list[tuple[str, Item, bool]] = []
    for where, entry in objects_in(item, "associations", builder):
        kind = (text_of(entry.get("type")) or "").lower()
        is_featured = _names(entry) & _FEATURED != frozenset()
        if reason := _why_not_public(entry):
            builder.drop(where, reason)
        elif kind in _PICTURES or (not kind and (is_featured or entry.get("renditions"))):
            pictures.append((where, entry, is_featured))
        elif kind in ("", "text"):
            _keep_related(where, entry, builder)
        else:
            builder.drop(where, f"an associated item of type {kind[:40]} has no place in an article yet")
    lead = next((each for each in pictures if each[2]), pictures[0] if pictures else None)
    for each in pictures:
        where, entry, _ = each
        picture = _picture_of(where, entry, builder)
        if not any(picture.values()):
            builder.drop(where, "holds neither a picture nor words")
        elif each is lead:
            builder.keep("picture", picture, where)
        else:
            builder.add("pictures", picture, where)


def _names(entry: Item) -> frozenset[str]:
    return frozenset((text_of(entry.get(field)) or "").lower() for field in ("name", "role", "rel"))


def _why_not_public(entry: Item) -> str | None:
    """Return why an associated item must not be shown; an embargo that cannot be read counts as one that stands."""
    status = (text_of(entry.get("pubStatus")) or text_of(entry.get("pubstatus")) or "usable").lower()
    if not status.endswith("usable"):
        return "is not usable by its own status"
    try:
        embargoes = [instant_of(entry.get(name)) for name in ("embargoedUntil", "embargoed")]
    except ValueError:
        return "has an embargo that cannot be read"
    return "has an embargo of its own" if any(embargoes) else None


def _keep_related(where: str, entry: Item, builder: ArticleBuilder) -> None:
    uri = text_of(entry.get("uri"))
    headlines = texts_in(entry, "headlines", builder, where)
    leave_rest(entry, _OF_A_LINK | _STATES, builder, where, "of a related article only its id and headline are kept")
    if not uri:
        builder.drop(where, "names no other item")
        return
    title = headlines[0].words if headlines else text_of(entry.get("title"))
    relation = text_of(entry.get("rel")) or text_of(entry.get("name"))
    builder.add("related", {"source_id": uri, "title": title, "relation": relation}, where)


def _picture_of(where: str, entry: Item, builder: ArticleBuilder) -> dict[str, Any]:
    texts = texts_in(entry, "descriptions", builder, where)
    credit, alt = with_role(texts, ("creditline", "credit")), with_role(texts, _ALT)
    rest = [text for text in texts if text is not credit and text is not alt]
    caption = with_role(rest, ("caption",)) or next(iter(rest), None)
    for text in rest:
        if text is not caption:
            builder.drop(text.where, "another caption is used")
    credits_ = [credit.words if credit else None, text_of(entry.get("by")), text_of(entry.get("copyrightHolder"))]
    leave_rest(entry, _OF_A_PICTURE | _STATES, builder, where, "has no place with a picture")
    return {
        "caption": caption.words if caption else None,
        "credit": next((each for each in credits_ if each), None),
        "alt": alt.words if alt else None,
        **_file_of(where, entry, builder),
    }


def _file_of(where: str, entry: Item, builder: ArticleBuilder) -> dict[str, Any]:
    """Return the digest of the largest rendition that was uploaded here."""
    uploaded: list[tuple[int, str, str]] = []
    for here, rendition in objects_in(entry, "renditions", builder, where):
        href = text_of(rendition.get("href")) or ""
        if found := _MEDIA.match(href):
            width = rendition.get("width")
            uploaded.append((width if isinstance(width, int) else 0, found[1], here))
        else:
            builder.drop(here + pointer("href"), _BY_LINK)
    if not uploaded:
        return {}
    largest = max(uploaded, key=lambda each: each[0])
    for each in uploaded:
        if each is not largest:
            builder.drop(each[2], "the largest one is used; smaller ones are made here")
    builder.confirm(largest[2])
    return {"media": largest[1]}
