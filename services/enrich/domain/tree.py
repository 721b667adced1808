"""Sanitised HTML as a tree, and back.

What nh3 writes is regular enough to be read as XML, so the tree is exactly the
one that nh3 saw: lxml's own HTML parser would guess anew, and two guesses may differ where it hurts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

Element = etree._Element  # noqa: SLF001 -- lxml's elements have no public name

VOID = frozenset(("br", "col", "hr", "img", "wbr"))
_ATTRIBUTES = r'(?: [a-z-]+="[^"]*")*'
_VOID_TAG = re.compile(rf"<((?:{'|'.join(sorted(VOID))}){_ATTRIBUTES})>")
_RAW_TEXT = re.compile(rf"<(iframe{_ATTRIBUTES})>.*?</iframe>", re.DOTALL)
_INVISIBLE = " \t\n\r\f\u00a0\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\u061c\u3000"


def parse(html: str) -> Element:
    """Return the tree of what nh3 wrote, under a `div`."""
    xml = _RAW_TEXT.sub(r"<\1></iframe>", html)
    xml = _VOID_TAG.sub(r"<\1/>", xml).replace("&nbsp;", "&#160;")
    # Depth and size were bounded by the guard; libxml2's own bounds are lower than what tidy tables may need.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    return etree.fromstring(f"<div>{xml}</div>", parser)


def serialise(root: Element) -> str:
    """Return what is inside `root` as HTML."""
    for element in root.iter():
        if element.tag not in VOID and element.text is None:
            element.text = ""  # or it would be written <p/>, which HTML reads as an open <p>
    return etree.tostring(root, encoding="unicode").removeprefix("<div>").removesuffix("</div>")


def text_of(element: Element) -> str:
    """Return the text inside an element, on one line."""
    return " ".join("".join(_texts(element)).split())


def is_blank(element: Element) -> bool:
    """Tell whether a reader would see nothing of the text inside an element."""
    return not any(part.strip(_INVISIBLE) for part in _texts(element))


def raw_text_of(element: Element) -> str:
    """Return the text inside an element as it stands, line feeds too."""
    return "".join(_texts(element))


def _texts(element: Element) -> Iterator[str]:
    return map(str, element.itertext())


def last_child(element: Element) -> Element | None:
    """Return the last element inside an element."""
    return next(element.iterchildren(reversed=True), None)


def remove(element: Element) -> None:
    """Take an element out with all it holds; the text after it stays."""
    _put_before(element, [], "")


def unwrap(element: Element) -> None:
    """Take an element out and leave what it holds in its place."""
    _put_before(element, list(element), element.text or "")


def replace(element: Element, other: Element) -> None:
    """Put another element in an element's place."""
    _put_before(element, [other], "")


def wrap(element: Element, around: Element) -> None:
    """Put an element into another, which takes its place."""
    parent = element.getparent()
    if parent is not None:
        around.tail, element.tail = element.tail, None
        parent.replace(element, around)
        around.append(element)


def _put_before(element: Element, others: list[Element], text: str) -> None:
    """Put text and elements in an element's place; the text after it stays."""
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
