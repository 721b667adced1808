"""Converts a body's content into the blocks of an article: paragraphs, sub-heads, lists, tables, quotations.

Systems nest `div`s, break lines twice instead of beginning a paragraph, put frames into paragraphs and paragraphs into
links. Our pages write each block in one way, so that a theme can rely on it.

Everything here takes linear time; lxml's `len(element)` and `element[index]` do not, so they are not used. Only loose
blocks cause recursion, and `check_markup` limits their depth to a few hundred.
"""

from __future__ import annotations

from lxml import etree

from services.enrich.domain import tree
from services.enrich.domain.anchors import insert_markers, is_local_link, markers_in
from services.enrich.domain.embeds import web_address
from services.enrich.domain.numbers import numbers_of, whole_number
from services.enrich.domain.tree import Element

_LOOSE = frozenset(
    {
        *("address", "article", "center", "details", "div", "fieldset", "footer", "form", "header", "hgroup", "legend"),
        *("main", "nav", "picture", "search", "section", "summary"),
    }
)
"""Blocks without a meaning of their own: their content replaces them."""

_FLOW = frozenset(("aside", "blockquote", "figure"))
_MIXED = frozenset(("dd", "li", "td", "th"))
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_PHRASING = _HEADINGS | {"caption", "dt", "figcaption", "pre"}
_LISTS = frozenset(("dl", "ol", "ul"))
_TABLE = frozenset(("col", "colgroup", "table", "tbody", "td", "tfoot", "th", "thead", "tr"))
_BLOCKS = _LOOSE | _FLOW | _MIXED | _PHRASING | _LISTS | _TABLE | {"hr", "p"}

_RENAMED = {"big": "b", "dir": "ul", "menu": "ul", "strike": "s", "tt": "code"}
_MEANINGLESS = ("bdo", "font", "span")  # without a language, a direction or an id
_MEANINGFUL_ATTRIBUTES = ("dir", "id", "lang")
_UNWRAPPED = "unwrapped"  # an element with this name is replaced by its content
_PUSHED_DOWN = frozenset(("a", "b", "code", "em", "i", "s", "small", "strong", "u"))
"""Formatting that moves into the blocks inside it. `check_markup` limits these repetitions."""

_ITEMS = {"dl": frozenset(("dt", "dd")), "ol": frozenset(("li",)), "ul": frozenset(("li",))}
_ITEM_FOR_STRAYS = {"dl": "dd", "ol": "li", "ul": "li"}
_LIST_FOR_STRAYS = {"li": "ul", "dt": "dl", "dd": "dl"}
_KEPT_REL = ("nofollow", "sponsored", "ugc")


def normalise_blocks(root: Element) -> None:
    """Convert the content of `root` into blocks."""
    _rename(root)
    for element in list(root.iter(*_PHRASING)):
        if element.tag in _PHRASING:  # else it was inside an element that is flat now
            _flatten(element)
    for link in list(root.iter("a")):
        if not is_embed(link.getparent()):
            _normalise_link(link)
    etree.strip_tags(root, _UNWRAPPED)
    _unwrap_empty(root)
    for element in list(root.iter(*_PHRASING - {"pre"})):
        _trim(element)
    blocks_within = _inline_elements_with_blocks(root)
    for element in reversed(list(root.iter(*_FLOW, *_MIXED, *_LISTS))):  # inner elements first
        _normalise_container(element, blocks_within)
    _set_children(root, _Flow(blocks_within).blocks_of(root))


def is_embed(element: Element | None) -> bool:
    """Tell whether an element is the box of an embed."""
    return element is not None and element.tag == "p" and element.get("class") == "embed"


def _rename(root: Element) -> None:
    for element in list(root.iter(*_RENAMED)):
        element.tag = _RENAMED[str(element.tag)]
    for element in list(root.iter(*_MEANINGLESS)):
        _rename_meaningless(element)
    etree.strip_tags(root, _UNWRAPPED)
    for element in list(root.iter("div", "figcaption", "p")):
        parent = element.getparent()
        if element.tag == "div" and parent is not None and parent.tag == "dl":
            for item in element:
                for name in ("lang", "dir"):
                    if name in element.attrib and name not in item.attrib:
                        item.set(name, str(element.attrib[name]))
            element.tag = _UNWRAPPED
        elif element.tag == "figcaption" and (parent is None or parent.tag != "figure"):
            element.tag = "div"
        elif element.tag == "p" and not is_embed(element):
            element.tag = "div"  # it may hold frames, or two line breaks: `_Flow` makes new paragraphs
    etree.strip_tags(root, _UNWRAPPED)


def _rename_meaningless(element: Element) -> None:
    """Keep the language and the direction of a part of a sentence; `bdo`, which overrides, becomes `bdi`."""
    for name in list(element.attrib):
        if name not in _MEANINGFUL_ATTRIBUTES:
            del element.attrib[name]
    if not element.attrib:
        element.tag = _UNWRAPPED
    else:
        element.tag = "bdi" if element.tag == "bdo" else "span"


def _flatten(element: Element) -> None:
    """Unwrap the blocks inside a sub-head, a caption or preformatted text; a space separates their words."""
    for inner in list(element.iterdescendants(*_BLOCKS)):
        inner.tail = " " + (inner.tail or "")
        inner.tag = "span"
        _rename_meaningless(inner)
    etree.strip_tags(element, _UNWRAPPED)
    if element.tag == "pre":
        # A parser drops the first line feed: the result must not depend on it.
        element.text = (element.text or "").lstrip("\n")


def _normalise_link(element: Element) -> None:
    """Write a link's address in canonical form, or unwrap a link without a valid address.

    Browsers must not expose our page to the target (`noopener`). The newsroom vouches for its links, so `nofollow` is
    not added. A sender's `nofollow`, `sponsored` or `ugc` stays.
    """
    href = element.get("href")
    address = href if is_local_link(href) else web_address(href)
    if address is None or next(element.iterdescendants("a"), None) is not None:
        element.tag = _UNWRAPPED
        return
    rel = (element.get("rel") or "").lower().split()
    for name in ("href", "rel"):
        element.attrib.pop(name, "")  # removed first, so that they are written in this order
    element.set("href", address)
    if is_local_link(address):
        return
    element.set("rel", " ".join(("noopener", *(each for each in _KEPT_REL if each in rel))))


def _unwrap_empty(root: Element) -> None:
    """Unwrap inline elements that hold nothing but white space."""
    for element in reversed(list(root.iter())):
        is_inline = element.tag not in _BLOCKS and element.tag not in tree.VOID
        if is_inline and element is not root and "id" not in element.attrib:
            is_empty = not (element.text or "").strip()
            if is_empty and all(child.tag == _UNWRAPPED and not (child.tail or "").strip() for child in element):
                element.tag = _UNWRAPPED
    etree.strip_tags(root, _UNWRAPPED)


def _inline_elements_with_blocks(root: Element) -> set[Element]:
    found: set[Element] = set()
    for block in root.iter(*_BLOCKS):
        parent = block.getparent()
        while parent is not None and parent.tag not in _BLOCKS and parent not in found:
            found.add(parent)
            parent = parent.getparent()
    return found


def _normalise_container(element: Element, blocks_within: set[Element]) -> None:
    if element.tag in _LISTS:
        _normalise_list(element, blocks_within)
        return
    has_blocks = any(child.tag in _BLOCKS or child in blocks_within for child in element)
    if element.tag in _MIXED and not has_blocks:
        _trim(element)
        return
    flow = _Flow(blocks_within)
    _set_children(element, flow.blocks_of(element))
    if not len(element):
        insert_markers(element, flow.markers)
    if element.tag in _MIXED:
        _unwrap_only_paragraph(element)


def _unwrap_only_paragraph(element: Element) -> None:
    """Unwrap an only paragraph: `<li>text</li>`, `<li>text<ul>…</ul></li>`."""
    children = element.iterchildren()
    first, second = next(children, None), next(children, None)
    if first is None or first.tag != "p" or first.attrib:
        return
    if second is None or second.tag in _LISTS:
        tree.unwrap(first)


def _normalise_list(element: Element, blocks_within: set[Element]) -> None:
    """Convert the content of a list into items, which keep their numbers."""
    numbers = dict(numbers_of(element)) if element.tag == "ol" else {}
    _set_children(element, _Items(str(element.tag), blocks_within).items_of(element))
    if element.tag == "ol":
        _restore_numbers(element, numbers)


class _Items:
    """Converts all content of a list into items.

    Content between two items of an ordered list belongs to the item before it, and so does a list between two items.
    Other content becomes an item of its own.
    """

    def __init__(self, tag: str, blocks_within: set[Element]) -> None:
        self._tag = tag
        self._blocks_within = blocks_within
        self._items: list[Element] = []
        self._extended: dict[Element, None] = {}
        self._markers: list[Element] = []

    def items_of(self, element: Element) -> list[Element]:
        self._add_text(element.text)
        for child in list(element):
            tail, child.tail = child.tail, None
            if child.tag in _ITEMS[self._tag]:
                self._add(child)
            else:
                self._add_stray(child)
            self._add_text(tail)
        if self._items:
            insert_markers(self._items[-1], self._markers)
        for item in self._extended:
            _normalise_container(item, self._blocks_within)
        return self._items

    def _add(self, item: Element) -> None:
        if tree.is_blank(item):
            self._markers += markers_in(item)
            return
        insert_markers(item, self._markers)
        self._markers = []
        self._items.append(item)

    def _add_stray(self, stray: Element) -> None:
        part = stray if stray.tag in _BLOCKS else etree.Element("div")
        if part is not stray:
            part.append(stray)
        if self._items and (self._tag == "ol" or (self._tag == "ul" and stray.tag in _LISTS)):
            self._items[-1].append(part)
            self._extended[self._items[-1]] = None
            return
        item = etree.Element(_ITEM_FOR_STRAYS[self._tag])
        item.append(part)
        _normalise_container(item, self._blocks_within)
        self._add(item)

    def _add_text(self, text: str | None) -> None:
        if text and text.strip():
            stray = etree.Element("div")
            stray.text = text
            self._add_stray(stray)


def _restore_numbers(element: Element, numbers: dict[Element, int]) -> None:
    """Set the `value` of each item whose number would change because an earlier item was removed or added."""
    step = -1 if "reversed" in element.attrib else 1
    following = next((number for _, number in numbers_of(element)), 1)
    for item in element:
        value = whole_number(item.get("value"))
        number = following if value is None else value
        if item in numbers and numbers[item] != number:
            number = numbers[item]
            item.set("value", str(number))
        following = number + step


def _set_children(element: Element, blocks: list[Element]) -> None:
    element[:] = []
    element.text = None
    element.extend(blocks)


class _Flow:
    """Turns an element's content into blocks: runs of text become paragraphs, two line breaks end one."""

    def __init__(self, blocks_within: set[Element]) -> None:
        self._blocks_within = blocks_within
        self._blocks: list[Element] = []
        self._formatting: list[Element] = []
        self._inherited: dict[str, str] = {}
        self._block = etree.Element("p")
        self._last: Element | None = None
        self.markers: list[Element] = []  # of blocks without text; they stay here if no block follows

    def blocks_of(self, element: Element) -> list[Element]:
        """Return the element's content as blocks, without the element's own formatting and direction."""
        self._walk(element)
        self._end()
        if self._blocks:
            insert_markers(self._blocks[-1], self.markers)
            self.markers = []
        return self._blocks

    def _walk(self, element: Element) -> None:
        self._add_text(element.text)
        for child in list(element):
            tail, child.tail = child.tail, None
            if child.tag in _LOOSE or child in self._blocks_within:
                self._walk_into(child)
            elif child.tag in _LIST_FOR_STRAYS:
                self._add_stray(child)
            elif child.tag in _BLOCKS:
                self._end()
                self._add_block(child)
            else:
                self._add_inline(child)
            self._add_text(tail)

    def _walk_into(self, element: Element) -> None:
        """Add the content of a loose block, or of formatting that holds blocks."""
        self._end()
        inherited = self._inherited
        is_formatting = element.tag in _PUSHED_DOWN
        if is_formatting:
            self._formatting.append(element)
        else:
            own = {name: str(element.attrib[name]) for name in ("lang", "dir") if name in element.attrib}
            self._inherited = inherited | own
        self._walk(element)
        self._end()
        self._inherited = inherited
        if is_formatting:
            self._formatting.pop()

    def _add_text(self, text: str | None) -> None:
        if not text or (self._block.tag != "p" and not text.strip()):
            return
        if self._block.tag != "p":
            self._end()
        if self._last is None:
            self._block.text = (self._block.text or "") + text
        else:
            self._last.tail = (self._last.tail or "") + text

    def _add_inline(self, child: Element) -> None:
        if self._block.tag != "p":
            self._end()
        last = self._last
        if child.tag == "br" and last is not None and last.tag == "br" and not (last.tail or "").strip():
            self._end()
            return
        self._block.append(child)
        self._last = child

    def _add_stray(self, child: Element) -> None:
        """Add an item outside a list to a new list."""
        parent = _LIST_FOR_STRAYS[str(child.tag)]
        if self._block.tag != parent:
            self._end()
            self._begin(parent)
        if not tree.is_blank(child):
            self._block.append(child)
            self._last = child

    def _begin(self, tag: str) -> None:
        self._block = etree.Element(tag)
        self._last = None

    def _end(self) -> None:
        block = self._block
        self._begin("p")
        if block.tag == "p":
            _trim(block)
        self._add_block(block)

    def _add_block(self, block: Element) -> None:
        if block.tag != "hr" and tree.is_blank(block):
            self.markers += markers_in(block)
            return
        if self.markers and block.tag != "hr" and not is_embed(block):
            insert_markers(block, self.markers)
            self.markers = []
        if not is_embed(block) and block.tag != "hr":
            attributes = self._inherited | {str(name): str(value) for name, value in block.items()}
            for name in ("lang", "dir") if self._inherited else ():  # always in this order
                block.attrib.pop(name, "")
                if name in attributes:
                    block.set(name, attributes[name])
            if block.tag == "p" or block.tag in _HEADINGS:
                self._format(block)
        self._blocks.append(block)

    def _format(self, block: Element) -> None:
        """Move the formatting around a block into the block."""
        for element in reversed(self._formatting):
            if element.tag == "a" and next(block.iter("a"), None) is not None:
                continue
            copy = etree.Element(str(element.tag), {str(name): str(value) for name, value in element.items()})
            copy.text, block.text = block.text, None
            copy.extend(list(block))
            block.append(copy)


def _trim(block: Element) -> None:
    """Remove white space and line breaks from both ends."""
    block.text = (block.text or "").lstrip() or None
    for child in list(block):
        if child.tag != "br" or block.text:
            break
        block.text = (child.tail or "").lstrip() or None
        child.tail = None
        block.remove(child)
    last = tree.last_child(block)
    while last is not None and last.tag == "br" and not (last.tail or "").strip():
        last.tail = None
        block.remove(last)
        last = tree.last_child(block)
    if last is not None:
        last.tail = (last.tail or "").rstrip() or None
    else:
        block.text = (block.text or "").rstrip() or None
