"""Mutates XML documents: elements, attributes and texts, so that the result is still XML."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable

from lxml import etree

_MAX_CHANGES = 6
_MAX_BYTES = 1_000_000
_TEXTS = (
    *("", " ", "\n", "0", "-1", "usable", "canceled", "embargoed", "Zoë \u202e\u0301", "<p>x</p>", "&amp;nbsp;"),
    *("2026-11-22T09:00:00", "2026-11-22", "0001-01-01T00:00:00", "2099-01-01T00:00:00Z", "javascript:alert(1)"),
    *("x" * 5_000, "<div>" * 300, "stat:canceled", "sig:correction", "media:" + "0" * 64, "text", "picture", "fr"),
)
_NAMES = (
    *("p", "div", "table", "br", "header", "section", "embargoed", "edNote", "headline", "subject", "media", "nitf"),
    *(
        "note",
        "byline",
        "person",
        "hl1",
        "inlineXML",
        "inlineData",
        "newsItem",
        "html",
        "body",
        "html:p",
        "DataContent",
    ),
)
_ATTRIBUTES = (
    *("qcode", "guid", "version", "role", "type", "class", "norm", "id-string", "management-status", "contenttype"),
    *("rank", "tag", "pubconstraint", "FormalName", "href", "literal", "custom", "encoding"),
)


def mutated_xml(raw: bytes, chance: random.Random) -> bytes:
    """Return the document with a few changed elements; unchanged if it is no XML."""
    try:
        root = etree.fromstring(raw, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    except etree.XMLSyntaxError:
        return raw
    for _ in range(chance.randint(1, _MAX_CHANGES)):
        elements = [each for each in root.iter() if isinstance(each.tag, str)]
        chance.choice(_CHANGES)(chance.choice(elements), chance)
    return etree.tostring(root, encoding="utf-8")[:_MAX_BYTES]


def _remove(element: etree._Element, _chance: random.Random) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


def _repeat(element: etree._Element, chance: random.Random) -> None:
    parent = element.getparent()
    if parent is not None:
        for _ in range(chance.choice((1, 3, 60))):
            parent.insert(parent.index(element), copy.deepcopy(element))


def _nest(element: etree._Element, chance: random.Random) -> None:
    inner = element
    for _ in range(chance.choice((1, 20, 150))):
        inner = etree.SubElement(inner, inner.tag)
    inner.text = chance.choice(_TEXTS)


def _rename(element: etree._Element, chance: random.Random) -> None:
    name = chance.choice(_NAMES).replace(":", "-")
    namespace = etree.QName(element).namespace
    element.tag = f"{{{namespace}}}{name}" if namespace and chance.random() < 0.5 else name


def _set_text(element: etree._Element, chance: random.Random) -> None:
    element.text = chance.choice(_TEXTS)


def _set_tail(element: etree._Element, chance: random.Random) -> None:
    if element.getparent() is not None:
        element.tail = chance.choice(_TEXTS)


def _set_attribute(element: etree._Element, chance: random.Random) -> None:
    known = [str(name) for name in element.attrib]
    element.set(chance.choice([*known, chance.choice(_ATTRIBUTES)]), chance.choice(_TEXTS))


def _remove_attribute(element: etree._Element, chance: random.Random) -> None:
    if element.attrib:
        del element.attrib[chance.choice(list(element.attrib))]


def _add_comment(element: etree._Element, chance: random.Random) -> None:
    element.insert(0, etree.Comment(" note "))
    element.insert(chance.randint(0, len(element)), etree.ProcessingInstruction("x", "y"))


def _move(element: etree._Element, chance: random.Random) -> None:
    root = element.getroottree().getroot()
    inside = set(element.iter())
    others = [each for each in root.iter() if isinstance(each.tag, str) and each not in inside]
    if others:
        chance.choice(others).append(element)


_CHANGES: tuple[Callable[[etree._Element, random.Random], None], ...] = (
    *(_remove, _repeat, _nest, _rename, _set_text, _set_tail, _set_attribute, _set_attribute, _remove_attribute),
    *(_add_comment, _move),
)
