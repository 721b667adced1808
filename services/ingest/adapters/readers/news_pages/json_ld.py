"""Finds the article in a page's JSON-LD: in several scripts, in a `@graph`, with lists of types and references."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from services.ingest.adapters.readers.news_pages.page import Page
from services.ingest.adapters.readers.syndication.entry import Part
from services.ingest.adapters.readers.values import text_of
from services.ingest.domain.pointers import pointer

ARTICLE_TYPES = frozenset(
    {
        *("NewsArticle", "ReportageNewsArticle", "AnalysisNewsArticle", "OpinionNewsArticle", "ReviewNewsArticle"),
        *("BackgroundNewsArticle", "AskPublicNewsArticle", "LiveBlogPosting", "BlogPosting", "SatiricalArticle"),
        *("AdvertiserContentArticle", "Article", "Report", "TechArticle", "ScholarlyArticle", "SocialMediaPosting"),
    }
)
_GENERAL_TYPES = frozenset({"Article", "Report", "TechArticle", "ScholarlyArticle", "SocialMediaPosting"})
_NOT_THE_PAGES_OWN = frozenset(
    {
        *("itemListElement", "hasPart", "isPartOf", "citation", "relatedLink", "mentions", "about", "isBasedOn"),
        *("comment", "blogPost", "blogPosts", "liveBlogUpdate", "workExample", "exampleOfWork", "significantLink"),
    }
)
"""Properties whose articles are other articles than the page's."""
_MAX_SCRIPTS, _MAX_NODES, _MAX_DEPTH = 50, 5_000, 20
_WRAPPERS = (("//", ""), ("/*", "*/"), ("<![CDATA[", "]]>"), ("*/", "/*"), ("<!--", "-->"), ("", "//"), ("", ";"))
"""Starts and ends around JSON in a script, from outside to inside."""
_TRAILING_COMMA = re.compile(r",\s{0,100}([}\]])")


@dataclass(frozen=True, slots=True)
class Node:
    """An object of JSON-LD or microdata, and a pointer to it."""

    data: dict[str, Any]
    where: str
    is_own: bool = True


@dataclass(slots=True)
class Graph:
    """All objects of a page, and the objects by `@id`. `unread` holds the scripts that are not JSON."""

    nodes: list[Node] = field(default_factory=list)
    by_id: dict[str, Node] = field(default_factory=dict)
    unread: list[Part] = field(default_factory=list)

    def resolve(self, value: object) -> object:
        """Return the object that a reference `{"@id": …}` names, otherwise the value itself."""
        if isinstance(value, dict) and set(value) <= {"@id", "@type"} and (name := text_of(value.get("@id"))):
            found = self.by_id.get(name)
            return found.data if found else value
        return value


def types_of(data: dict[str, Any]) -> frozenset[str]:
    """Return the names of the types without their vocabulary."""
    given = data.get("@type")
    names = given if isinstance(given, list) else [given]
    return frozenset(name.rsplit("/", 1)[-1].rsplit(":", 1)[-1] for name in names if isinstance(name, str))


def read_graph(page: Page) -> Graph:
    """Return the objects of all scripts of type `application/ld+json`."""
    graph = Graph()
    scripts = [each for each in page.root.iter("script") if "ld+json" in (each.get("type") or "").lower()]
    for number, script in enumerate(scripts[:_MAX_SCRIPTS], 1):
        where = f"//script[@type='application/ld+json'][{number}]"
        try:
            value = _loads(script.text or "")
        except (ValueError, RecursionError):
            graph.unread.append(Part("is not JSON", where))
            continue
        for node in _nodes_in(value, where, depth=0, is_own=True):
            if len(graph.nodes) >= _MAX_NODES:
                break
            graph.nodes.append(node)
            name = text_of(node.data.get("@id"))
            if name and (name not in graph.by_id or len(node.data) > len(graph.by_id[name].data)):
                graph.by_id[name] = node
    return graph


def _loads(text: str) -> object:
    """Read JSON, also in a CDATA section or a comment, escaped for HTML, or with a comma too many."""
    text = text.strip()
    for start, end in _WRAPPERS:
        text = text.removeprefix(start).removesuffix(end).strip()
    try:
        return json.loads(text, strict=False)
    except ValueError:
        unescaped = html.unescape(text) if "&quot;" in text else text
        return json.loads(_TRAILING_COMMA.sub(r"\1", unescaped), strict=False)


def _nodes_in(value: object, where: str, *, depth: int, is_own: bool) -> Iterator[Node]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from _nodes_in(each, where + pointer(index), depth=depth + 1, is_own=is_own)
    elif isinstance(value, dict):
        yield Node(value, where, is_own)
        for name, each in value.items():
            if isinstance(each, dict | list):
                own = is_own and name not in _NOT_THE_PAGES_OWN
                yield from _nodes_in(each, where + pointer(name), depth=depth + 1, is_own=own)


def find_article(nodes: list[Node], addresses: frozenset[str]) -> tuple[Node | None, int]:
    """Return the page's article, and the number of articles that could be it.

    The article with one of the page's addresses comes first, then the most special type, then the one with most
    properties.
    """
    articles = [each for each in nodes if each.is_own and types_of(each.data) & ARTICLE_TYPES and len(each.data) > 2]  # noqa: PLR2004
    named = [each for each in articles if addresses & addresses_in(each.data)]
    candidates = named or articles
    headlines = {text_of(each.data.get("headline")) or text_of(each.data.get("name")) for each in candidates}
    best = max(candidates, key=_rank, default=None)
    return best, len(headlines)


def addresses_in(data: dict[str, Any]) -> frozenset[str]:
    """Return the addresses by which an object names its page."""
    found = []
    for name in ("url", "mainEntityOfPage", "@id"):
        value = data.get(name)
        found += [value.get("@id"), value.get("url")] if isinstance(value, dict) else [value]
    return frozenset(same_address(each) for each in found if isinstance(each, str))


def same_address(address: str) -> str:
    """Return an address in a form that compares equal without scheme, fragment and closing slash."""
    return address.strip().partition("#")[0].partition("://")[2].rstrip("/")


def _rank(node: Node) -> tuple[bool, int]:
    return bool(types_of(node.data) & (ARTICLE_TYPES - _GENERAL_TYPES)), len(node.data)
