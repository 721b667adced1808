"""Reads NewsML-G2 (IPTC): news items with a text; lenient on the schema, strict on identity, times and status."""

from __future__ import annotations

import re

from lxml import etree

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.elements import attribute, children, find, line_in, name_of, place_of
from services.ingest.adapters.readers.entries import read_each
from services.ingest.adapters.readers.facts import DISPENSABLE_FIELDS, set_urgency
from services.ingest.adapters.readers.newsml_g2.about import FORMAT
from services.ingest.adapters.readers.newsml_g2.content import find_content, read_body, read_pictures
from services.ingest.adapters.readers.newsml_g2.facts import (
    read_identity,
    read_language,
    read_links,
    read_notes,
    read_rights,
    read_status,
    read_times,
)
from services.ingest.adapters.readers.newsml_g2.marks import ITEM_NAMES, tail_in
from services.ingest.adapters.readers.newsml_g2.subjects import find_note_genre, read_subjects
from services.ingest.adapters.readers.newsml_g2.texts import (
    read_byline,
    read_dateline,
    read_headline,
    read_keywords,
    read_standfirst,
    titles_of,
)
from services.ingest.domain.refusal import Fault, unacceptable
from services.ingest.ports import Document, Entry, ReadingContext
from shared.model.article import Status

_ROOTS = frozenset(("newsmessage", *(name.lower() for name in ITEM_NAMES)))
_VERSION = re.compile(r"^\d{1,2}\.\d{1,2}$")
_TEXT_CLASSES = frozenset(("", "text", "composite", "article", "story"))
_MEDIA_CLASSES = frozenset(("picture", "graphic", "animation", "video", "audio", "photo", "image"))
_PACKAGE_REASON = "not an article: a package of references; its items arrive separately"
_KINDS = {
    "packageItem": _PACKAGE_REASON,
    "conceptItem": "not an article: a concept, such as an event or a person",
    "knowledgeItem": "not an article: a list of concepts",
    "planningItem": "not an article: the planning of coverage",
    "catalogItem": "not an article: a catalog of vocabularies",
}


class NewsmlG2Reader:
    """Reads a news item, or a message with several items."""

    format = FORMAT

    def recognises(self, document: Document) -> bool:
        """Return whether the root element is a message or an item of NewsML-G2."""
        return document.root_name in _ROOTS

    def read(self, document: Document, context: ReadingContext) -> list[Entry]:
        """Return the news items in their order.

        Packages and concepts beside news items describe these items; the first report names them as left out.

        Raises:
            RefusedError: 400, 413 or 422.
        """
        root = document.xml()
        if document.root_name not in _ROOTS:
            raise unacceptable([Fault("", "must be a newsMessage or an item of NewsML-G2")])
        items = _items_in(root)
        if not items:
            raise unacceptable([Fault(f"/{name_of(root)}/itemSet", "has no item")])
        news = [each for each in items if name_of(each) == "newsItem"]
        beside = [each for each in items if name_of(each) != "newsItem"] if news else []
        warnings = list(document.warnings)

        def read_one(item: etree._Element) -> Entry:
            builder = ArticleBuilder(_format_name(item, root), context)
            for warning in warnings:
                builder.warn(warning)
            if item is (news or items)[0]:
                for other in beside[:50]:
                    builder.drop(place_of(other), _KINDS.get(name_of(other), "not an article"))
            return _read_item(item, builder, context)

        return list(read_each(news or items, read_one, _name_of_item, FORMAT.name))


def _items_in(root: etree._Element) -> list[etree._Element]:
    if name_of(root) in ITEM_NAMES:
        return [root]
    found = list(children(root, *ITEM_NAMES))
    for item_set in children(root, "itemSet"):
        found += children(item_set, *ITEM_NAMES)
    return found


def _format_name(item: etree._Element, root: etree._Element) -> str:
    version = attribute(item, "standardversion") or attribute(root, "standardversion") or ""
    return f"{FORMAT.name}-{version}" if _VERSION.match(version) else FORMAT.name


def _name_of_item(item: etree._Element) -> str:
    return attribute(item, "guid") or line_in(item, "contentMeta", "headline") or name_of(item)


def _read_item(item: etree._Element, builder: ArticleBuilder, context: ReadingContext) -> Entry:
    if name_of(item) != "newsItem":
        detail = _KINDS.get(name_of(item), "not an article")
        raise unacceptable([Fault(place_of(item), detail)], detail)
    read_identity(item, builder)
    read_status(item, builder)
    language = read_language(item, builder)
    content = find_content(item, language, builder)
    item_class = tail_in(find(item, "itemMeta", "itemClass"))
    if item_class in _MEDIA_CLASSES or (content.part is None and _has_only_files(item, item_class)):
        return builder.set_aside("media", f"a {item_class or 'media'} item without an article", _name_of_item(item))
    if item_class not in _TEXT_CLASSES and content.part is None and not builder.is_removal:
        detail = f"not an article: item class {item_class[:40]}"
        raise unacceptable([Fault(f"{place_of(item)}/itemMeta/itemClass", detail)], detail)
    read_times(item, builder, context)
    meta = find(item, "contentMeta")
    urgency = find(meta, "urgency")
    if urgency is not None:
        set_urgency(builder, line_in(urgency), place_of(urgency))
    read_headline(meta, builder, language, titles_of(item, content.part, content.nitf))
    read_standfirst(meta, builder, language, content.nitf)
    read_byline(meta, builder, language, content.nitf)
    read_dateline(meta, builder, language, content.nitf)
    read_keywords(meta, builder)
    read_subjects(item, builder, language, context.site)
    read_rights(item, builder, language)
    read_links(item, builder)
    read_notes(item, builder)
    read_pictures(item, read_body(content, builder), builder)
    held_because = ""
    if not builder.is_removal and (genre := find_note_genre(item, builder)):
        held_because = f"the genre {genre} is for editors"
        builder.set_field("status", Status.WITHHELD, f"{place_of(item)}/contentMeta/genre")
    return builder.finish(held_because=held_because, dispensable=DISPENSABLE_FIELDS)


def _has_only_files(item: etree._Element, item_class: str) -> bool:
    is_text = item_class in _TEXT_CLASSES and item_class
    return not is_text and find(item, "contentSet", "remoteContent") is not None
