"""Changes trees of HTML, and reads their text. Every function takes time in proportion to the tree."""

from __future__ import annotations

from lxml import etree

from shared.model.text import collapsed


def remove(element: etree._Element) -> None:
    """Remove an element; the text after it stays. The root is not removed."""
    parent = element.getparent()
    if parent is None:
        return
    previous, tail = element.getprevious(), element.tail or ""
    if previous is not None:
        previous.tail = (previous.tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail
    parent.remove(element)


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
