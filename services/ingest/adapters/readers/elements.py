"""Reads elements of an XML document by local name; a pointer to an element looks like an XPath."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from lxml import etree

from shared.model.text import collapsed

_MAX_POINTER_CHARS = 200
_MAX_COUNTED_SIBLINGS = 1_000  # a position costs time for each sibling; a wider element gets a pointer without one
_MAX_LISTED = 300
MAX_ELEMENTS = 40_000  # twice the tags of an accepted body, because NITF marks up each name


def name_of(element: etree._Element) -> str:
    """Return the local name; empty for a comment or an entity reference."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def children(element: etree._Element | None, *names: str) -> Iterator[etree._Element]:
    """Yield the child elements, in document order; with `names`, only those with one of these local names."""
    if element is not None:
        yield from element.iterchildren(*(f"{{*}}{name}" for name in names or ("*",)))


def first_children(
    element: etree._Element | None, *names: str, limit: int = _MAX_LISTED
) -> tuple[list[etree._Element], int]:
    """Return at most `limit` child elements with one of the local names, and the number of the others."""
    found = list(children(element, *names))
    return found[:limit], max(0, len(found) - limit)


def find(element: etree._Element | None, *path: str) -> etree._Element | None:
    """Return the first element at a path of local names below `element`, or None."""
    for name in path:
        element = next(children(element, name), None)
    return element


def find_all(element: etree._Element | None, *path: str) -> list[etree._Element]:
    """Return all elements at a path of local names below `element`, in document order."""
    found = [element] if element is not None else []
    for name in path:
        found = [child for each in found for child in children(each, name)]
    return found


def line_in(element: etree._Element | None, *path: str) -> str | None:
    """Return the text at a path as one line, without comments; None if there is no element or no text."""
    found = find(element, *path)
    if found is None:
        return None
    return collapsed(etree.tostring(found, method="text", encoding="unicode", with_tail=False)).strip() or None


def attribute(element: etree._Element | None, name: str) -> str | None:
    """Return an attribute by local name without surrounding white space; None if it is absent or empty."""
    if element is None:
        return None
    for key, value in element.attrib.items():
        if str(key).rpartition("}")[2] == name:
            return str(value).strip() or None
    return None


def place_of(element: etree._Element, attribute_name: str = "") -> str:
    """Return a pointer such as `/nitf/head/title` or `/nitf/body/p[3]/@class`; a very long one is cut."""
    steps: list[str] = []
    node: etree._Element | None = element
    while node is not None:
        name, parent = name_of(node), node.getparent()
        namesakes = list(children(parent, name)) if parent is not None and _is_counted(parent) else [node]
        steps.append(f"{name}[{namesakes.index(node) + 1}]" if len(namesakes) > 1 else name)
        node = parent
    text = "/" + "/".join(reversed(steps)) + (f"/@{attribute_name}" if attribute_name else "")
    return text if len(text) <= _MAX_POINTER_CHARS else f"{text[: _MAX_POINTER_CHARS - 1]}…"


def _is_counted(parent: etree._Element) -> bool:
    return len(parent) <= _MAX_COUNTED_SIBLINGS


def markup_in(element: etree._Element) -> str:
    """Return the content of an element as HTML, without namespaces, comments and processing instructions.

    The elements keep their local names and attributes; the enricher sanitises them.
    """
    return markup_of(html_copy(element))


def html_copy(element: etree._Element) -> etree._Element:
    """Return a `div` with a copy of the element's content, without namespaces, comments and instructions."""
    root = etree.Element("div")
    _copy_content(element, root)
    return root


def markup_of(root: etree._Element) -> str:
    """Return the content of a `div` as HTML."""
    html = etree.tostring(root, method="html", encoding="unicode", with_tail=False)
    return html.removeprefix("<div>").removesuffix("</div>").strip()


def remove(element: etree._Element) -> None:
    """Remove an element from its parent; the text after it stays."""
    parent = element.getparent()
    if parent is None:
        return
    before = element.getprevious()
    if element.tail and before is not None:
        before.tail = (before.tail or "") + element.tail
    elif element.tail:
        parent.text = (parent.text or "") + element.tail
    parent.remove(element)


def has_too_many_elements(element: etree._Element) -> bool:
    """Return whether an element contains more elements than the markup of an article may have."""
    return next(islice(element.iter(), MAX_ELEMENTS, None), None) is not None


def append_text(target: etree._Element, text: str | None) -> None:
    """Append text to the content of an element."""
    if not text:
        return
    last = next(target.iterchildren(reversed=True), None)  # len() counts all children
    if last is not None:
        last.tail = (last.tail or "") + text
    else:
        target.text = (target.text or "") + text


def _copy_content(source: etree._Element, target: etree._Element) -> None:
    """Copy text and elements without their namespaces; the parser limits the depth to 255."""
    append_text(target, source.text)
    for child in source:
        if isinstance(child.tag, str):
            copy = etree.SubElement(target, name_of(child).replace(":", "") or "span")
            for key, value in child.attrib.items():
                copy.set(str(key).rpartition("}")[2], value)
            _copy_content(child, copy)
        append_text(target, child.tail)
