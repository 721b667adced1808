"""Reads the body of an article from XHTML inside another format: without page headers and repeated lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from lxml import etree

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.elements import (
    MAX_ELEMENTS,
    find,
    has_too_many_elements,
    html_copy,
    markup_of,
    name_of,
    place_of,
    remove,
)
from services.ingest.adapters.readers.reasons import NOTE_REASON
from services.ingest.adapters.readers.wire_markup import classes_of, drop_dateline, name_players
from shared.model.text import collapsed, is_visible

_BLOCKS = frozenset(
    (
        *("address", "article", "aside", "blockquote", "body", "caption", "col", "colgroup", "dd", "div", "dl", "dt"),
        *(
            "figcaption",
            "figure",
            "footer",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "header",
            "hr",
            "li",
            "main",
            "ol",
            "pre",
        ),
        *("p", "section", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"),
    )
)
_TEXT_BLOCKS = frozenset(("p", "h1", "h2", "h3", "h4", "h5", "h6", "li", "td", "th", "dd", "dt", "figcaption"))
_WRAPPERS = frozenset(("article", "div", "main", "section"))
_NOTE_CLASSES = frozenset(("notepad", "np-public", "np-nonpublic", "closingline"))
_NO_TEXT = frozenset(("head", "script", "style", "title", "meta", "link"))
_SPACE = " \t\r\n"
_MAX_REPEATED_LINES = 6
_MAX_WRAPPERS = 20


def read_xhtml_body(content: etree._Element, builder: ArticleBuilder, lines: Iterable[str | None] = ()) -> str:
    """Return the body's markup.

    `content`: `html`, `body`, or an element around the text. `lines`: headline, byline and standfirst. A page shows
    these lines above the text, so the first blocks are left out if they repeat one.
    """
    body = find(content, "body") if name_of(content).lower() == "html" else content
    body = content if body is None else body
    where = place_of(body)
    if is_too_large(body, builder, where):
        return ""
    root = html_copy(body)
    for each in [each for each in root if name_of(each).lower() in _NO_TEXT]:
        remove(each)
    _drop(root, (each for each in root.iter() if classes_of(each) & _NOTE_CLASSES), builder, where, NOTE_REASON)
    reason = "is the header of a page; its lines are fields of the article"
    _drop(root, (each for each in root if name_of(each) == "header"), builder, where, reason)
    mains = [each for each in root if name_of(each) == "section" and "main" in classes_of(each)]
    if len(mains) == 1:
        _unwrap(mains[0])
    drop_repeated_lines(root, lines, builder, where)
    if "dateline" in builder.values and drop_dateline(root):
        builder.drop(f"{where}//span", "repeats the dateline")
    name_players(root)
    tidy(root)
    return markup_of(root)


def is_too_large(content: etree._Element, builder: ArticleBuilder, where: str) -> bool:
    """Return whether a text has too many elements: a fault, but a removal is accepted without the text."""
    if not has_too_many_elements(content):
        return False
    reason = f"has more than {MAX_ELEMENTS} elements"
    if builder.is_removal:
        builder.drop(where, reason)
    else:
        builder.fault(where, reason)
    return True


def tidy(root: etree._Element) -> None:
    """Remove the white space that only indents the source: between blocks, and at line ends inside a block."""
    for each in root.iter():
        name = name_of(each)
        is_block = name in _BLOCKS
        first_is_block = len(each) > 0 and name_of(each[0]) in _BLOCKS
        if (is_block or first_is_block) and each.text and not each.text.strip(_SPACE) and (len(each) or is_block):
            each.text = None if first_is_block or name not in _TEXT_BLOCKS else each.text
        if name in _TEXT_BLOCKS:
            _trim(each)
        if is_block and each is not root and each.tail and not each.tail.strip(_SPACE):
            each.tail = None


def _trim(block: etree._Element) -> None:
    if block.text and "\n" in _leading(block.text):
        block.text = block.text.lstrip(_SPACE) or None
    last = block[-1] if len(block) else None
    text = block.text if last is None else last.tail
    if text and "\n" in _leading(text[::-1]):
        shortened = text.rstrip(_SPACE) or None
        if last is None:
            block.text = shortened
        else:
            last.tail = shortened


def _leading(text: str) -> str:
    return text[: len(text) - len(text.lstrip(_SPACE))]


def _drop(
    root: etree._Element, found: Iterator[etree._Element], builder: ArticleBuilder, where: str, reason: str
) -> None:
    for each in list(found):
        if each is not root and each.getparent() is not None:
            builder.drop(f"{where}//{name_of(each)}", reason)
            remove(each)


def _unwrap(element: etree._Element) -> None:
    """Replace an element by its content, if the content begins with an element."""
    if element.text and element.text.strip(_SPACE):
        return
    for child in element:
        element.addprevious(child)
    remove(element)


def drop_repeated_lines(root: etree._Element, lines: Iterable[str | None], builder: ArticleBuilder, where: str) -> None:
    """Remove the first blocks that repeat one of the lines, unless no text would be left."""
    known = {_line(each) for each in lines if each}
    repeated: list[etree._Element] = []
    for block in _first_blocks(root):
        line = _line("".join(str(text) for text in block.itertext()))
        if line and line not in known:
            break
        if line:
            repeated.append(block)
    if not repeated or not _has_other_text(root, repeated):
        return
    for block in repeated:
        builder.drop(f"{where}//{name_of(block)}", "repeats a line that the page shows above the text")
        remove(block)


def _first_blocks(root: etree._Element) -> list[etree._Element]:
    """Return the first headings and paragraphs; wrappers around the whole beginning are entered."""
    container = root
    found: list[etree._Element] = []
    for _ in range(_MAX_WRAPPERS):
        if container.text and container.text.strip(_SPACE):
            return found
        following: etree._Element | None = None
        for each in islice(container, _MAX_REPEATED_LINES):
            if name_of(each) in _WRAPPERS:
                following = each
                break
            if name_of(each) not in _TEXT_BLOCKS:
                return found
            found.append(each)
            if each.tail and each.tail.strip(_SPACE):
                return found
        if following is None:
            return found
        container = following
    return found


def _has_other_text(root: etree._Element, repeated: list[etree._Element]) -> bool:
    within = {text for block in repeated for text in block.iter()}
    for each in root.iter():
        if each not in within and each.text and is_visible(each.text):
            return True
        if each is not root and each.tail and (each not in within or each in repeated) and is_visible(each.tail):
            return True
    return any(name_of(each) in ("img", "iframe", "video") for each in root.iter())


def _line(text: str) -> str:
    return collapsed(text).strip().casefold()
