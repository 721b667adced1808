"""Reads the text and the content of trees of HTML, in time in proportion to the tree."""

from __future__ import annotations

from lxml import etree

from shared.model.text import collapsed


def text_in_tree(element: etree._Element) -> str:
    """Return the text of an element without the text after it."""
    return "".join(str(each) for each in element.itertext())


def line_in_tree(element: etree._Element) -> str:
    """Return the text of an element as one line."""
    return collapsed(text_in_tree(element)).strip()


def inner_html(root: etree._Element) -> str:
    """Return the content of an element as HTML."""
    html = etree.tostring(root, method="html", encoding="unicode", with_tail=False)
    return html.partition(">")[2].rpartition("<")[0].strip()


def letters_of(text: str) -> str:
    """Return the letters and digits of a text in one case, to compare texts."""
    return "".join(each for each in text.casefold() if each.isalnum())
