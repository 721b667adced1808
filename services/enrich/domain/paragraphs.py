"""Puts what a body holds into the blocks that an article is made of: paragraphs, sub-heads, lists, tables, quotations.

Systems nest `div`s, break lines twice instead of beginning a paragraph, put frames into paragraphs and paragraphs into
links. A page has one way of writing each, so that a theme can rely on it.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from services.enrich.domain import tree
from services.enrich.domain.embeds import web_address
from services.enrich.domain.tree import Element

_LOOSE = frozenset(
    {
        *("address", "article", "center", "details", "div", "fieldset", "footer", "form", "header", "hgroup", "legend"),
        *("main", "nav", "picture", "search", "section", "summary"),
    }
)
"""Blocks that say nothing of their own: what they hold stands in their place."""

_FLOW = frozenset(("aside", "blockquote", "figure"))
_MIXED = frozenset(("dd", "li", "td", "th"))
_PHRASING = frozenset(("caption", "dt", "figcaption", "h1", "h2", "h3", "h4", "h5", "h6", "pre"))
_LISTS = frozenset(("ol", "ul"))
_TABLE = frozenset(("col", "colgroup", "table", "tbody", "td", "tfoot", "th", "thead", "tr"))
_BLOCKS = _LOOSE | _FLOW | _MIXED | _PHRASING | _LISTS | _TABLE | {"dl", "hr", "p"}
_RENAMED = {"big": "b", "dir": "ul", "menu": "ul", "strike": "s", "tt": "code"}
_MEANINGLESS = frozenset(("bdo", "font", "span"))  # bdo makes a line read backwards
_STRAYS = {"li": "ul", "dt": "dl", "dd": "dl"}
_KEPT_REL = ("nofollow", "sponsored", "ugc")
_DIRECTIONS = ("lang", "dir")


def settle(root: Element) -> None:
    """Make blocks of everything inside `root`."""
    for element in list(root.iter(*_RENAMED)):
        element.tag = _RENAMED[str(element.tag)]
    for element in list(root.iter(*_MEANINGLESS)):
        tree.unwrap(element)
    for element in [group for group in root.iter("div") if _is_in(group, "dl")]:
        tree.unwrap(element)
    for element in list(root.iter("figcaption")):
        if not _is_in(element, "figure"):
            element.tag = "div"
    for element in list(root.iter("p")):
        if not is_embed(element):
            element.tag = "div"  # it may hold frames, or two line breaks: paragraphs are made anew
    _settle(root)


def is_embed(element: Element) -> bool:
    """Tell whether an element is the box of an embed."""
    return element.tag == "p" and element.get("class") == "embed"


def _is_in(element: Element, tag: str) -> bool:
    parent = element.getparent()
    return parent is not None and parent.tag == tag


def _settle(element: Element) -> None:
    tag = element.tag
    if is_embed(element) or tag in tree.VOID:
        return
    for child in list(element):
        _settle(child)
    if tag in _LOOSE or tag in _FLOW:
        _make_paragraphs(element)
    elif tag in _MIXED:
        _settle_mixed(element)
    elif tag in _LISTS:
        _settle_list(element)
    elif tag == "dl":
        _settle_definitions(element)
    elif tag in _PHRASING:
        _flatten(element)
    elif tag not in _TABLE:
        _settle_inline(element)


def _make_paragraphs(element: Element) -> None:
    blocks = [block for block in _blocks_of(element) if block.tag == "hr" or not tree.is_blank(block)]
    inherited = {name: element.attrib[name] for name in _DIRECTIONS if name in element.attrib}
    element[:] = blocks
    element.text = None
    for block in blocks:
        block.tail = None
        for name, value in inherited.items():
            if name not in block.attrib and element.tag in _LOOSE and block.tag != "hr" and not is_embed(block):
                block.set(name, value)


def _blocks_of(element: Element) -> Iterator[Element]:
    """Yield an element's content as blocks: runs of text become paragraphs, two line breaks end one."""
    run = _Run()
    run.add_text(element.text)
    for child in list(element):
        tail, child.tail = child.tail, None
        if child.tag not in _BLOCKS:
            yield from run.add_inline(child, tail)
            continue
        yield from run.end(unless_in=_STRAYS.get(str(child.tag)))
        if child.tag in _STRAYS:
            run.add_stray(child, _STRAYS[str(child.tag)])
        elif child.tag in _LOOSE:
            yield from list(child)
        else:
            yield child
        if tail and tail.strip():
            yield from run.end()
            run.add_text(tail)
    yield from run.end()


class _Run:
    """Text and inline elements that follow each other, or list items without a list."""

    def __init__(self) -> None:
        self._block = etree.Element("p")

    def add_text(self, text: str | None) -> None:
        if not text:
            return
        if len(self._block):
            self._block[-1].tail = (self._block[-1].tail or "") + text
        else:
            self._block.text = (self._block.text or "") + text

    def add_inline(self, child: Element, tail: str | None) -> Iterator[Element]:
        if self._block.tag != "p":
            yield from self.end()
        if child.tag == "br" and self._ends_with_break():
            yield from self.end()
        else:
            self._block.append(child)
        self.add_text(tail)

    def add_stray(self, child: Element, around: str) -> None:
        if not tree.is_blank(child):
            self._block.tag = around
            self._block.append(child)

    def end(self, *, unless_in: str | None = None) -> Iterator[Element]:
        """Yield the block so far, if it holds anything, and begin a new one."""
        if unless_in is not None and self._block.tag == unless_in:
            return
        block, self._block = self._block, etree.Element("p")
        _trim(block)
        if len(block) or block.text:
            yield block

    def _ends_with_break(self) -> bool:
        return len(self._block) > 0 and self._block[-1].tag == "br" and not (self._block[-1].tail or "").strip()


def _trim(block: Element) -> None:
    """Take white space and line breaks off both ends."""
    block.text = (block.text or "").lstrip() or None
    while len(block) and block[0].tag == "br" and not block.text:
        block.text = (block[0].tail or "").lstrip() or None
        del block[0]
    while len(block) and block[-1].tag == "br" and not (block[-1].tail or "").strip():
        last = block[-1]
        last.tail = None
        tree.remove(last)
    if len(block):
        block[-1].tail = (block[-1].tail or "").rstrip() or None
    else:
        block.text = (block.text or "").rstrip() or None


def _settle_mixed(element: Element) -> None:
    if not any(child.tag in _BLOCKS for child in element):
        _trim(element)
        return
    _make_paragraphs(element)
    is_simple = len(element) == 1 or (len(element) > 1 and element[1].tag in _LISTS)
    if is_simple and element[0].tag == "p" and not element[0].attrib:
        tree.unwrap(element[0])


def _settle_list(element: Element) -> None:
    """Leave nothing but items in a list."""
    _make_paragraphs_of_strays(element, frozenset(("li",)), "li")


def _settle_definitions(element: Element) -> None:
    _make_paragraphs_of_strays(element, frozenset(("dt", "dd")), "dd")


def _make_paragraphs_of_strays(element: Element, wanted: frozenset[str], around: str) -> None:
    if element.text and element.text.strip():
        first = etree.Element(around)
        first.text = element.text.strip()
        element.insert(0, first)
    element.text = None
    for child in list(element):
        tail, child.tail = (child.tail or "").strip(), None
        item = child
        if child.tag not in wanted:
            item = etree.Element(around)
            tree.wrap(child, item)
            _settle_mixed(item)
        if tail:
            stray = etree.Element(around)
            stray.text = tail
            element.insert(element.index(item) + 1, stray)
    for child in list(element):
        if tree.is_blank(child):
            tree.remove(child)


def _flatten(element: Element) -> None:
    """Leave no blocks inside a sub-head, a caption or preformatted text; a space keeps their words apart."""
    for inner in [each for each in element.iterdescendants() if each.tag in _BLOCKS]:
        inner.tail = " " + (inner.tail or "")
        tree.unwrap(inner)
    if element.tag == "pre":
        element.text = (element.text or "").lstrip("\n")  # a parser drops the first: none must hang on it
    else:
        _trim(element)


def _settle_inline(element: Element) -> None:
    if element.tag == "a" and not _settle_link(element):
        return
    if any(child.tag in _BLOCKS for child in element):
        _push_down(element)
    elif not len(element) and not (element.text or "").strip():
        tree.unwrap(element)


def _settle_link(element: Element) -> bool:
    """Write a link's address plainly; tell whether it is still a link.

    Readers' browsers learn no more than they must (`noopener`). Links are the newsroom's own words and are vouched
    for, so `nofollow` is not added; where the sender marks one as paid or not vouched for, the mark stays.
    """
    address = web_address(element.get("href"))
    if address is None or next(element.iterdescendants("a"), None) is not None:
        if not any(child.tag in _BLOCKS for child in element):
            tree.unwrap(element)
            return False
        element.tag = "span"
        return True
    marks = (element.get("rel") or "").lower().split()
    for name in ("href", "rel"):
        element.attrib.pop(name, "")  # so that they are written in this order, whatever the sender's was
    element.set("href", address)
    element.set("rel", " ".join(("noopener", *(each for each in _KEPT_REL if each in marks))))
    return True


def _push_down(element: Element) -> None:
    """Bring bold or a link that holds paragraphs inside each of them."""
    _make_paragraphs(element)
    for block in list(element):
        is_simple = block.tag in {"p", "h1", "h2", "h3", "h4", "h5", "h6"} and not is_embed(block)
        if is_simple and element.tag != "span":
            copy = etree.Element(str(element.tag), {str(key): str(value) for key, value in element.items()})
            copy.text, block.text = block.text, None
            copy[:] = list(block)
            block.append(copy)
    tree.unwrap(element)
