"""Reads HTML pages of articles, by schema.org's JSON-LD or microdata, otherwise by Open Graph."""

from __future__ import annotations

import re

from services.ingest.adapters.readers.news_pages.about import HTML
from services.ingest.adapters.readers.news_pages.extraction import extract
from services.ingest.adapters.readers.news_pages.facts import entry_of
from services.ingest.adapters.readers.news_pages.json_ld import (
    Graph,
    Node,
    addresses_in,
    find_article,
    read_graph,
    same_address,
    types_of,
)
from services.ingest.adapters.readers.news_pages.microdata import read_microdata
from services.ingest.adapters.readers.news_pages.page import Page, parse_page
from services.ingest.adapters.readers.syndication.articles import read_entries
from services.ingest.adapters.readers.syndication.entry import SentEntry, Text
from services.ingest.adapters.readers.values import text_of
from services.ingest.domain import prose
from services.ingest.domain.refusal import Fault, RefusedError, unacceptable
from services.ingest.ports import Document, Entry, ReadingContext

_HTML = re.compile(r"<(?:!doctype\s+html|html[\s>]|head[\s>])", re.IGNORECASE)
_START_CHARS = 2_000
_MAX_HEADLINES = 3  # more articles than that with equal rights make a list
_MUCH_LESS = 0.6
_OTHER_PAGES = {
    "CollectionPage": "a list of articles",
    "ItemList": "a list of articles",
    "SearchResultsPage": "a list of articles",
    "ProfilePage": "a person's page",
    "ContactPage": "a contact page",
    "AboutPage": "a page about the site",
    "VideoObject": "a video",
    "PodcastEpisode": "a podcast",
    "Event": "an event",
    "Product": "a product",
    "Recipe": "a recipe",
}


class HtmlReader:
    """Reads a page with one article."""

    format = HTML

    def recognises(self, document: Document) -> bool:
        """Return whether the document begins as an HTML page."""
        if document.looks_like_html:
            return True
        return document.looks_like_xml and _HTML.match(document.text[:_START_CHARS].lstrip()) is not None

    def read(self, document: Document, context: ReadingContext) -> list[Entry]:
        """Return the page's article as the only entry.

        Raises:
            RefusedError: 413 too large, 422 not a page of one article, or an article that breaks a rule.
        """
        page = parse_page(document)
        graph = read_graph(page)
        node, version = _article_of(page, graph)
        entry = entry_of(page, node, graph)
        entry.warnings += document.warnings
        for script in graph.unread:
            entry.drop(script.where, script.value)
        _read_texts(entry, page, node)
        return read_entries([entry], f"html-{version}", context)


def _article_of(page: Page, graph: Graph) -> tuple[Node, str]:
    """Return the article, and the name of the vocabulary's syntax.

    Raises:
        RefusedError: 422, the page has no article or several.
    """
    addresses = frozenset(
        same_address(each.value) for each in (page.canonical, page.first_meta("og:url")) if each is not None
    )
    kind = (page.first_meta("og:type") or Text("", "", is_html=False)).value.lower()
    for nodes, syntax in ((graph.nodes, "json-ld"), (read_microdata(page), "microdata")):
        node, count = find_article(nodes, addresses)
        if node is None:
            continue
        is_named = bool(addresses & addresses_in(node.data))
        if not is_named and (count > _MAX_HEADLINES or (count > 1 and kind == "website")):
            raise _no_article("a list of articles", node.where)
        return node, syntax
    if kind == "article" or "article:published_time" in page.meta:
        return Node({}, "/html/head"), "open-graph"
    raise _no_article(_kind_of(graph, kind), "")


def _kind_of(graph: Graph, kind: str) -> str:
    types = {name for node in graph.nodes for name in types_of(node.data) if node.is_own}
    for name, words in _OTHER_PAGES.items():
        if name in types:
            return words
    if kind.startswith("video"):
        return "a video"
    return "a home page" if kind == "website" or "WebSite" in types else "no article"


def _no_article(kind: str, where: str) -> RefusedError:
    types = "NewsArticle"
    detail = f"the page describes {kind}, and not one article; it needs schema.org's {types} or og:type article"
    return unacceptable([Fault(where, detail)], detail)


def _read_texts(entry: SentEntry, page: Page, node: Node) -> None:
    """Read the description and the text.

    Raises:
        RefusedError: 422, no text was found.
    """
    description = text_of(node.data.get("description"))
    if description:
        entry.summaries.append(Text(description, node.where + "/description", is_html=True))
    elif found := page.first_meta("og:description", "description"):
        entry.summaries.append(Text(found.value, found.where, is_html=True))
    given = text_of(node.data.get("articleBody")) or ""
    where = node.where + "/articleBody"
    if given and prose.has_tags(given) and "</" in given:
        entry.contents = [Text(given, where, is_html=True, base=page.base)]
        return
    extract_ = extract(page, entry.title.value if entry.title else "", [each.name for each in entry.people])
    words = len(extract_.text.split()) if extract_ else 0
    if given and words < _MUCH_LESS * len(given.split()):
        entry.contents = [Text(given, where, is_html=False)]
        if extract_:
            entry.warnings.append("the page has much less text than articleBody, which is used")
        return
    if extract_ is None:
        if entry.state is None:
            raise unacceptable([Fault("/html/body", "has no text of an article that could be found")])
        return
    if given:
        entry.drop(where, "the text of the page is used, which has its mark-up")
    entry.contents = [Text(extract_.markup, "/html/body", is_html=True, base=page.base)]
