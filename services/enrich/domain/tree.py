"""Converts sanitised HTML to a tree and back.

nh3's output is regular enough for an XML parser, so the tree is exactly the tree that nh3 saw. lxml's HTML parser would
interpret the text again, and a difference between two interpretations may be a security hole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from lxml import etree

from shared.model.text import collapsed, is_visible

Element = etree._Element  # noqa: SLF001 -- lxml's elements have no public name

VOID = frozenset(("br", "col", "embed", "hr", "img", "source", "wbr"))
_ATTRIBUTES = r'(?: [a-z:-]+="[^"]*")*'
_VOID_TAG = re.compile(rf"<((?:{'|'.join(sorted(VOID))}){_ATTRIBUTES})>")
_RAW_TEXT = re.compile(rf"<(iframe{_ATTRIBUTES})>.*?</iframe>", re.DOTALL)


def parse(html: str) -> Element:
    """Return the tree of nh3's output, under a `div`."""
    xml = _RAW_TEXT.sub(r"<\1></iframe>", html)
    xml = _VOID_TAG.sub(r"<\1/>", xml).replace("&nbsp;", "&#160;")
    # `check_markup` bounded depth and size; libxml2's own bounds are too low for large valid tables.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    return etree.fromstring(f"<div>{xml}</div>", parser)


def serialise(root: Element) -> str:
    """Return the content of `root` as HTML."""
    for element in root.iter():
        if element.tag not in VOID and element.text is None:
            element.text = ""  # otherwise lxml writes <p/>, which HTML reads as an open <p>
    return etree.tostring(root, encoding="unicode").removeprefix("<div>").removesuffix("</div>")


def text_of(element: Element) -> str:
    """Return the text inside an element in reading order, on one line; a line break is a space."""
    return collapsed("".join(text_parts(element, inline_mark))).strip()


Mark = Callable[[Element, bool], str]
"""Returns the text that replaces the start tag (True) or the end tag of an element."""


def text_parts(element: Element, mark: Mark) -> Iterator[str]:
    """Yield the text inside an element in reading order, with the marks of its elements.

    Raised links to notes of the same text are skipped, because they are not words.
    """
    skipped: Element | None = None
    for event, each in etree.iterwalk(element, events=("start", "end")):
        is_start = event == "start"
        if is_start and skipped is None and _is_note_link(each):
            skipped = each
        if skipped is None:
            yield mark(each, is_start)
            if is_start:
                yield each.text or ""
        if skipped is each and not is_start:
            skipped = None
        if skipped is None and not is_start and each is not element:
            yield each.tail or ""


def inline_mark(element: Element, is_start: bool) -> str:  # noqa: FBT001 -- a Mark
    """Return a space for a line break, quotation marks for `q`, and parentheses around a reading (ruby)."""
    if element.tag == "br":
        return " " if is_start else ""
    if element.tag == "q":
        return "\u201c" if is_start else "\u201d"
    if element.tag == "rt":
        parent = element.getparent()
        has_parentheses = parent is not None and parent.find("rp") is not None
        return "" if has_parentheses else "(" if is_start else ")"
    return ""


def _is_note_link(element: Element) -> bool:
    """Tell whether an element is a raised link to a place in the same text, or an arrow back, and nothing else."""
    if element.tag == "a" and (element.get("href") or "").startswith("#"):
        text = "".join(_texts(element))
        if text and not any(map(str.isalnum, text)):
            return True
    inner = {"a": "sup", "sup": "a"}.get(str(element.tag))
    children = [child for child in element if child.tag != "span"]
    if inner is None or not children or any(child.tag != inner for child in children):
        return False
    links = [element] if inner == "sup" else children
    is_local = all((link.get("href") or "").startswith("#") for link in links)
    outer = [element.text or "", *(child.tail or "" for child in element)]
    return is_local and not "".join(outer).strip(" \n,;[]()")


def is_blank(element: Element) -> bool:
    """Tell whether an element shows nothing: no visible text and no picture."""
    return next(element.iter("img"), None) is None and not any(map(is_visible, _texts(element)))


def _texts(element: Element) -> Iterator[str]:
    return map(str, element.itertext())


def last_child(element: Element) -> Element | None:
    """Return the last element inside an element."""
    return next(element.iterchildren(reversed=True), None)


def remove(element: Element) -> None:
    """Remove an element with its content; the text after it stays."""
    _put_before(element, [], "")


def unwrap(element: Element) -> None:
    """Replace an element by its content."""
    _put_before(element, list(element), element.text or "")


def replace(element: Element, other: Element) -> None:
    """Replace an element by another one."""
    _put_before(element, [other], "")


def wrap(element: Element, outer: Element) -> None:
    """Replace an element by another one, and put the element into that one."""
    parent = element.getparent()
    if parent is not None:
        outer.tail, element.tail = element.tail, None
        parent.replace(element, outer)
        outer.append(element)


def _put_before(element: Element, others: list[Element], text: str) -> None:
    """Replace an element by text and elements; the text after it stays."""
    parent, before = element.getparent(), element.getprevious()
    if parent is None:
        return
    tail, element.tail = element.tail or "", None
    if others:
        others[-1].tail = (others[-1].tail or "") + tail
    else:
        text += tail
    for other in others:
        element.addprevious(other)
    if not text:
        pass
    elif before is not None:
        before.tail = (before.tail or "") + text
    else:
        parent.text = (parent.text or "") + text
    parent.remove(element)
