"""The text of a NewsML-G2 item, and the pictures that its content set names."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.elements import (
    attribute,
    children,
    find,
    first_children,
    line_in,
    name_of,
    place_of,
)
from services.ingest.adapters.readers.facts import PictureFile, SentPicture, set_body, set_pictures
from services.ingest.adapters.readers.newsml_g2.marks import drop_all, is_public, tail_in
from services.ingest.adapters.readers.nitf.body import read_nitf_body
from services.ingest.adapters.readers.reasons import NOTE_REASON
from services.ingest.adapters.readers.values import whole_number
from services.ingest.adapters.readers.xhtml import read_xhtml_body
from services.ingest.domain import prose

_HTML_TYPES = ("text/html", "application/xhtml", "text/xhtml", "xhtml")
_OTHER_FORMS = ("nonpublic", "notepad", "public", "headline", "teaser", "caption", "title", "summary")
_NOTES = ("nonpublic", "notepad", "public")  # dpa's note to editors has a public and a non-public half
_MAX_FILES = 50


@dataclass(frozen=True, slots=True)
class Content:
    """The chosen part of the content set: the element with the text, and the NITF document in it, if any."""

    part: etree._Element | None
    nitf: etree._Element | None = None


def find_content(item: etree._Element, language: str, builder: ArticleBuilder) -> Content:
    """Return the part with the text: XHTML or NITF, otherwise HTML or plain text; other forms are left out."""
    found, more = first_children(find(item, "contentSet"), "inlineXML", "inlineData")
    usable = [each for each in found if _is_usable(each)]
    chosen = min(usable, key=lambda each: _order(each, language), default=None)
    notes = [each for each in found if each is not chosen and (not is_public(each) or _is_note(each))]
    drop_all(notes, builder, NOTE_REASON)
    others = (each for each in found if each is not chosen and each not in notes)
    drop_all(others, builder, "another form of the text is used instead")
    if more:
        builder.drop(f"{place_of(item)}/contentSet", f"{more} more forms of the text")
    return Content(chosen, _find_nitf(chosen))


def _is_usable(part: etree._Element) -> bool:
    """Return whether a part may be the text: it is public, not encoded, and no extract or note."""
    if not is_public(part) or not line_in(part) or attribute(part, "encoding"):
        return False
    rendition, role = tail_in(part, "rendition"), tail_in(part, "role")
    return {rendition, role}.isdisjoint(_OTHER_FORMS)


def _is_note(part: etree._Element) -> bool:
    return tail_in(part, "rendition") in _NOTES or tail_in(part, "role") in _NOTES


def _order(part: etree._Element, language: str) -> tuple[bool, bool, bool, bool]:
    own = (attribute(part, "lang") or language).lower().partition("-")[0]
    kind = (attribute(part, "contenttype") or "").lower()
    is_xml = name_of(part) == "inlineXML"
    return (
        own != language.lower().partition("-")[0],
        bool(attribute(part, "custom")),
        not is_xml,
        not is_xml and not kind.startswith(_HTML_TYPES),
    )


def _find_nitf(part: etree._Element | None) -> etree._Element | None:
    if part is None:
        return None
    for child in children(part):
        if name_of(child) == "nitf" or next(child.iter("{*}body.content"), None) is not None:
            return child
    return None


def read_body(content: Content, builder: ArticleBuilder) -> list[SentPicture]:
    """Read the text; return the pictures that it names."""
    builder.expect("body", "/newsItem/contentSet")
    part = content.part
    if part is None:
        return []
    where = place_of(part)
    lines = [builder.values.get(field) for field in ("headline", "byline", "standfirst", "kicker")]
    if content.nitf is not None:
        body = read_nitf_body(content.nitf, builder, lines)
        if body.markup:
            set_body(builder, body.markup, where, is_html=True)
        return body.pictures
    inner = next(children(part), None)
    if inner is None:  # escaped markup, or plain text
        kind = (attribute(part, "contenttype") or "").lower()
        text = part.text or ""
        is_html = name_of(part) == "inlineXML" or kind.startswith(_HTML_TYPES) or prose.has_blocks(text)
        set_body(builder, text, where, is_html=is_html)
        return []
    is_page = name_of(inner).lower() in ("html", "body")
    if markup := read_xhtml_body(inner if is_page else part, builder, lines):
        set_body(builder, markup, where, is_html=True)
    return []


def read_pictures(item: etree._Element, pictures: list[SentPicture], builder: ArticleBuilder) -> None:
    """Set the pictures of the text, and the pictures of the content set of an item with a text."""
    found, _ = first_children(find(item, "contentSet"), "remoteContent", limit=_MAX_FILES)
    files = [each for each in found if (attribute(each, "contenttype") or "").lower().startswith("image/")]
    drop_all((each for each in found if each not in files), builder, "remote files are not supported yet")
    if files:
        sent = [_file_of(each) for each in files]
        pictures = [*pictures, SentPicture(where=f"{place_of(item)}/contentSet/remoteContent", files=sent)]
    set_pictures(builder, pictures)


def _file_of(remote: etree._Element) -> PictureFile:
    width = whole_number(attribute(remote, "width")) or 0
    return PictureFile(place_of(remote, "href"), attribute(remote, "href") or "", width)
