"""The lines above the text of a NITF document: headline, byline with its people, dateline, abstract."""

from __future__ import annotations

import re

from lxml import etree

from services.ingest.adapters.readers.elements import find, find_all, html_copy, line_in, name_of
from shared.model.text import collapsed

_NO_NAME = frozenset(("function", "alt-code", "byttl"))
_NO_PERSON = frozenset(("staff", "staff reporter", "staff writer", "staff and agencies", "newsroom", "agencies"))
_MAX_PEOPLE = 50
_TIME = re.compile(r"^\d{4}-\d\d-\d\d|^\d{8}T|^[\d\s./:-]+$")
_INITIALS = re.compile(r"^[a-z]{1,4}(?:/[a-z]{1,4})*$")
_DASHES = " -\u2013\u2014_:"


def spaced_text(element: etree._Element | None, left_out: frozenset[str] = frozenset()) -> str:
    """Return the text of an element on one line, with a space where an element begins or ends."""
    if element is None:
        return ""
    pieces: list[str] = []
    skipped: etree._Element | None = None
    for event, each in etree.iterwalk(element, events=("start", "end", "comment")):
        if event == "start" and skipped is None and each is not element and name_of(each) in left_out:
            skipped = each
        if event == "start" and skipped is None:
            pieces.append(each.text or "")
        if event != "start":
            if each is skipped:
                skipped = None
            if skipped is None and each is not element:
                pieces.append(each.tail or "")
    text = collapsed(" ".join(pieces)).strip()
    for mark in ",.;:)":
        text = text.replace(f" {mark}", mark)
    return text


def inline_text(element: etree._Element) -> str:
    """Return the text of an element on one line; a line break or a block is a space, inline elements are not."""
    root = html_copy(element)
    for each in root.iter("br", "p", "block"):
        each.tail = f" {each.tail or ''}"
    return collapsed("".join(str(text) for text in root.itertext())).strip()


def dateline_text(element: etree._Element) -> str:
    """Return the place of a dateline without the dash at its end; empty if it is only a time."""
    text = inline_text(element).strip(_DASHES)
    return "" if _TIME.match(text) else text


def is_byline(text: str) -> bool:
    """Return whether a byline names somebody; some agencies send the initials of the desk, such as `gr/bp`."""
    return bool(text) and not _INITIALS.match(text)


def headline_in(nitf: etree._Element) -> etree._Element | None:
    """Return the element of the main headline: the first `hl1` with a text, otherwise the title of the head."""
    heads = find_all(nitf, "body", "body.head", "hedline", "hl1")
    return next((each for each in heads if line_in(each)), find(nitf, "head", "title"))


def bylines_in(nitf: etree._Element) -> list[etree._Element]:
    """Return the bylines with a text."""
    return [each for each in find_all(nitf, "body", "body.head", "byline") if is_byline(line_in(each) or "")]


def byline_text(byline: etree._Element) -> str:
    """Return a byline with its titles after the names: `By Asha Example, Transport Writer`."""
    names = spaced_text(byline, frozenset(("byttl",))).rstrip(" ,")
    titles = [text for each in byline.iter("{*}byttl") if (text := spaced_text(each))]
    return ", ".join([*filter(None, (names,)), *titles])


def people_in(byline: etree._Element) -> list[tuple[etree._Element, str]]:
    """Return (element, name) of each person that a byline marks."""
    people = list(byline.iter("{*}person"))[:_MAX_PEOPLE]
    named = [(each, spaced_text(each, _NO_NAME)) for each in people]
    return [(each, name) for each, name in named if name and name.casefold() not in _NO_PERSON]


def dateline_in(nitf: etree._Element) -> etree._Element | None:
    """Return the dateline, if it has a text."""
    return next((each for each in find_all(nitf, "body", "body.head", "dateline") if line_in(each)), None)


def abstract_in(nitf: etree._Element) -> tuple[etree._Element, str] | None:
    """Return (element, text) of the abstract, if it has a text."""
    for each in find_all(nitf, "body", "body.head", "abstract"):
        if text := inline_text(each):
            return each, text
    return None
