"""Links of a body: relative ones resolved, and those within the text (footnotes) with targets that work.

An id of the sender is kept only if a link leads to it, as `text_` and a safe form of the id: no id of a theme and no
sub-head's anchor has a `_`. On its way through `settle` a target is an empty `<span id>`, so that it survives whatever
happens to the element that had the id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote, urldefrag, urljoin

from lxml import etree

from services.enrich.domain import tree
from services.enrich.domain.embeds import web_address
from services.enrich.domain.tree import Element

LOCAL = re.compile(r"#text_[0-9A-Za-z_.-]+")
_PREFIX = "text_"
_UNSAFE = re.compile(r"[^0-9A-Za-z_.-]+")
_MAX_ID_CHARS = 60
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_ADDRESSES = {"a": ("href", "data-embed"), "iframe": ("src",)}
_CONTAINERS = frozenset(
    (
        *("aside", "blockquote", "div", "dl", "figure", "ol", "table", "tbody", "tfoot", "thead", "tr", "ul"),
        *("caption", "colgroup"),
    )
)
"""Elements that hold no text of their own."""
_STRUCTURE = frozenset(("dl", "ol", "table", "tbody", "tfoot", "thead", "tr", "ul", "colgroup", "col", "dir", "menu"))
_HEADINGS = frozenset(("h2", "h3", "h4"))


def resolve_links(root: Element, base_url: str | None) -> list[str]:
    """Make relative addresses absolute, and lead links within the text to its own targets; return the lost addresses.

    `base_url` is the article's address on the sender's site, if known. A lost link keeps its words.
    """
    targets = _targets(root)
    leading: dict[Element, str] = {}  # links within the text, and the ids that they name
    lost: list[str] = []
    for element in list(root.iter(*_ADDRESSES)):
        for name in _ADDRESSES[str(element.tag)]:
            given = element.get(name)
            if given is None:
                continue
            address = "".join(given.strip().splitlines()).replace("\t", "")
            fragment = _fragment_of(address, base_url) if name == "href" else None
            key = next((each for each in (fragment, unquote(fragment or "")) if each in targets), None)
            resolved = _absolute(address, base_url)
            if key is not None:
                leading[element] = key
            elif name == "href" and web_address(resolved) is None:
                lost.append(address)
                del element.attrib[name]
            else:
                element.set(name, resolved)
    kept = _new_ids(dict.fromkeys(leading.values()))
    for link, key in leading.items():
        link.set("href", f"#{kept[key]}")
    for key, new in kept.items():
        _mark(targets[key], new, root)
    return lost


def put_first(element: Element, markers: Iterable[Element]) -> None:
    """Put markers before the text of an element; in a list or a table, before that of its first item or cell."""
    while element.tag in _CONTAINERS and (child := next(element.iterchildren(), None)) is not None:
        element = child
    for marker in reversed(list(markers)):
        marker.tail, element.text = element.text, None
        element.insert(0, marker)


def markers_in(element: Element) -> list[Element]:
    """Return the targets inside an element, without the text after them."""
    markers = [each for each in element.iter("span") if each.get("id")]
    for marker in markers:
        marker.tail = None
    return markers


def lift_targets(root: Element) -> int:
    """Give the id of a target to the element that begins with it, and leave out targets that no link leads to.

    Links to targets that are gone are taken out, and their words stay. Returns how many.
    """
    ids = {marker.get("id") for marker in root.iter("span")}
    links = [link for link in root.iter("a") if is_local(link.get("href"))]
    dead = [link for link in links if (link.get("href") or "")[1:] not in ids]
    wanted = {(link.get("href") or "")[1:] for link in links}
    for link in dead:
        tree.unwrap(link)
    for marker in list(root.iter("span")):
        if marker.get("id") and marker.get("id") not in wanted:
            del marker.attrib["id"]
        if not marker.attrib:
            tree.unwrap(marker)
        elif (parent := _begun_by(marker, root)) is not None:
            parent.set("id", str(marker.get("id")))
            tree.remove(marker)
    return len(dead)


def _begun_by(marker: Element, root: Element) -> Element | None:
    """Return the element that begins with a target and can have its id, or None."""
    parent = marker.getparent()
    if list(marker.attrib) != ["id"] or len(marker) or marker.text or parent is None or parent is root:
        return None
    has_own_id = parent.tag in _HEADINGS or parent.get("id") is not None
    is_first = marker.getprevious() is None and not (parent.text or "").strip()
    return parent if is_first and not has_own_id else None


def is_local(href: str | None) -> bool:
    """Tell whether a link leads to a target of the same text."""
    return LOCAL.fullmatch(href or "") is not None


def _targets(root: Element) -> dict[str, Element]:
    """Return the elements by their ids, and by the names of old anchors; the first one counts. Take the ids off."""
    found: dict[str, Element] = {}
    for element in root.iter():
        for name in ("id", "name"):
            value = element.attrib.pop(name, "")
            if value:
                found.setdefault(str(value), element)
    return found


def _fragment_of(address: str, base_url: str | None) -> str | None:
    """Return the place in this text that an address names, or None."""
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
    except ValueError:  # a broken IPv6 address, say
        return address


def _new_ids(keys: Iterable[str]) -> dict[str, str]:
    """Return a safe id for each id of the sender, no two the same."""
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


def _mark(element: Element, new_id: str, root: Element) -> None:
    """Put a target into an element; into the first item or cell of a list or table; before an element without text."""
    marker = etree.Element("span", {"id": new_id})
    around = element.getparent()
    if element is root or around is None:
        return
    if element.tag in tree.VOID or element.tag in ("iframe", "figure"):
        if around.tag not in _STRUCTURE:
            element.addprevious(marker)
        return
    if element.tag in _STRUCTURE:
        element = next(element.iterdescendants("li", "dt", "dd", "td", "th", "caption"), element)
    if element.tag not in _STRUCTURE:
        marker.tail, element.text = element.text, None
        element.insert(0, marker)
