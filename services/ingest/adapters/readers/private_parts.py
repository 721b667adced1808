"""Removes the parts of a body that readers may not see: notes to editors, and elements that the sender hides."""

from __future__ import annotations

import re

from lxml import etree
from lxml.html import fragment_fromstring

from services.ingest.adapters.readers.elements import name_of, remove
from services.ingest.adapters.readers.trees import inner_html, line_in_tree
from services.ingest.domain.contacts import has_contacts, without_contacts
from shared.model.markup import check_markup
from shared.runtime.errors import HostileMarkupError

_SIGN = re.compile(
    r"hidden|display|notepad|notizblock|redaktionelle|internal|np-|ed-?note|editors?-?note|\beds?\.?\s?:|\beditors\s?:"
    r"|notes? to editors",
    re.IGNORECASE,
)
"""A text without any of these has no private part that this module finds, and is not parsed."""
_HIDING = re.compile(r"(?:display\s{0,5}:\s{0,5}none|visibility\s{0,5}:\s{0,5}hidden)", re.IGNORECASE)
_NOTE_CLASSES = frozenset(
    {
        *("notepad", "np-public", "ednote", "ed-note", "editorsnote", "editors-note"),
        "notizblock",
    }
)
_INTERNAL_CLASS = "internal"  # of a link it has another meaning
_NOTE_HEADINGS = frozenset(
    {
        *("notizblock", "notepad", "redaktionelle hinweise", "redaktioneller hinweis", "hinweise an die redaktion"),
        *("hinweis an die redaktion", "hinweise für redaktionen", "note to editors", "notes to editors"),
    }
)
_EDITOR_LINE = re.compile(r"[\s\W]{0,20}(?:EDS|Eds|EDITORS)\.?\s?:")
_SECTIONS = frozenset({"section", "article", "main", "body"})
_BLOCKS = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "li", "div", "dt", "dd", "blockquote", "pre", "td"})
_INNER_BLOCKS = _BLOCKS | _SECTIONS | {"ul", "ol", "dl", "table", "figure"}
_MAX_LINE_CHARS = 60
HIDDEN_REASON = "the sender hides it from readers"


def is_hidden(element: etree._Element) -> bool:
    """Return whether an element has the attribute `hidden`, or a style that hides it."""
    return element.get("hidden") is not None or _HIDING.search(element.get("style") or "") is not None


def without_private_parts(markup: str) -> tuple[str, list[tuple[str, bool]]]:
    """Return HTML without its private parts, and (name of the element, is hidden) of each.

    A heading of notes to editors takes everything with it up to the end of its section. HTML that is hostile to
    parsers is returned unchanged; the rules for all articles then refuse it.
    """
    if _SIGN.search(markup) is None:
        return markup, []
    try:
        check_markup(markup)
        root = fragment_fromstring(markup, create_parent="div")
    except (HostileMarkupError, etree.LxmlError, ValueError):
        return markup, []
    found: list[tuple[str, bool]] = []
    for element in list(root.iter(etree.Element)):
        if element is root or not _is_inside(element, root):
            continue
        if is_hidden(element) or _is_note(element):
            found.append((name_of(element), is_hidden(element)))
            remove(element)
        elif _is_note_heading(element):
            found.append((name_of(element), False))
            _remove_to_the_end(element, root)
    return (inner_html(root), found) if found else (markup, found)


def _is_inside(element: etree._Element, root: etree._Element) -> bool:
    """Return whether an element was not removed with one of the elements around it."""
    return any(each is root for each in element.iterancestors())


def _is_note(element: etree._Element) -> bool:
    classes = frozenset((element.get("class") or "").lower().split())
    if classes & _NOTE_CLASSES or (_INTERNAL_CLASS in classes and name_of(element) in ("section", "aside")):
        return True
    return _is_line(element) and _EDITOR_LINE.match(line_in_tree(element)) is not None


def _is_note_heading(element: etree._Element) -> bool:
    if not _is_line(element):
        return False
    line = line_in_tree(element)
    return len(line) <= _MAX_LINE_CHARS and line.strip(" #*:\u00a0").casefold() in _NOTE_HEADINGS


def _is_line(element: etree._Element) -> bool:
    """Return whether an element is a block of text without blocks inside."""
    return name_of(element) in _BLOCKS and next(element.iterchildren(*_INNER_BLOCKS), None) is None


def _remove_to_the_end(heading: etree._Element, root: etree._Element) -> None:
    """Remove a heading and everything after it in its section, otherwise in the whole text."""
    node: etree._Element = heading
    while True:
        node.tail = None
        for following in list(node.itersiblings()):
            following.tail = None
            remove(following)
        parent = node.getparent()
        if parent is None or parent is root or name_of(parent) in _SECTIONS:
            break
        node = parent
    remove(heading)


def remove_contacts(line: etree._Element) -> bool:
    """Remove mail addresses and telephone numbers from a line; return whether there were any."""
    links = [each for each in line.iter("a") if (each.get("href") or "").lower().startswith(("mailto:", "tel:"))]
    if not links and not has_contacts(line_in_tree(line)):
        return False
    for link in links:
        link.text = None
        remove(link)
    for each in line.iter(etree.Element):
        each.text = _spaced(each.text)
        if each is not line:
            each.tail = _spaced(each.tail)
    if has_contacts(line_in_tree(line)):  # spread over several elements
        for each in list(line):
            each.tail = None
            remove(each)
        line.text = None
    return True


def _spaced(text: str | None) -> str | None:
    """Return a piece of text without contact details; the space around it stays."""
    if not text or not has_contacts(text):
        return text
    return f"{' ' if text[0].isspace() else ''}{without_contacts(text)}{' ' if text[-1].isspace() else ''}"
