"""Extracts the article's text from a page, without navigation, newsletter boxes, other stories and cookie banners.

The text is in the element that the page marks as `articleBody`. Otherwise readability (Arc90's scoring) finds it.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree
from lxml import html as lxml_html

from services.ingest.adapters.readers.addresses import resolved
from services.ingest.adapters.readers.elements import remove
from services.ingest.adapters.readers.news_pages.boxes import remove_boxes, remove_empty, remove_head_lines
from services.ingest.adapters.readers.news_pages.page import Page
from services.ingest.adapters.readers.news_pages.players import put_players_back, set_players_aside
from services.ingest.adapters.readers.trees import inner_html, line_in_tree, parsed_fragment, text_in_tree

_MAX_ELEMENTS, _MAX_TEXT_CHARS, _MAX_DEPTH = 6_000, 300_000, 150
_MIN_MARKED_WORDS = 40
_REMOVED = frozenset(
    {
        *("script", "style", "noscript", "template", "link", "meta", "svg", "canvas", "dialog", "nav", "form"),
        *("button", "input", "select", "textarea", "label", "fieldset"),
    }
)
_KEPT_ATTRIBUTES = frozenset(
    {
        *("href", "src", "alt", "class", "id", "title", "lang", "dir", "colspan", "rowspan", "cite", "datetime"),
        *("data-src", "itemprop", "property"),
    }
)
_ADDRESSES = frozenset({"href", "src", "cite", "data-src"})
_MAX_ATTRIBUTE_CHARS = 2_000
_NOT_A_BLOCK = ("meta", "script", "p", "span")


@dataclass(frozen=True, slots=True)
class Extract:
    """The text's HTML and its plain text."""

    markup: str
    text: str


def extract(page: Page, headline: str, names: Sequence[str]) -> Extract | None:
    """Return the article's text, or None if the page is too large to search or has no text.

    `headline` and `names` of authors are removed where they stand above the text.
    """
    body = next(page.root.iter("body"), None)
    if body is None:
        return None
    root: etree._Element = copy.deepcopy(body)
    if not _prune(root, page.base):
        return None
    players = set_players_aside(root)
    remove_boxes(root)
    remove_empty(root)
    found = _marked(root)
    if found is None and _is_small(root):
        found = _by_readability(root)
    if found is None:
        return None
    remove_boxes(found)
    remove_head_lines(found, headline, names)
    text = line_in_tree(found)
    put_players_back(found, players)
    remove_empty(found)
    return Extract(inner_html(found), text) if text else None


def _marked(root: etree._Element) -> etree._Element | None:
    """Return the only element that is marked as the article's text, if it has enough text."""
    found = [
        each
        for each in root.iter(etree.Element)
        if each.tag not in _NOT_A_BLOCK and "articleBody" in f"{each.get('itemprop')} {each.get('property')}"
    ]
    if len(found) != 1 or len(text_in_tree(found[0]).split()) < _MIN_MARKED_WORDS:
        return None
    return found[0]


def _prune(root: etree._Element, base: str) -> bool:
    """Remove comments, attributes, and elements that are never text; return False if the rest is too deep."""
    for element in list(root.iter()):
        if not isinstance(element.tag, str) or element.tag in _REMOVED or _is_hidden(element):
            if element is not root:
                remove(element)
            continue
        source = element.get("src") or ""
        if element.tag == "img" and (not source or source.startswith("data:")):
            element.set("src", element.get("data-src") or element.get("data-original") or "")
        kept = {str(name): str(value) for name, value in element.attrib.items() if name in _KEPT_ATTRIBUTES}
        element.attrib.clear()  # `del` fails for names that HTML allows and XML does not, such as `{x`
        for name, value in kept.items():
            if len(value) <= _MAX_ATTRIBUTE_CHARS:
                is_address = name in _ADDRESSES and not value.startswith("#")
                element.set(name, resolved(value.strip(), base) if is_address else value)
    return _depth(root) <= _MAX_DEPTH


def _is_hidden(element: etree._Element) -> bool:
    style = (element.get("style") or "")[:200].replace(" ", "").lower()
    return element.get("hidden") is not None or "display:none" in style or "visibility:hidden" in style


def _depth(root: etree._Element) -> int:
    deepest = depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        deepest = max(deepest, depth)
    return deepest


def _is_small(root: etree._Element) -> bool:
    """Return whether the page can be searched in well under a second."""
    count = sum(1 for _ in root.iter())
    return count <= _MAX_ELEMENTS and sum(len(each) for each in root.itertext()) <= _MAX_TEXT_CHARS


def _by_readability(root: etree._Element) -> etree._Element | None:
    """Return the part of the page with most text. The library is imported here: most workers never need it."""
    from readability import Document  # noqa: PLC0415
    from readability.readability import Unparseable  # noqa: PLC0415

    logging.getLogger("readability").setLevel(logging.CRITICAL)

    class _Search(Document):  # type: ignore[misc]  # the library has no types
        def get_clean_html(self) -> str:
            """Return the text's HTML; the library's own cleaning takes quadratic time, and the enricher cleans it."""
            return str(etree.tostring(self.html, method="html", encoding="unicode"))

    page = lxml_html.Element("html")
    page.append(root)
    try:
        markup = _Search(etree.tostring(page, method="html", encoding="unicode")).summary(
            html_partial=True, keep_all_images=True
        )
    except (Unparseable, etree.ParserError, ValueError):
        return None
    return parsed_fragment(markup)
