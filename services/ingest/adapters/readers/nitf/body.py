"""Maps the body of a NITF document to HTML; also used for NITF inside other formats."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lxml import etree

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.elements import (
    append_text,
    attribute,
    children,
    find,
    first_children,
    line_in,
    markup_of,
    name_of,
    place_of,
)
from services.ingest.adapters.readers.facts import PictureFile, SentPicture
from services.ingest.adapters.readers.private_parts import HIDDEN_REASON, is_hidden, remove_contacts
from services.ingest.adapters.readers.reasons import CONTACT_REASON, NOTE_REASON
from services.ingest.adapters.readers.values import whole_number
from services.ingest.adapters.readers.xhtml import drop_repeated_lines, is_too_large, tidy

_RENAMED = {
    "hl1": "h2",
    "hl2": "h2",
    "bq": "blockquote",
    "credit": "cite",
    "datasource": "p",
    "tagline": "p",
    "bibliography": "p",
    "copyrite": "p",
    "fn": "div",
    "note": "div",
    "lang": "span",
    "object.title": "cite",
    "postaddr": "p",
}
_HTML = frozenset(
    (
        *("p", "ul", "ol", "li", "dl", "dt", "dd", "pre", "hr", "br", "em", "sub", "sup", "q", "a", "strong", "b", "i"),
        *("u", "s", "small", "span", "div", "section", "blockquote", "figure", "figcaption", "img", "iframe", "cite"),
        *("h1", "h2", "h3", "h4", "h5", "h6", "code", "abbr", "time", "video", "audio", "source", "ruby", "rt", "rp"),
        *("table", "caption", "col", "colgroup", "thead", "tbody", "tfoot", "tr", "th", "td"),
    )
)
"""Elements that keep their names; those of HTML that are not in NITF occur in real files."""
_LEFT_OUT = frozenset(("nitf-table-metadata", "custom-table", "table-reference", "alt-code", "script", "style", "head"))
_NOTES = frozenset(("ed-msg", "del-list"))
_NON_PUBLIC_NOTES = frozenset(("npa", "editorsnote"))
_PUBLIC_NOTES = frozenset(("pa", "std", "cpyrt", "end", "hd", "trademk", "footnote"))
_LINES = frozenset(("addressee", "care.of", "delivery.point", "delivery.office", "postcode"))
_ATTRIBUTES = frozenset(
    ("href", "src", "alt", "title", "colspan", "rowspan", "scope", "class", "id", "dir", "start", "type", "datetime")
)
_PICTURE_TYPES = frozenset(("image", "photo", "picture", "graphic", ""))
_MAX_PICTURES = 100
_MAX_REFERENCES = 20
_MAX_REPORTED = 100


@dataclass(slots=True)
class NitfBody:
    """A body as HTML; the pictures of its `media` elements, which are no longer in the markup."""

    markup: str
    pictures: list[SentPicture] = field(default_factory=list)


def read_nitf_body(nitf: etree._Element, builder: ArticleBuilder, lines: Iterable[str | None] = ()) -> NitfBody:
    """Return the body of a document: its content and the public lines of its end.

    `nitf`: the element `nitf`, `body` or `body.content`. `lines`: headline, byline and standfirst; the first blocks are
    left out if they repeat one of them. Notes to editors are reported as left out.
    """
    copier = _Copier(builder)
    root = etree.Element("div")
    if is_too_large(nitf, builder, place_of(nitf)):
        return NitfBody("")
    for part in _parts_of(nitf):
        copier.copy(part, root)
        copier.flush(root)
    drop_repeated_lines(root, lines, builder, place_of(nitf))
    tidy(root)
    return NitfBody(markup_of(root), copier.pictures)


def _parts_of(nitf: etree._Element) -> Iterator[etree._Element]:
    if name_of(nitf) == "body.content":
        yield nitf
        return
    body = nitf if name_of(nitf) == "body" else find(nitf, "body")
    contents = list(children(body, "body.content"))
    yield from contents
    if not contents and body is not None and find(body, "body.head") is None:
        yield body
    for end in children(body, "body.end"):
        yield from children(end, "tagline")


@dataclass(slots=True)
class _Copier:
    """Copies elements of NITF into a tree of HTML."""

    builder: ArticleBuilder
    pictures: list[SentPicture] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    reported: int = 0

    def copy(self, source: etree._Element, target: etree._Element) -> None:
        """Copy the content of an element; the parser limits the depth to 255."""
        if name_of(source) == "tagline":
            target = self.element("p", target)
        self.text.append(source.text or "")
        for child in source:
            name = name_of(child)
            if name == "media":
                self.read_media(child)
            elif reason := _reason_to_leave_out(child, name):
                self.drop(child, reason)
            elif name == "frac-sep":
                self.text.append(line_in(child) or "/")
            elif name in _RENAMED or name in _HTML:
                copy = self.element(_RENAMED.get(name, name), target)
                _copy_attributes(child, copy)
                self.copy(child, copy)
                self.flush(copy)
            elif name:
                self.copy(child, target)
                self.separate(child, name, target)
            self.text.append(child.tail or "")
        if name_of(source) == "tagline":
            self.end_tagline(source, target)

    def end_tagline(self, source: etree._Element, target: etree._Element) -> None:
        """Write the rest of a tagline, and remove its contact details."""
        self.flush(target)
        if remove_contacts(target):
            self.drop(source, CONTACT_REASON)

    def element(self, name: str, target: etree._Element) -> etree._Element:
        """Return a new last child of an element."""
        self.flush(target)
        return etree.SubElement(target, name)

    def flush(self, target: etree._Element) -> None:
        """Append the collected text to an element; appending each piece would take quadratic time."""
        append_text(target, "".join(self.text))
        self.text.clear()

    def separate(self, child: etree._Element, name: str, target: etree._Element) -> None:
        """End a line of an address, and the numerator of a fraction that names no separator."""
        following = child.getnext()
        if name in _LINES and following is not None:
            self.element("br", target)
        elif name == "numer" and following is not None and name_of(following) == "denom":
            self.text.append("/")

    def drop(self, element: etree._Element, reason: str) -> None:
        """Report an element as left out; the number of reports is bounded, because a pointer costs time."""
        self.reported += 1
        if self.reported <= _MAX_REPORTED:
            self.builder.drop(place_of(element), reason)

    def read_media(self, media: etree._Element) -> None:
        """Read a picture; videos and sounds are reported as left out."""
        kind = (attribute(media, "media-type") or "").lower()
        if kind not in _PICTURE_TYPES:
            self.drop(media, f"media of type {kind[:40]} are not supported yet")
        elif len(self.pictures) >= _MAX_PICTURES:
            self.drop(media, f"an article has at most {_MAX_PICTURES} pictures")
        else:
            self.pictures.append(_picture_of(media))


def _copy_attributes(source: etree._Element, copy: etree._Element) -> None:
    for key, value in source.attrib.items():
        if (local := str(key).rpartition("}")[2]) in _ATTRIBUTES:
            copy.set(local, value)
    if language := attribute(source, "iso") or attribute(source, "lang"):
        copy.set("lang", language)


def _reason_to_leave_out(element: etree._Element, name: str) -> str:
    """Return the reason why an element is not in the article; empty if it is."""
    if name in _NOTES or (name == "note" and _is_non_public(element)):
        return NOTE_REASON
    if name and is_hidden(element):
        return HIDDEN_REASON
    return "is no text of the article" if name in _LEFT_OUT else ""


def _is_non_public(note: etree._Element) -> bool:
    """Return whether a note has no public mark, or one that keeps it from publication."""
    marks = {(attribute(note, name) or "").lower() for name in ("type", "noteclass", "class")}
    return not marks.isdisjoint(_NON_PUBLIC_NOTES) or marks.isdisjoint(_PUBLIC_NOTES)


def _picture_of(media: etree._Element) -> SentPicture:
    references, _ = first_children(media, "media-reference", limit=_MAX_REFERENCES)
    captions = [line for each in children(media, "media-caption") if (line := line_in(each))]
    producers = [line for each in children(media, "media-producer") if (line := line_in(each))]
    alternatives = [attribute(each, "alternate-text") for each in references]
    return SentPicture(
        where=place_of(media),
        files=[
            PictureFile(place_of(each, "source"), address, whole_number(attribute(each, "width")) or 0)
            for each in references
            if (address := attribute(each, "source") or attribute(each, "data-location"))
        ],
        caption=" ".join(captions) or None,
        credit=producers[0] if producers else None,
        alt=next((each for each in alternatives if each), None),
    )
