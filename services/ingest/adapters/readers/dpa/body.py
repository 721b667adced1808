"""The text of an entry: `article_html` with its info box, without the dateline, which is a field of its own."""

from __future__ import annotations

import html

from lxml import etree

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.facts import set_body
from services.ingest.adapters.readers.trees import parsed_fragment
from services.ingest.adapters.readers.values import Item, text_of
from services.ingest.adapters.readers.wire_markup import classes_of, drop_dateline, name_players
from services.ingest.domain import prose
from shared.model.markup import has_markup

_MAIN_CLASS = "main"


def read_body(item: Item, builder: ArticleBuilder) -> None:
    """Set the body from the text and the info box."""
    builder.expect("body", "/article_html")
    article, infobox = text_of(item.get("article_html")), text_of(item.get("infobox_html"))
    if article is None:
        return
    markup = clean_markup(article)
    if infobox and prose.has_tags(infobox):
        markup += clean_markup(infobox)
        builder.confirm("/infobox_html")
    elif item.get("infobox_html"):
        builder.drop("/infobox_html", "is no HTML")
    set_body(builder, markup, "/article_html", is_html=True)


def clean_markup(markup: str) -> str:
    """Return dpa's HTML without its outer section and its dateline; players have the elements that HTML has for them.

    Markup that is hostile to parsers is returned unchanged; the rules for all articles then refuse it.
    """
    text = prose.without_controls(markup)
    if not has_markup(text):
        return text
    root = parsed_fragment(text)
    if root is None:
        return text
    drop_dateline(root)
    name_players(root)
    _unwrap_main(root)
    return _content_of(root)


def links_in(markup: str) -> list[tuple[str, str]]:
    """Return (address, text) of the links of short HTML."""
    root = parsed_fragment(markup)
    if root is None:
        return []
    found = ((str(link.get("href") or "").strip(), prose.plain(_content_of(link))) for link in root.iter("a"))
    return [(address, words) for address, words in found if address]


def _unwrap_main(root: etree._Element) -> None:
    """Replace the section around the text by its content."""
    for section in list(root):
        if section.tag == "section" and _MAIN_CLASS in classes_of(section) and not (section.text or "").strip():
            position = root.index(section)
            for offset, child in enumerate(list(section)):
                root.insert(position + offset, child)
            root.remove(section)


def _content_of(element: etree._Element) -> str:
    """Return the content of an element as HTML."""
    inner = "".join(etree.tostring(each, method="html", encoding="unicode") for each in element)
    return html.escape(element.text or "", quote=False) + inner
