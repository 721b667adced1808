"""Reads RSS 2.0, the older 0.9x, and RSS 1.0 (RDF)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from lxml import etree

from services.ingest.adapters.readers.addresses import address_of, is_web_address
from services.ingest.adapters.readers.elements import attribute, name_of
from services.ingest.adapters.readers.entries import MAX_ENTRIES
from services.ingest.adapters.readers.syndication.about import RSS
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
from services.ingest.adapters.readers.values import whole_number
from services.ingest.domain.refusal import Fault, unacceptable
from services.ingest.ports import Document, Entry, ReadingContext

_EXPORT_NAMESPACE = "wordpress.org/export/"
_START = re.compile(r"<(?:rss|(?:[A-Za-z]{1,10}:)?RDF)[\s>]")
_START_CHARS = 5_000
_MAX_PARTS = 5_000  # of a channel: its facts and its items
_VERSION = re.compile(r"\d(?:\.\d{1,2}){0,2}")
_ORIGINAL_LINKS = ("feedburner:origLink", "pheedo:origLink")
_PUBLISHED = ("pubDate", "dc:date", "dcterms:created", "dcterms:issued", "atom:published", "prism:publicationDate")
_UPDATED = ("dcterms:modified", "dc:modified", "atom:updated", "prism:modificationDate")
_EXPIRES = ("expirationDate", "prism:expirationDate", "prism:killDate")
_AVAILABLE = ("dcterms:available", "dcterms:valid")
_PERIOD = re.compile(r"\b(start|end)\s{0,3}=\s{0,3}([^;]{1,80})", re.IGNORECASE)
_PEOPLE = ("dc:creator", "author", "itunes:author", "atom:author", "dc:contributor")
_SUMMARIES = ("description", "itunes:summary", "atom:summary", "dc:description", "itunes:subtitle")
_REMOVED_STATES = {"deleted": "withheld", "blocked": "held"}
_REASONS = {
    "dc:identifier": "is no identity in feeds; guid and link are",
    "comments": "comments are not read",
    "source": "names the feed that the entry came from",
}


@dataclass(slots=True)
class _Channel:
    """The facts of a channel that its items inherit."""

    base: str = ""
    language: Part | None = None
    rights: Part | None = None
    people: list[Person] = field(default_factory=list)


class RssReader:
    """Reads RSS; exports of WordPress, which are RSS too, have their own reader."""

    format = RSS

    def recognises(self, document: Document) -> bool:
        """Return whether the root element is `rss` or `RDF`, also of a faulty document."""
        if not document.looks_like_xml or document.looks_like_html:
            return False
        if document.root_name:
            return document.root_name in ("rss", "rdf") and not _is_export(document)
        return _START.search(document.text[:_START_CHARS]) is not None and not _is_export(document)

    def read(self, document: Document, context: ReadingContext) -> list[Entry]:
        """Return an entry for each item.

        Raises:
            RefusedError: 400 no XML, 413 too many items, 422 no item or the only one is no valid article.
        """
        root, warnings = feed_root(document)
        if name_of(root).lower() not in ("rss", "rdf"):
            raise unacceptable([Fault("", "is no RSS: the root element must be rss or RDF")])
        if _is_export(document):
            raise unacceptable([Fault("", "is an export of WordPress and not a feed")])
        warnings += document.warnings
        channel, items = _channel_and_items(root)
        entries = [_entry_of(item, channel, warnings) for item in items]
        return read_entries(entries, _format_name(root), context)


def _is_export(document: Document) -> bool:
    return _EXPORT_NAMESPACE in document.text[:_START_CHARS]


def _format_name(root: etree._Element) -> str:
    if name_of(root).lower() == "rdf":
        return "rss-1.0"
    found = _VERSION.fullmatch(attribute(root, "version") or "")
    return f"rss-{found[0] if found else '2.0'}"


def _channel_and_items(root: etree._Element) -> tuple[_Channel, Iterator[Child]]:
    """Return the channel and its items; RSS 1.0 has them beside the channel. One more item than allowed is read."""
    root_path = f"/{name_of(root)}"
    beside = list(children_of(root, root_path, _MAX_PARTS))
    channel = next((each for each in beside if name_of(each.element) == "channel"), None)
    inside = list(children_of(channel.element, channel.where, _MAX_PARTS)) if channel else []
    items = (each for each in [*inside, *beside] if name_of(each.element) == "item")
    facts = _Channel()
    if channel is not None:
        facts.base = base_of(channel.element, "")
    for part in inside:
        if part.key == "link" and part.text and not facts.base:
            facts.base = address_of(part.text)
        elif part.key in ("language", "dc:language") and part.text:
            facts.language = facts.language or Part(part.text, part.where)
        elif part.key in ("copyright", "dc:rights") and part.text:
            facts.rights = facts.rights or Part(part.text, part.where)
    return facts, islice(items, MAX_ENTRIES + 1)


def _entry_of(item: Child, channel: _Channel, warnings: list[str]) -> SentEntry:
    entry = SentEntry(item.where, language=channel.language, rights=channel.rights, warnings=[*warnings])
    parts = list(children_of(item.element, item.where))
    base = base_of(item.element, channel.base)
    _read_links(entry, item, parts, base)
    media = [part for part in parts if part.key.startswith("media:") and not _is_state(part)]
    texts: dict[str, list[Text]] = {"content": [], "summary": []}
    for part in parts:
        if not part.key.startswith("media:") or _is_state(part):
            _read_part(entry, part, texts, base)
    add_media(entry, media, base)
    entry.contents = [text for text in texts["content"] if text.value]
    entry.summaries = [text for text in texts["summary"] if text.value]
    if language := language_of(item.element):
        entry.language = entry.language or Part(language, item.where)
    return entry


def _read_links(entry: SentEntry, item: Child, parts: list[Child], base: str) -> None:
    """Read guid and links; the link before a counting service's comes first, `rdf:about` last."""
    by_key: dict[str, list[Part]] = {}
    for part in parts:
        text = part.text
        if part.key == "atom:link" and part.attribute("rel") in ("", "alternate"):
            text = part.attribute("href")
        elif part.key == "atom:link":
            continue
        if text and part.key in (*_ORIGINAL_LINKS, "link", "atom:link"):
            address = address_of(text, base_of(part.element, base))
            by_key.setdefault(part.key, []).append(Part(address, part.where))
        elif text and part.key == "guid" and entry.id is None:
            entry.id = Part(" ".join(text.split()), part.where)
    for key in (*_ORIGINAL_LINKS, "link", "atom:link"):
        entry.links += by_key.get(key, [])
    if about := attribute(item.element, "about"):
        entry.links += [] if entry.links else [Part(address_of(about, base), f"{item.where}/@rdf:about")]
    if not entry.links and entry.id and is_web_address(entry.id.value):
        entry.links.append(entry.id)


def _is_state(part: Child) -> bool:
    """Return whether an item's own status says that the sender took the article down, as aggregators ask for."""
    return part.key == "media:status" and part.attribute("state").lower() in _REMOVED_STATES


def _read_part(entry: SentEntry, part: Child, texts: dict[str, list[Text]], base: str) -> None:  # noqa: C901, PLR0912 -- a table
    key, where = part.key, part.where
    if key in ("guid", "link", "atom:link", *_ORIGINAL_LINKS):
        _read_other_link(entry, part, base)
    elif key == "title" or (key == "dc:title" and entry.title is None):
        entry.title = Part(html_in(part.element)[0], where)
    elif key in ("content:encoded", "xhtml:body", "content", "fullText", "atom:content"):
        texts["content"].append(_text(part, base))
    elif key in _SUMMARIES:
        texts["summary"].append(_text(part, base))
    elif key in _PUBLISHED:
        entry.published.append(Part(part.text, where))
    elif key in _UPDATED:
        entry.updated.append(Part(part.text, where))
    elif key in _AVAILABLE:
        _read_availability(entry, part)
    elif "embargo" in key.lower():
        entry.embargo += [Part(part.text, where)] if part.text else []
    elif key in _EXPIRES:
        entry.expires.append(Part(part.text, where))
    elif key in _PEOPLE:
        _read_person(entry, part)
    elif key in ("category", "dc:subject"):
        entry.categories += [Part(part.text, where)] if part.text else []
    elif key == "itunes:keywords":
        entry.keywords.append(Part(part.text, where))
    elif key in ("language", "dc:language") and part.text:
        entry.language = Part(part.text, where)
    elif key in ("dc:rights", "copyright") and part.text:
        entry.rights = Part(part.text, where)
    elif key == "enclosure":
        url = address_of(part.attribute("url"), base_of(part.element, base))
        add_file(entry, where, url, part.attribute("type"), width=whole_number(part.attribute("width")) or 0)
    elif key == "itunes:image":
        add_file(entry, where, address_of(part.attribute("href"), base), "image/*")
    elif key == "app:control":
        _read_control(entry, part)
    elif _is_state(part):
        state = part.attribute("state").lower()
        reason = f"the sender's status of the entry is {state}"
        entry.state = State("withheld" if state == "deleted" else "held", reason, where)
    else:
        entry.drop(where, _REASONS.get(key, "is not used"))


def _read_availability(entry: SentEntry, part: Child) -> None:
    """Read a date, or a period of Dublin Core such as `start=2026-11-30T05:00:00Z; end=…`."""
    if not part.text:
        return
    period = {found[1].lower(): found[2].strip() for found in _PERIOD.finditer(part.text[:500])}
    if start := period.get("start", "" if period else part.text):
        entry.embargo.append(Part(start, part.where))
    if end := period.get("end"):
        entry.expires.append(Part(end, part.where))


def _text(part: Child, base: str) -> Text:
    value, _ = html_in(part.element)
    return Text(value, part.where, is_html=True, base=base_of(part.element, base))


def _read_person(entry: SentEntry, part: Child) -> None:
    """Add an author; `dc:creator` takes precedence over the mail address in `author`."""
    name = next((each.text for each in children_of(part.element, part.where) if each.key == "name"), part.text)
    person = Person(name, part.where)
    if part.key in ("dc:creator", "dc:contributor") or not entry.people:
        entry.people.append(person)
    else:
        entry.drop(part.where, "another author element is used")


def _read_other_link(entry: SentEntry, part: Child, base: str) -> None:
    rel = part.attribute("rel") if part.key == "atom:link" else ""
    if rel == "enclosure":
        add_file(entry, part.where, address_of(part.attribute("href"), base), part.attribute("type"))
    elif part.key == "guid" and (entry.id is None or entry.id.where != part.where):
        entry.drop(part.where, "is empty or a second one")
    elif rel not in ("", "alternate"):
        entry.drop(part.where, f"links with rel {rel[:30]} are not used")


def _read_control(entry: SentEntry, part: Child) -> None:
    """Read the state of the Atom Publishing Protocol: a draft is not public."""
    draft = next((each.text for each in children_of(part.element, part.where) if each.key == "draft"), "")
    if draft.lower() == "yes":
        entry.state = State("held", "the entry is a draft", part.where)
