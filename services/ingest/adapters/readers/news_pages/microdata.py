"""Reads schema.org's microdata in the same form as JSON-LD, for pages without JSON-LD of an article."""

from __future__ import annotations

from typing import Any

from lxml import etree

from services.ingest.adapters.readers.news_pages.json_ld import Node
from services.ingest.adapters.readers.news_pages.page import Page
from services.ingest.adapters.readers.trees import text_in_tree
from shared.model.text import collapsed

_MAX_ITEMS, _MAX_PROPERTIES, _MAX_DEPTH = 100, 500, 10
_MAX_CHARS = 5_000
_ADDRESS_ATTRIBUTES = {
    **dict.fromkeys(("a", "area", "link"), "href"),
    **dict.fromkeys(("img", "audio", "video", "embed", "iframe", "source"), "src"),
    "object": "data",
    "time": "datetime",
    "meta": "content",
    "data": "value",
}
_SKIPPED = frozenset({"articleBody", "text", "reviewBody"})


def read_microdata(page: Page) -> list[Node]:
    """Return the top-level items, and the items that are properties of web pages."""
    nodes: list[Node] = []
    budget = [_MAX_PROPERTIES]
    for number, element in enumerate(page.root.xpath("//*[@itemscope][@itemtype]")[:_MAX_ITEMS], 1):
        if "schema.org" in (element.get("itemtype") or ""):
            is_own = (element.get("itemprop") or "mainEntity") == "mainEntity"
            nodes.append(Node(_item(element, budget, 0), f"//*[@itemscope][{number}]", is_own))
    return nodes


def _item(element: etree._Element, budget: list[int], depth: int) -> dict[str, Any]:
    data: dict[str, Any] = {"@type": (element.get("itemtype") or "").split()[:5]}
    if name := element.get("itemid"):
        data["@id"] = name
    for each in _properties(element):
        if budget[0] <= 0:
            break
        budget[0] -= 1
        value: object
        if each.get("itemscope") is not None and depth < _MAX_DEPTH:
            value = _item(each, budget, depth + 1)
        else:
            value = value_of(each)
        for name in (each.get("itemprop") or "").split()[:5]:
            if name not in _SKIPPED and value not in ("", None):
                data[name] = [*_list(data[name]), value] if name in data else value
    return data


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _properties(scope: etree._Element) -> list[etree._Element]:
    """Return the elements with `itemprop` that belong to this item and to no inner one."""
    found: list[etree._Element] = []
    open_elements = [each for each in reversed(scope) if isinstance(each.tag, str)]
    while open_elements and len(found) < _MAX_PROPERTIES:
        element = open_elements.pop()
        if element.get("itemprop") is not None:
            found.append(element)
        if element.get("itemscope") is None:
            open_elements += [each for each in reversed(element) if isinstance(each.tag, str)]
    return found


def value_of(element: etree._Element) -> str:
    """Return the value of an element that is a property: of its attribute, otherwise its text."""
    attribute = _ADDRESS_ATTRIBUTES.get(str(element.tag), "content")
    given = element.get(attribute) or element.get("content")
    if given:
        return given.strip()[:_MAX_CHARS]
    return collapsed(text_in_tree(element)[:_MAX_CHARS]).strip()
