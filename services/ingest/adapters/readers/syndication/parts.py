"""Walks the elements of an XML feed by names such as `title` and `dc:creator`, with any prefix of the sender."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from lxml import etree

from services.ingest.adapters.readers.addresses import resolved
from services.ingest.adapters.readers.elements import attribute, markup_in, name_of
from services.ingest.domain.refusal import RefusedError
from services.ingest.ports import Document

_XML_BASE = "{http://www.w3.org/XML/1998/namespace}base"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_PREFIXES = {
    "purl.org/dc/elements/1.1": "dc",
    "purl.org/dc/elements/1.0": "dc",
    "purl.org/dc/terms": "dcterms",
    "purl.org/rss/1.0/modules/content": "content",
    "search.yahoo.com/mrss": "media",
    "www.itunes.com/dtds/podcast-1.0.dtd": "itunes",
    "www.w3.org/2005/atom": "atom",
    "purl.org/atom/ns": "atom",
    "rssnamespace.org/feedburner/ext/1.0": "feedburner",
    "www.pheedo.com/namespace/pheedo": "pheedo",
    "www.w3.org/2007/app": "app",
    "purl.org/atom/app": "app",
    "purl.org/atompub/tombstones/1.0": "at",
    "prismstandard.org/namespaces/basic/2.0": "prism",
    "prismstandard.org/namespaces/basic/2.1": "prism",
    "prismstandard.org/namespaces/basic/3.0": "prism",
    "prismstandard.org/namespaces/1.2/basic": "prism",
    "www.w3.org/1999/02/22-rdf-syntax-ns": "rdf",
    "www.w3.org/1999/xhtml": "xhtml",
    "wellformedweb.org/commentapi": "wfw",
    "purl.org/rss/1.0/modules/slash": "slash",
    "purl.org/rss/1.0/modules/syndication": "sy",
    "www.georss.org/georss": "georss",
}
"""Namespaces without scheme, closing slash and case, because feeds write them in several spellings."""
_UNDECLARED_PREFIX = re.compile(r"</?([A-Za-z][\w.-]{0,30}):[A-Za-z]")
_PREFIX_OF_ATTRIBUTE = re.compile(r"\s([A-Za-z][\w.-]{0,30}):[A-Za-z][\w.-]{0,40}\s*=\s*[\"']")
_BARE_AMPERSAND = re.compile(r"&(?!#\d{1,7};|#[xX][0-9A-Fa-f]{1,6};|[A-Za-z][A-Za-z0-9]{1,31};)")
_CDATA_START, _CDATA_END = "<![CDATA[", "]]>"
_ROOT = re.compile(r"<(?:[A-Za-z][\w.-]{0,30}:)?(?:rss|feed|RDF|entry)\b[^<>]{0,20000}")
_MAX_PREFIXES = 50
_MAX_CORRECTED_CHARS, _MAX_AMPERSANDS = 5_000_000, 100_000
_MAX_BASE_CHARS = 500
MAX_CHILDREN = 1_000  # of an entry; real ones have up to 30


@dataclass(frozen=True, slots=True)
class Child:
    """A child element: its name with a well-known prefix, if it has another namespace than its parent."""

    key: str
    element: etree._Element
    where: str

    @property
    def text(self) -> str:
        """Return the text without comments, with the text of inner elements."""
        return text_in(self.element)

    def attribute(self, name: str) -> str:
        """Return an attribute by its local name; empty if it is absent."""
        return attribute(self.element, name) or ""


def text_in(element: etree._Element) -> str:
    """Return the text of an element without comments and without white space around it."""
    return etree.tostring(element, method="text", encoding="unicode", with_tail=False).strip()


def children_of(parent: etree._Element, where: str, max_count: int = MAX_CHILDREN) -> Iterator[Child]:
    """Yield the first child elements in document order; each pointer counts the children of one name."""
    core = etree.QName(parent).namespace
    names = [(each, name_of(each)) for each in islice(parent, max_count) if isinstance(each.tag, str)]
    totals = Counter(name for _, name in names)
    counts: Counter[str] = Counter()
    for element, name in names:
        counts[name] += 1
        shown = f"{element.prefix}:{name}" if element.prefix else name
        number = f"[{counts[name]}]" if totals[name] > 1 else ""
        yield Child(_key_of(element, name, core), element, f"{where}/{shown[:60]}{number}")


def _key_of(element: etree._Element, name: str, core: str | None) -> str:
    namespace = etree.QName(element).namespace
    if namespace == core or namespace is None:
        return name
    known = _PREFIXES.get(_normal(namespace))
    return f"{known}:{name}" if known else f"{element.prefix or '?'}?:{name}"


def _normal(namespace: str) -> str:
    return namespace.strip().lower().partition("://")[2].rstrip("/#")


def base_of(element: etree._Element, base: str) -> str:
    """Return the address that relative links of an element start from, by `xml:base` of it and of its ancestors."""
    given = [str(each.get(_XML_BASE)) for each in (element, *element.iterancestors()) if each.get(_XML_BASE)]
    for each in reversed(given[:10]):
        base = resolved(each.strip(), base)
        base = base if len(base) <= _MAX_BASE_CHARS else ""
    return base


def language_of(element: etree._Element) -> str:
    """Return the value of `xml:lang` of an element or of its nearest ancestor; empty if there is none."""
    for each in (element, *element.iterancestors()):
        if language := each.get(_XML_LANG):
            return str(language).strip()
    return ""


def html_in(element: etree._Element) -> tuple[str, bool]:
    """Return the content and whether it is markup: elements inside are HTML that was not escaped."""
    if any(isinstance(each.tag, str) for each in element):
        return markup_in(element), True
    return text_in(element), False


def feed_root(document: Document) -> tuple[etree._Element, list[str]]:
    """Return the root element and warnings. Bare `&` and undeclared prefixes, which feeds often have, are corrected.

    Raises:
        RefusedError: 400, the document is not well-formed XML otherwise.
    """
    try:
        return document.xml(), []
    except RefusedError:
        if not document.looks_like_xml:
            raise
        root = Document(_corrected(document.text).encode("utf-8", "replace"), "application/xml").find_xml()
        if root is None:
            raise
    return root, ["the document is not well-formed XML; bare & and undeclared prefixes were corrected"]


def _corrected(text: str) -> str:
    if len(text) > _MAX_CORRECTED_CHARS or text.count("&") > _MAX_AMPERSANDS:
        return text
    parts = _split_at_cdata(text)
    outside = [part if index % 2 else _BARE_AMPERSAND.sub("&amp;", part) for index, part in enumerate(parts)]
    root = next((found for part in outside if (found := _ROOT.search(part))), None)
    if root is None:
        return text
    prefixes: dict[str, None] = {}
    for part in outside[::2]:
        for pattern in (_UNDECLARED_PREFIX, _PREFIX_OF_ATTRIBUTE):
            prefixes.update((found[1], None) for found in pattern.finditer(part))
    missing = [
        each
        for each in list(prefixes)[:_MAX_PREFIXES]
        if each not in ("xml", "xmlns") and f"xmlns:{each}" not in root[0]
    ]
    declared = "".join(f' xmlns:{each}="{_COMMON_PREFIXES.get(each, f"urn:undeclared:{each}")}"' for each in missing)
    start = root[0].rstrip("/").rstrip() + declared + ("/" if root[0].endswith("/") else "")
    return "".join(outside).replace(root[0], start, 1)


def _split_at_cdata(text: str) -> list[str]:
    """Return text and CDATA sections in turn; the text is at even places. An unclosed section goes to the end."""
    parts: list[str] = []
    position = 0
    while (start := text.find(_CDATA_START, position)) >= 0:
        end = text.find(_CDATA_END, start)
        stop = len(text) if end < 0 else end + len(_CDATA_END)
        parts += [text[position:start], text[start:stop]]
        position = stop
    return [*parts, text[position:]]


_COMMON_PREFIXES = {
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "media": "http://search.yahoo.com/mrss/",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "atom": "http://www.w3.org/2005/Atom",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
}
