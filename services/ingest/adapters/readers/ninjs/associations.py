"""Associated items of a ninjs item: pictures and related articles.

Superdesk keys them by name: `featuremedia` is the lead picture, `editor_0` stands in the body between EMBED comments,
`gallery--1` is one of a list. A full text item is another article; only its id and headline are used here.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.facts import PictureFile, SentPicture, find_upload, set_pictures
from services.ingest.adapters.readers.ninjs.shape import Part
from services.ingest.adapters.readers.ninjs.texts import text_in, texts_in, with_role
from services.ingest.adapters.readers.values import instant_of, tail_of, text_of, whole_number

_PICTURE_TYPES = frozenset({"picture", "graphic"})
_FEATURED_NAMES = frozenset({"featuremedia", "featured", "feature_media", "main", "lead", "mainpic"})
_ALT_ROLES = ("alt", "alttext", "alternative", "alternativetext")
_CREDIT_ROLES = ("creditline", "credit")
_PICTURE_FIELDS = frozenset(
    {"name", "rel", "uri", "type", "descriptions", "bodies", "headlines", "renditions", "by", "copyrightholder"}
)
_LINK_FIELDS = frozenset({"name", "rel", "uri", "type", "headlines", "title", "label"})
_STATE_FIELDS = frozenset(
    {"pubstatus", "embargoed", "version", "versioncreated", "firstcreated", "firstpublished", "standard", "language"}
)
_EMBEDDED = re.compile(r"<!--\s{0,5}EMBED START \w{1,40} \{\s{0,5}id:\s{0,5}[\"']?([^\"'{}<>\s]{1,200})", re.IGNORECASE)
_SOURCE = re.compile(r"""\bsrc\s{0,5}=\s{0,5}(?:"([^"<>]{1,4000})"|'([^'<>]{1,4000})')""", re.IGNORECASE)


def read_associations(item: Part, builder: ArticleBuilder) -> None:
    """Read the lead picture (the featured, otherwise the first), further pictures and related articles.

    A picture that the body shows is no further picture; its address there becomes the uploaded file.
    """
    body = builder.values.get("body")
    markup = body if isinstance(body, str) else ""
    embedded, sources = set(_EMBEDDED.findall(markup)), {html.unescape(a or b) for a, b in _SOURCE.findall(markup)}
    pictures: list[tuple[Part, bool]] = []
    uploaded: dict[str, str] = {}
    for entry in item.parts("associations", builder):
        kind = (entry.text("type") or "").lower()
        is_featured = not _names(entry).isdisjoint(_FEATURED_NAMES)
        if reason := _find_exclusion(entry):
            builder.drop(entry.where, reason)
        elif kind in _PICTURE_TYPES or (not kind and (is_featured or entry.has("renditions"))):
            if entry.key in embedded or not sources.isdisjoint(_addresses(entry, builder)):
                builder.confirm(entry.where)
                uploaded |= _uploaded_addresses(entry, builder)
                if not is_featured:
                    continue
            pictures.append((entry, is_featured))
        elif kind in ("", "text", "composite"):
            _read_related(entry, builder)
        else:
            builder.drop(entry.where, f"associated items of type {kind[:40]} are not supported yet")
    set_pictures(builder, [_picture_of(*each, builder) for each in pictures])
    if uploaded:
        builder.values["body"] = _SOURCE.sub(lambda found: _replaced(found, uploaded), markup)


def _names(entry: Part) -> frozenset[str]:
    names = (entry.key, *(entry.text(field) or "" for field in ("name", "role", "rel")))
    return frozenset(name.lower() for name in names)


def _find_exclusion(entry: Part) -> str | None:
    """Return the reason why an associated item may not be shown, or None; an unreadable embargo is a reason."""
    if any(tail_of(str(given.value)).lower() != "usable" for given in entry.spellings("pubstatus")):
        return "is not usable by its own status"
    try:
        embargoes = [instant_of(given.value) for given in entry.spellings("embargoed")]
    except ValueError:
        return "has an embargo that cannot be read"
    return "has an embargo of its own" if any(embargoes) else None


def _read_related(entry: Part, builder: ArticleBuilder) -> None:
    """Read the id and the headline of another article; its text is not this article's."""
    uri = entry.text("uri")
    headlines = texts_in(entry, "headlines", builder)
    entry.drop_others(
        _LINK_FIELDS | _STATE_FIELDS | {"headline"}, builder, "only id and headline of a related article are used"
    )
    if not uri:
        builder.drop(entry.where, "has no uri of another item")
        return
    title = headlines[0].plain_text if headlines else entry.text("title")
    relation = entry.text("rel") or entry.text("name") or entry.key or None
    builder.add_entry("related", {"source_id": uri, "title": title, "relation": relation}, entry.where)


def _picture_of(entry: Part, is_featured: bool, builder: ArticleBuilder) -> SentPicture:  # noqa: FBT001 -- unpacked from a tuple
    texts = texts_in(entry, "descriptions", builder)
    bodies = texts_in(entry, "bodies", builder)  # Superdesk's alternative text
    headlines = texts_in(entry, "headlines", builder)
    credit, alt = with_role(texts, _CREDIT_ROLES), with_role(texts, _ALT_ROLES) or with_role(bodies, ("text",))
    rest = [text for text in texts if text is not credit and text is not alt]
    caption = with_role(rest, ("caption", "text")) or next(iter(rest), None)
    for text in (*rest, *bodies):
        if text is not caption and text is not alt:
            builder.drop(text.where, "another text of the picture is used instead")
    for text in headlines:
        builder.drop(text.where, "the caption of the picture is used instead")
    credits_ = (credit.plain_text if credit else None, text_in(entry.value("by")), entry.text("copyrightholder"))
    entry.drop_others(_PICTURE_FIELDS | _STATE_FIELDS, builder, "is not used for pictures", has_texts=True)
    return SentPicture(
        where=entry.where,
        files=list(_files_of(entry, builder)),
        caption=caption.plain_text if caption else None,
        credit=next((each for each in credits_ if each), None),
        alt=alt.plain_text if alt else None,
        is_lead=is_featured,
    )


def _files_of(entry: Part, builder: ArticleBuilder) -> Iterator[PictureFile]:
    for rendition in entry.parts("renditions", builder):
        yield PictureFile(
            rendition.pointer_to("href"),
            rendition.text("href") or "",
            whole_number(rendition.value("width")) or 0,
            asset=text_of(rendition.value("media")) or "",
        )


def _addresses(entry: Part, builder: ArticleBuilder) -> set[str]:
    return {href for rendition in entry.parts("renditions", builder) if (href := rendition.text("href"))}


def _uploaded_addresses(entry: Part, builder: ArticleBuilder) -> dict[str, str]:
    """Return (address in the body) -> (address of the uploaded file) of an embedded picture's files."""
    files = list(_files_of(entry, builder))
    found = find_upload(builder, files)
    return {file.href: f"media:{found[1]}" for file in files if file.href} if found else {}


def _replaced(found: re.Match[str], uploaded: dict[str, str]) -> str:
    address = html.unescape(found[1] or found[2])
    return f'src="{uploaded[address]}"' if address in uploaded else found[0]
