"""Links of a body: resolves relative links, and gives links within the text (footnotes) working targets.

A sender's id stays only if a link leads to it, as `text_` and a safe form of the id: no theme's id and no sub-head's
anchor has a `_`. During `normalise_blocks` a target is an empty `<span id>` (a marker). So the target survives a change
or a removal of its element.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote, urldefrag, urljoin

from lxml import etree

from services.enrich.domain import tree
from services.enrich.domain.embeds import web_address
from services.enrich.domain.tree import Element

LOCAL_LINK = re.compile(r"#text_[0-9A-Za-z_.-]+")
_PREFIX = "text_"
_UNSAFE = re.compile(r"[^0-9A-Za-z_.-]+")
_MAX_ID_CHARS = 60
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_ADDRESS_ATTRIBUTES = {"a": ("href", "data-embed"), "iframe": ("src",)}
_CONTAINERS = frozenset(
    (
        *("aside", "blockquote", "div", "dl", "figure", "ol", "table", "tbody", "tfoot", "thead", "tr", "ul"),
        *("caption", "colgroup"),
    )
)
"""Elements that hold no text directly."""
_STRUCTURE = frozenset(("dl", "ol", "table", "tbody", "tfoot", "thead", "tr", "ul", "colgroup", "col", "dir", "menu"))
_HEADINGS = frozenset(("h2", "h3", "h4"))


def resolve_links(root: Element, base_url: str | None) -> list[str]:
    """Make relative addresses absolute, and point links within the text to new ids; return the lost addresses.

    `base_url` is the article's address on the sender's site, if known. The text of a lost link stays.
    """
    targets = _targets(root)
    local_links: dict[Element, str] = {}  # links within the text, and the sender's ids that they name
    lost: list[str] = []
    for element in list(root.iter(*_ADDRESS_ATTRIBUTES)):
        for name in _ADDRESS_ATTRIBUTES[str(element.tag)]:
            given = element.get(name)
            if given is None:
                continue
            address = "".join(given.strip().splitlines()).replace("\t", "")
            fragment = _fragment_of(address, base_url) if name == "href" else None
            key = next((each for each in (fragment, unquote(fragment or "")) if each in targets), None)
            resolved = _absolute(address, base_url)
            if key is not None:
                local_links[element] = key
            elif name == "href" and web_address(resolved) is None:
                lost.append(address)
                del element.attrib[name]
            else:
                element.set(name, resolved)
    new_ids = _new_ids(dict.fromkeys(local_links.values()))
    for link, key in local_links.items():
        link.set("href", f"#{new_ids[key]}")
    for key, new in new_ids.items():
        _insert_marker(targets[key], new, root)
    return lost


def insert_markers(element: Element, markers: Iterable[Element]) -> None:
    """Put markers before an element's text; in a list or a table, before the text of the first item or cell."""
    while element.tag in _CONTAINERS and (child := next(element.iterchildren(), None)) is not None:
        element = child
    for marker in reversed(list(markers)):
        marker.tail, element.text = element.text, None
        element.insert(0, marker)


def markers_in(element: Element) -> list[Element]:
    """Return the markers inside an element, without the text after them."""
    markers = [each for each in element.iter("span") if each.get("id")]
    for marker in markers:
        marker.tail = None
    return markers


def move_ids_to_elements(root: Element) -> int:
    """Move a marker's id to the element that begins with the marker; remove markers that no link leads to.

    Remove links to missing targets, but not their text; return the number of these links.
    """
    ids = {marker.get("id") for marker in root.iter("span")}
    links = [link for link in root.iter("a") if is_local_link(link.get("href"))]
    broken = [link for link in links if (link.get("href") or "")[1:] not in ids]
    wanted = {(link.get("href") or "")[1:] for link in links}
    for link in broken:
        tree.unwrap(link)
    for marker in list(root.iter("span")):
        if marker.get("id") and marker.get("id") not in wanted:
            del marker.attrib["id"]
        if not marker.attrib:
            tree.unwrap(marker)
        elif (parent := _element_begun_by(marker, root)) is not None:
            parent.set("id", str(marker.get("id")))
            tree.remove(marker)
    return len(broken)


def _element_begun_by(marker: Element, root: Element) -> Element | None:
    """Return the element that begins with a marker and can take its id, or None."""
    parent = marker.getparent()
    if list(marker.attrib) != ["id"] or len(marker) or marker.text or parent is None or parent is root:
        return None
    has_own_id = parent.tag in _HEADINGS or parent.get("id") is not None
    is_first = marker.getprevious() is None and not (parent.text or "").strip()
    return parent if is_first and not has_own_id else None


def is_local_link(href: str | None) -> bool:
    """Tell whether a link leads to a target in the same text."""
    return LOCAL_LINK.fullmatch(href or "") is not None


def _targets(root: Element) -> dict[str, Element]:
    """Return the elements by `id` and by the `name` of old anchors, the first of each; remove both attributes."""
    found: dict[str, Element] = {}
    for element in root.iter():
        for name in ("id", "name"):
            value = element.attrib.pop(name, "")
            if value:
                found.setdefault(str(value), element)
    return found


def _fragment_of(address: str, base_url: str | None) -> str | None:
    """Return the fragment of an address within this text, or None."""
    if address.startswith("#"):
        return address[1:] or None
    if base_url is None or "#" not in address:
        return None
    page, fragment = urldefrag(_absolute(address, base_url))
    return fragment if fragment and page == urldefrag(base_url).url else None


def _absolute(address: str, base_url: str | None) -> str:
    if address.startswith("//"):
        return f"https:{address}"
    if base_url is None or _SCHEME.match(address):
        return address
    try:
        return urljoin(base_url, address)
    except ValueError:  # for example a broken IPv6 address
        return address


def _new_ids(keys: Iterable[str]) -> dict[str, str]:
    """Return a safe, distinct id for each of the sender's ids."""
    new: dict[str, str] = {}
    taken: dict[str, int] = {}
    for key in keys:
        safe = _UNSAFE.sub("-", key.removeprefix(_PREFIX))[:_MAX_ID_CHARS].strip("-") or "note"
        wanted = _PREFIX + safe
        each = wanted
        while each in taken:
            taken[wanted] += 1
            each = f"{wanted}-{taken[wanted]}"
        taken[each] = 1
        new[key] = each
    return new


def _insert_marker(element: Element, new_id: str, root: Element) -> None:
    """Put a marker into an element, into a list's or table's first item or cell, or before an element without text."""
    marker = etree.Element("span", {"id": new_id})
    parent = element.getparent()
    if element is root or parent is None:
        return
    if element.tag in tree.VOID or element.tag in ("iframe", "figure"):
        if parent.tag not in _STRUCTURE:
            element.addprevious(marker)
        return
    if element.tag in _STRUCTURE:
        element = next(element.iterdescendants("li", "dt", "dd", "td", "th", "caption"), element)
    if element.tag not in _STRUCTURE:
        marker.tail, element.text = element.text, None
        element.insert(0, marker)
