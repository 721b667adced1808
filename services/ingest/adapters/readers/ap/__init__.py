"""Reads items of AP's Media API in JSON. The API links to the text; a client adds it before it posts the item."""

from __future__ import annotations

import re
from collections.abc import Mapping

from services.ingest.adapters.readers.ap.about import FORMAT
from services.ingest.adapters.readers.ap.item import (
    identifier_of,
    is_category,
    items_in,
    kind_of,
    media_reason,
    read_identity,
    read_status,
    read_times,
)
from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.elements import find, markup_in
from services.ingest.adapters.readers.entries import read_each
from services.ingest.adapters.readers.facts import (
    DISPENSABLE_FIELDS,
    find_section,
    set_body,
    set_language,
    set_urgency,
)
from services.ingest.adapters.readers.reasons import NOTE_REASON
from services.ingest.adapters.readers.values import Item, drop_others, objects_in, text_of
from services.ingest.domain.pointers import pointer
from services.ingest.domain.refusal import Fault, RefusedError, unacceptable
from services.ingest.ports import Document, Entry, ReadingContext
from shared.model.text import collapsed
from shared.site.sites import Site

_VERSION = re.compile(r"^\d{1,2}\.\d{1,2}$")
_BOTH_CYCLES = re.compile(r"^BC-(?:[A-Z]{2}--)?(?=\S)")
_CATEGORY_WORDS: Mapping[str, tuple[str, ...]] = {
    "a": ("national", "us"),
    "e": ("entertainment", "culture"),
    "f": ("business", "finance", "economy"),
    "i": ("world", "international"),
    "l": ("lifestyle",),
    "o": ("weather",),
    "p": ("politics",),
    "s": ("sport", "sports"),
    "w": ("politics", "washington"),
}
"""Category code of AP -> the words by which a site may name the section."""
_ENTITY_KINDS = {"person": "person", "organisation": "organisation", "place": "place", "event": "event"}
_LINKED = "its text is only linked; send the text too, as body_html, or the file of renditions.nitf as nitf"
_USED = frozenset(
    {
        *("uri", "altids", "version", "type", "urgency", "language", "versioncreated", "firstcreated", "embargoed"),
        *("expires", "pubstatus", "editorialtypes", "editorialrole", "signals", "title", "headline", "bylines"),
        *("headline_extended", "description_summary", "located", "keywords", "slugline", "subject", "person"),
        *("organisation", "place", "event", "copyrightnotice", "usageterms", "body_html", "nitf", "ednote"),
    }
)
_UNUSED = {
    "renditions": "links to files are not followed",
    "associations": "associated items arrive separately",
    "headline_seo": "another headline is used",
    "ednote": NOTE_REASON,
    "editor": NOTE_REASON,
    "producer": NOTE_REASON,
}


class ApReader:
    """Reads items of AP's Media API."""

    format = FORMAT

    def recognises(self, document: Document) -> bool:
        """Return whether the document is an item, an envelope around one, or a feed with one."""
        item = document.find_json_object()
        return item is not None and bool(items_in(item))

    def read(self, document: Document, context: ReadingContext) -> list[Entry]:
        """Return the items in their order.

        Raises:
            RefusedError: 400, 413 or 422.
        """
        given = document.json()
        found = items_in(given) if isinstance(given, dict) else []
        if not isinstance(given, dict) or not found:
            raise unacceptable([Fault("", "must be a JSON object with an item of AP's Media API")])
        version = text_of(given.get("api_version")) or ""
        name = f"{FORMAT.name}-{version}" if _VERSION.match(version) else FORMAT.name
        return read_each(
            found,
            lambda each: _read(*each, ArticleBuilder(name, context), context),
            lambda each: identifier_of(each[0]) or "",
            name,
        )


def _read(item: Item, where: str, builder: ArticleBuilder, context: ReadingContext) -> Entry:
    read_identity(item, where, builder)
    if reason := media_reason(item):
        return builder.set_aside("media", reason)
    if kind_of(item) != "text":
        detail = f"not an article: type {kind_of(item)[:40]!a}; the parts of a package arrive separately"
        raise unacceptable([Fault(where + pointer("type"), detail)], detail)
    held_because = read_status(item, where, builder)
    read_times(item, where, builder)
    set_urgency(builder, item.get("urgency"), where + pointer("urgency"))
    set_language(builder, item.get("language"), where + pointer("language"))
    _read_lines(item, where, builder)
    _read_subjects(item, where, builder, context.site)
    _read_rights(item, where, builder)
    has_text = _read_body(item, where, builder)
    for name, why in _UNUSED.items():
        if item.get(name):
            builder.drop(where + pointer(name), why)
    drop_others(item, _USED | _UNUSED.keys(), builder, where, "is not a field of AP's Media API that Pressline uses")
    if not has_text and not builder.is_removal and not builder.faults:
        return builder.set_aside("held", _LINKED)
    return builder.finish(held_because=held_because, dispensable=DISPENSABLE_FIELDS)


def _read_lines(item: Item, where: str, builder: ArticleBuilder) -> None:
    builder.expect("headline", where + pointer("headline"))
    for name in ("headline", "headline_extended", "title"):
        line = _BOTH_CYCLES.sub("", text_of(item.get(name)) or "")
        if line and "headline" not in builder.values:
            builder.set_field("headline", collapsed(line), where + pointer(name))
        elif line and name == "headline_extended":
            builder.drop(where + pointer(name), "the headline is used")
    for name, field in (("description_summary", "standfirst"), ("located", "dateline")):
        if text := text_of(item.get(name)):
            builder.set_field(field, collapsed(text), where + pointer(name))
    lines = []
    for _, byline in objects_in(item, "bylines", builder, where):
        parts = (text_of(byline.get("by")) or text_of(byline.get("name")), text_of(byline.get("title")))
        if parts[0]:
            lines.append(", ".join(collapsed(part) for part in parts if part))
    if lines:
        builder.set_field("byline", "; ".join(lines), where + pointer("bylines"))


def _read_subjects(item: Item, where: str, builder: ArticleBuilder, site: Site) -> None:
    """Read section, topics, entities and keywords; ancestors of a subject or place are left out."""
    for here, subject in objects_in(item, "subject", builder, where):
        name, code = text_of(subject.get("name")), text_of(subject.get("code"))
        section = find_section(site, _CATEGORY_WORDS.get(code or "", ()) if is_category(subject) else (name, code))
        if section and "section" not in builder.values:
            builder.set_field("section", section, here)
        if is_category(subject):
            builder.confirm(here)
        else:
            _add_named(builder, "topics", subject, {}, here)
    builder.default_section("no subject names a section")
    for field, kind in _ENTITY_KINDS.items():
        for here, entry in objects_in(item, field, builder, where):
            _add_named(builder, "entities", entry, {"kind": kind}, here)
    keywords = item.get("keywords")
    for index, keyword in enumerate(keywords if isinstance(keywords, list) else ()):
        if word := text_of(keyword):
            builder.add_entry("keywords", word, where + pointer("keywords", index))
    if slugline := text_of(item.get("slugline")):
        builder.add_entry("keywords", slugline, where + pointer("slugline"))


def _add_named(builder: ArticleBuilder, field: str, entry: Item, more: Mapping[str, str], where: str) -> None:
    name, code, scheme = (text_of(entry.get(key)) for key in ("name", "code", "scheme"))
    rels = entry.get("rels")
    if isinstance(rels, list) and "ancestor" in rels and "direct" not in rels:
        builder.drop(where, "is broader than a subject of the text")
    elif not name:
        builder.drop(where, "has no name")
    else:
        uri = f"{scheme or ''}{code}" if code else None
        builder.add_entry(field, {"name": name, "uri": uri, **more}, where)


def _read_rights(item: Item, where: str, builder: ArticleBuilder) -> None:
    terms = item.get("usageterms")
    texts = [text for each in (terms if isinstance(terms, list) else [terms]) if (text := text_of(each))]
    found = {"notice": text_of(item.get("copyrightnotice")), "usage_terms": " ".join(texts) or None}
    given = {field: text for field, text in found.items() if text}
    origins = {"notice": where + pointer("copyrightnotice"), "usage_terms": where + pointer("usageterms")}
    if given:
        builder.set_field("rights", given, origins[next(iter(given))])
        for field in given:
            builder.note_origin(f"/rights/{field}", origins[field])


def _read_body(item: Item, where: str, builder: ArticleBuilder) -> bool:
    """Set the body from the text that the client added; return False if there is none."""
    builder.expect("body", where + pointer("body_html"))
    if markup := text_of(item.get("body_html")):
        set_body(builder, markup, where + pointer("body_html"), is_html=True)
        return True
    origin = where + pointer("nitf")
    nitf = text_of(item.get("nitf"))
    if nitf is None:
        return False
    try:
        content = find(Document(nitf.encode("utf-8", "replace"), name=origin).xml(), "body", "body.content")
    except RefusedError as error:
        builder.fault(origin, error.detail)
        return False
    if content is None:
        return False
    set_body(builder, markup_in(content), origin, is_html=True)
    return True
