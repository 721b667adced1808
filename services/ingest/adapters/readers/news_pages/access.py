"""Decides whether a page says that its article is not for everybody."""

from __future__ import annotations

from services.ingest.adapters.readers.news_pages.json_ld import ARTICLE_TYPES, Graph, Node, types_of
from services.ingest.adapters.readers.news_pages.microdata import value_of
from services.ingest.adapters.readers.news_pages.page import Page
from services.ingest.adapters.readers.syndication.entry import State
from services.ingest.adapters.readers.trees import letters_of
from services.ingest.adapters.readers.values import text_of

_PUBLIC_STATES = frozenset({"published", "publish", "final", "usable", "live", "updated", "corrected"})
_OPEN_CONDITIONS = frozenset(
    {"free", "open", "public", "openaccess", "freeaccess", "unrestricted", "accessibleforfree"}
)
_PAGE_TYPES = ARTICLE_TYPES | {"WebPage", "ItemPage", "WebPageElement", "CreativeWork"}
_MAX_VALUES, _MAX_MARKS = 100, 100


def find_restriction(page: Page, node: Node, graph: Graph) -> State | None:
    """Return the state of an article that is not for everybody."""
    if _is_false(node.data.get("isAccessibleForFree")):
        return State(
            "private",
            "the article is for members only: isAccessibleForFree is false",
            node.where + "/isAccessibleForFree",
        )
    parts = node.data.get("hasPart")
    for each in (parts if isinstance(parts, list) else [parts])[:_MAX_VALUES]:
        if isinstance(each, dict) and _is_false(each.get("isAccessibleForFree")):
            return State("private", "a part of the article is for members only: hasPart", node.where + "/hasPart")
    if where := _find_condition(page, node, graph):
        return State("private", f"the article is for members only: {where.rpartition('/')[2][:60]}", where)
    tier = page.first_meta("article:content_tier", "og:article:content_tier")
    if tier and tier.value.lower() == "locked":
        return State("private", "the article is for members only: article:content_tier is locked", tier.where)
    words = texts_of(node.data.get("creativeWorkStatus"))
    if words and words[0].lower() not in _PUBLIC_STATES:
        return State(
            "private",
            "creativeWorkStatus does not say that the article is published",
            node.where + "/creativeWorkStatus",
        )
    return None


def _is_false(value: object) -> bool:
    if isinstance(value, list):
        return any(_is_false(each) for each in value[:_MAX_VALUES])
    return value is False or (
        isinstance(value, str) and value.strip().lower().rsplit("/", 1)[-1] in ("false", "no", "0")
    )


def _find_condition(page: Page, node: Node, graph: Graph) -> str:
    """Return the pointer to a condition of access, of the article or its page; empty if there is none."""
    if _is_true(node.data.get("requiresSubscription")):
        return node.where + "/requiresSubscription"
    conditions = texts_of(node.data.get("conditionsOfAccess"))
    if any(letters_of(each.rpartition("/")[2]) not in _OPEN_CONDITIONS for each in conditions):
        return node.where + "/conditionsOfAccess"
    for each in graph.nodes:
        is_of_page = each.is_own and types_of(each.data) & _PAGE_TYPES
        if is_of_page and _is_false(each.data.get("isAccessibleForFree")):
            return each.where + "/isAccessibleForFree"
    marks = page.root.xpath("//*[@itemprop='isAccessibleForFree']")[:_MAX_MARKS]
    return "//*[@itemprop]/isAccessibleForFree" if any(_is_false(value_of(each)) for each in marks) else ""


def _is_true(value: object) -> bool:
    if isinstance(value, list):
        return any(_is_true(each) for each in value[:_MAX_VALUES])
    return value is True or (
        isinstance(value, str) and value.strip().lower().rsplit("/", 1)[-1] in ("true", "yes", "1")
    )


def texts_of(value: object) -> list[str]:
    """Return the texts of a property that may have several values."""
    values = value if isinstance(value, list) else [value]
    return [text for each in values[:_MAX_VALUES] if (text := text_of(each))]
