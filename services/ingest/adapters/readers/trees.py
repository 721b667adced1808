"""Parses HTML, and reads the text and the content of its trees, in time in proportion to the tree."""

from __future__ import annotations

from lxml import etree
from lxml import html as lxml_html

from services.ingest.domain import prose
from shared.model.markup import check_markup
from shared.model.text import collapsed
from shared.runtime.errors import HostileMarkupError


def parsed_fragment(markup: str) -> etree._Element | None:
    """Return a `div` with the content of HTML, without control characters.

    None: the markup cannot be parsed, or is hostile to parsers. The builder then refuses a body left unchanged.
    """
    text = prose.without_controls(markup)
    try:
        check_markup(text)
        root: etree._Element = lxml_html.fragment_fromstring(text, create_parent="div")
    except (HostileMarkupError, etree.LxmlError, ValueError):
        return None
    return root


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
