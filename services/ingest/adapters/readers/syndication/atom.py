"""Reads Atom 1.0 (RFC 4287), the older 0.3, and deleted entries (RFC 6721)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from itertools import islice

from lxml import etree

from services.ingest.adapters.readers.addresses import address_of, is_web_address
from services.ingest.adapters.readers.elements import find, markup_in, name_of
from services.ingest.adapters.readers.entries import MAX_ENTRIES
from services.ingest.adapters.readers.syndication.about import ATOM
from services.ingest.adapters.readers.syndication.articles import read_entries
from services.ingest.adapters.readers.syndication.entry import Part, Person, SentEntry, State, Text
from services.ingest.adapters.readers.syndication.media import add_file, add_media
from services.ingest.adapters.readers.syndication.parts import (
    Child,
    base_of,
    children_of,
    feed_root,
    html_in,
    language_of,
)
from services.ingest.domain.refusal import Fault, unacceptable
from services.ingest.ports import Document, Entry, ReadingContext

_NAMESPACES = {"http://www.w3.org/2005/Atom": "1.0", "http://purl.org/atom/ns#": "0.3"}
_START = re.compile(r"<(?:[A-Za-z][\w.-]{0,20}:)?(?:feed|entry)[\s>]")
_NAMESPACE = re.compile(r"http://www\.w3\.org/2005/Atom|http://purl\.org/atom/ns#")
_START_CHARS = 5_000
_MAX_PARTS = 5_000  # of a feed: its facts and its entries
_HTML_TYPES = frozenset({"html", "text/html", "xhtml", "application/xhtml+xml"})
_ORIGINAL_LINKS = ("feedburner:origLink", "pheedo:origLink")
_PUBLISHED = ("published", "issued", "created", "dc:date", "dcterms:created", "dcterms:issued")
_UPDATED = ("updated", "modified", "dcterms:modified")
_DELETED = "at:deleted-entry"
_BY_RELATION = {
    "self": "is the address of the entry's own document",
    "replies": "comments are not read",
    "via": "names the source of the entry",
}


@dataclass(slots=True)
class _Feed:
    """The facts of a feed that its entries inherit."""

    base: str = ""
    people: list[Person] = field(default_factory=list)
    rights: Part | None = None


class AtomReader:
    """Reads feeds and single entries of Atom."""

    format = ATOM

    def recognises(self, document: Document) -> bool:
        """Return whether the root element is `feed` or `entry` in Atom's namespace, also of a faulty document."""
        if not document.looks_like_xml or document.looks_like_html:
            return False
        if document.root_name:
            root = document.xml()
            namespace = etree.QName(root).namespace
            is_bare = namespace is None and find(root, "entry", "id") is not None  # some scripts forget the namespace
            return document.root_name in ("feed", "entry") and (namespace in _NAMESPACES or is_bare)
        start = document.text[:_START_CHARS]
        return _START.search(start) is not None and _NAMESPACE.search(start) is not None

    def read(self, document: Document, context: ReadingContext) -> list[Entry]:
        """Return an entry for each `entry` and each deleted entry.

        Raises:
            RefusedError: 400 no XML, 413 too many entries, 422 no entry or the only one is no valid article.
        """
        root, warnings = feed_root(document)
        if name_of(root) not in ("feed", "entry"):
            raise unacceptable([Fault("", "is no Atom: the root element must be feed or entry")])
        warnings += document.warnings
        where = f"/{name_of(root)}"
        if name_of(root) == "entry":
            found, feed = [Child("entry", root, where)], _Feed(base_of(root, ""))
        else:
            children = list(children_of(root, where, _MAX_PARTS))
            found = [each for each in children if each.key in ("entry", _DELETED)]
            feed = _feed_of(root, children)
        entries = [_entry_of(each, feed, warnings) for each in islice(found, MAX_ENTRIES + 1)]
        return read_entries(entries, f"atom-{_NAMESPACES.get(etree.QName(root).namespace or '', '1.0')}", context)


def _feed_of(root: etree._Element, children: list[Child]) -> _Feed:
    """Return the feed's facts; relative links start at `xml:base`, otherwise at the feed's own page."""
    feed = _Feed(base_of(root, ""))
    links = [each for each in children if each.key == "link" and is_web_address(each.attribute("href"))]
    for relation in ("alternate", "", "self"):
        for link in links:
            if not feed.base and link.attribute("rel") == relation:
                feed.base = address_of(link.attribute("href"))
    for part in children:
        if part.key == "author":
            feed.people += _people_of(part)
        elif part.key in ("rights", "copyright") and part.text:
            feed.rights = feed.rights or Part(part.text, part.where)
    return feed


def _people_of(part: Child) -> list[Person]:
    """Return the person of an `author` element; its mail address is never read."""
    inner = {each.key: each.text for each in children_of(part.element, part.where)}
    name = inner.get("name") or ("" if inner else part.text)
    uri = inner.get("uri") or inner.get("url")
    return [Person(name, part.where, uri[:500] if uri and is_web_address(uri) else None)]


def _entry_of(child: Child, feed: _Feed, warnings: list[str]) -> SentEntry:
    if child.key == _DELETED:
        return _deleted_entry(child, warnings)
    entry = SentEntry(child.where, rights=feed.rights, warnings=[*warnings])
    base = base_of(child.element, feed.base)
    parts = list(children_of(child.element, child.where))
    original = [part for part in parts if part.key in _ORIGINAL_LINKS and part.text]
    entry.links = [Part(address_of(part.text, base), part.where) for part in original]
    media = [part for part in parts if part.key.startswith("media:")]
    for part in parts:
        if not part.key.startswith("media:") and part.key not in _ORIGINAL_LINKS:
            _read_part(entry, part, base)
    add_media(entry, media, base)
    if not entry.people:
        entry.people = feed.people
    if language := language_of(child.element):
        entry.language = Part(language, f"{child.where}/@xml:lang")
    if not entry.links and entry.id and is_web_address(entry.id.value):
        entry.links.append(entry.id)
    return entry


def _deleted_entry(child: Child, warnings: list[str]) -> SentEntry:
    """Return the removal of an entry; its comment is not published."""
    entry = SentEntry(child.where, warnings=[*warnings])
    if ref := child.attribute("ref"):
        entry.id = Part(ref, f"{child.where}/@ref")
    if when := child.attribute("when"):
        entry.updated.append(Part(when, f"{child.where}/@when"))
    entry.state = State("withheld", "the sender deleted the entry", child.where)
    return entry


def _read_part(entry: SentEntry, part: Child, base: str) -> None:  # noqa: C901, PLR0912 -- a table
    key, where = part.key, part.where
    if key == "id" and part.text and entry.id is None:
        entry.id = Part(" ".join(part.text.split()), where)
    elif key == "link":
        _read_link(entry, part, base)
    elif key == "title":
        text = _text(part, base)
        entry.title = Part(text.value, where) if text else None
    elif key == "content":
        text = _text(part, base)
        entry.contents += [text] if text else []
        if not text:
            entry.drop(where, "has no text; other content is not fetched")
    elif key == "summary":
        text = _text(part, base)
        entry.summaries += [text] if text else []
    elif key in _PUBLISHED:
        entry.published.append(Part(part.text, where))
    elif key in _UPDATED:
        entry.updated.append(Part(part.text, where))
    elif "embargo" in key.lower():
        entry.embargo += [Part(part.text, where)] if part.text else []
    elif key in ("author", "contributor"):
        entry.people += _people_of(part)
    elif key == "dc:creator":
        entry.people.append(Person(part.text, where))
    elif key == "category":
        word = part.attribute("label") or part.attribute("term") or part.text
        entry.categories += [Part(word, where)] if word else []
    elif key == "dc:subject":
        entry.categories += [Part(part.text, where)] if part.text else []
    elif key in ("rights", "copyright") and part.text:
        entry.rights = Part(part.text, where)
    elif key in ("app:control", "control"):
        draft = next((each.text for each in children_of(part.element, where) if each.key == "draft"), "")
        if draft.lower() == "yes":
            entry.state = State("held", "the entry is a draft", where)
    elif key == "source":
        entry.drop(where, "names the feed that the entry came from")
    else:
        entry.drop(where, "is not used")


def _read_link(entry: SentEntry, part: Child, base: str) -> None:
    relation = (part.attribute("rel") or "alternate").lower()
    href = address_of(part.attribute("href"), base_of(part.element, base))
    kind = part.attribute("type").lower()
    if relation in ("alternate", "canonical") and href and kind in ("", "text/html", "application/xhtml+xml"):
        position = 0 if relation == "canonical" else len(entry.links)
        entry.links.insert(position, Part(href, part.where))
    elif relation == "enclosure" or (relation == "related" and kind.startswith("image/")):
        add_file(entry, part.where, href, kind, part.attribute("title") or None)
    else:
        entry.drop(part.where, _BY_RELATION.get(relation, f"links with rel {relation[:30]} are not used"))


def _text(part: Child, base: str) -> Text | None:
    """Return a text construct: plain, HTML, XHTML or base64; None if it is empty or at another address."""
    kind = part.attribute("type").lower().partition(";")[0].strip() or "text"
    mode = part.attribute("mode").lower()
    here = base_of(part.element, base)
    if any(isinstance(each.tag, str) for each in part.element):
        div = next((each for each in children_of(part.element, part.where) if name_of(each.element) == "div"), None)
        only = div.element if div is not None and kind in ("xhtml", "application/xhtml+xml") else part.element
        return Text(markup_in(only), part.where, is_html=True, base=base_of(only, base))
    value, _ = html_in(part.element)
    if mode == "base64":
        try:
            value = base64.b64decode(value).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            return None
    elif "/" in kind and kind not in _HTML_TYPES and not kind.startswith("text/"):
        return None
    is_html = kind in _HTML_TYPES or mode == "escaped"
    return Text(value, part.where, is_html=is_html, base=here) if value else None
