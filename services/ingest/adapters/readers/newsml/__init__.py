"""Reads NewsML 1.x (IPTC): news items whose components hold the text in several forms."""

from __future__ import annotations

import re

from lxml import etree

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.elements import attribute, children, find, line_in, name_of, place_of
from services.ingest.adapters.readers.entries import read_each
from services.ingest.adapters.readers.facts import (
    DISPENSABLE_FIELDS,
    PictureFile,
    SentPicture,
    set_body,
    set_pictures,
)
from services.ingest.adapters.readers.newsml.about import FORMAT
from services.ingest.adapters.readers.newsml.components import (
    Components,
    Part,
    captions_in,
    formal_name,
    read_components,
)
from services.ingest.adapters.readers.newsml.facts import (
    lines_of,
    read_identity,
    read_language,
    read_lines,
    read_management,
    read_rights,
    read_subjects,
)
from services.ingest.adapters.readers.nitf.body import read_nitf_body
from services.ingest.adapters.readers.reasons import CONTACT_REASON
from services.ingest.adapters.readers.values import whole_number
from services.ingest.adapters.readers.xhtml import read_xhtml_body
from services.ingest.domain import prose
from services.ingest.domain.refusal import Fault, unacceptable
from services.ingest.ports import Document, Entry, ReadingContext

_VERSION = re.compile(r"^1\.\d$")
_MAX_PICTURES = 100
_OTHER_TEXT = "another language or length of the text is used instead"


class NewsmlReader:
    """Reads a document with one or more news items."""

    format = FORMAT

    def recognises(self, document: Document) -> bool:
        """Return whether the root element is `NewsML`."""
        return document.root_name == "newsml"

    def read(self, document: Document, context: ReadingContext) -> list[Entry]:
        """Return the news items in their order.

        Raises:
            RefusedError: 400, 413 or 422.
        """
        root = document.xml()
        if document.root_name != "newsml":
            raise unacceptable([Fault("", "must be an XML document with the root element NewsML")])
        items = list(children(root, "NewsItem"))
        if not items:
            raise unacceptable([Fault(f"/{name_of(root)}", "has no NewsItem")])
        version = attribute(root, "Version") or ""
        name = f"{FORMAT.name}-{version if _VERSION.match(version) else '1.x'}"
        warnings = list(document.warnings)

        def read_one(item: etree._Element) -> Entry:
            builder = ArticleBuilder(name, context)
            for warning in warnings:
                builder.warn(warning)
            return _read_item(item, builder, context)

        return list(read_each(items, read_one, _name_of_item, FORMAT.name))


def _name_of_item(item: etree._Element) -> str:
    return line_in(item, "Identification", "NewsIdentifier", "NewsItemId") or "NewsItem"


def _read_item(item: etree._Element, builder: ArticleBuilder, context: ReadingContext) -> Entry:
    found = read_components(item)
    read_identity(item, builder)
    held_because = read_management(item, builder, context)
    if found.text is None and not builder.is_removal:
        if found.pictures:
            return builder.set_aside("media", "a picture without an article")
        _refuse_without_text(item)
    chain = found.text.chain if found.text is not None else tuple(children(item, "NewsComponent"))[:1]
    read_language(item, found, builder)
    read_lines(chain, found, builder)
    read_subjects(chain, builder, context)
    read_rights(chain, builder)
    _read_body(found, builder)
    set_pictures(builder, _pictures_of(found))
    for part in found.contacts:
        builder.drop(place_of(part.element), CONTACT_REASON)
    for part in found.other_texts:
        builder.drop(place_of(part.element), _OTHER_TEXT)
    return builder.finish(held_because=held_because, dispensable=DISPENSABLE_FIELDS)


def _refuse_without_text(item: etree._Element) -> None:
    has_references = next(item.iter("{*}NewsItemRef"), None) is not None
    detail = "not an article: no component has a text"
    if has_references:
        detail = "not an article: a package of references; its items arrive separately"
    elif find(item, "TopicSet") is not None:
        detail = "not an article: a list of topics"
    raise unacceptable([Fault(place_of(item), detail)], detail)


def _read_body(found: Components, builder: ArticleBuilder) -> None:
    builder.expect("body", "/NewsML/NewsItem/NewsComponent/ContentItem/DataContent")
    data = found.text.data if found.text is not None else None
    if data is None:
        return
    where = place_of(data)
    lines = [builder.values.get(field) for field in ("headline", "byline", "standfirst")]
    inner = next(children(data), None)
    if inner is None:
        text = data.text or ""
        is_html = prose.has_tags(text)
        if is_html and not prose.has_blocks(text):  # lines of text with inline elements
            text = "".join(f"<p>{line.strip()}</p>" for line in text.split("\n") if line.strip())
        set_body(builder, text, where, is_html=is_html)
        return
    if name_of(inner) == "nitf" or next(data.iter("{*}body.content"), None) is not None:
        markup = read_nitf_body(inner, builder, lines).markup
    else:
        is_page = name_of(inner).lower() in ("html", "body")
        markup = read_xhtml_body(inner if is_page else data, builder, lines)
    if markup:
        set_body(builder, markup, where, is_html=True)


def _pictures_of(found: Components) -> list[SentPicture]:
    """Return the pictures; the files of one component are sizes of one picture."""
    by_component: dict[etree._Element, list[Part]] = {}
    for part in found.pictures[:_MAX_PICTURES]:
        by_component.setdefault(part.picture_component, []).append(part)
    return [_picture_of(component, parts) for component, parts in by_component.items()]


def _picture_of(component: etree._Element, parts: list[Part]) -> SentPicture:
    has_text = formal_name(find(component, "Role")) != "logo"
    credits_ = (next(lines_of((component,), name), None) for name in ("CreditLine", "ByLine"))
    return SentPicture(
        where=place_of(component),
        files=[
            PictureFile(place_of(each.element, "Href"), attribute(each.element, "Href") or "", _width_of(each.element))
            for each in parts
        ],
        caption=captions_in(component) if has_text else None,
        credit=next((line_in(each) for each in credits_ if each is not None), None) if has_text else None,
    )


def _width_of(content: etree._Element) -> int:
    for element in children(find(content, "Characteristics"), "Property"):
        if formal_name(element) in ("pixelwidth", "width"):
            return whole_number(attribute(element, "Value")) or 0
    return 0
