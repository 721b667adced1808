"""The text of an entry: `article_html` with its info box, without the dateline, which is a field of its own."""

from __future__ import annotations

import html

from lxml import etree
from lxml.html import fragment_fromstring

from services.ingest.adapters.readers.builder import ArticleBuilder
from services.ingest.adapters.readers.facts import set_body
from services.ingest.adapters.readers.values import Item, text_of
from services.ingest.domain import prose
from shared.model.markup import check_markup, has_markup
from shared.runtime.errors import HostileMarkupError

_MAIN_CLASS = "main"
_DATELINE_CLASS = "dateline"
_PLAYER_PREFIX = "dnl-"
_POSTS = ("twitter", "instagram", "facebook", "tiktok", "bluesky", "threads", "mastodon")


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
    try:
        check_markup(text)
    except HostileMarkupError:
        return text
    try:
        root = fragment_fromstring(text, create_parent="div")
    except (etree.LxmlError, ValueError):
        return text
    remove_dateline(root)
    name_players(root)
    _unwrap_main(root)
    return _content_of(root)


def links_in(markup: str) -> list[tuple[str, str]]:
    """Return (address, text) of the links of short HTML."""
    text = prose.without_controls(markup)
    try:
        check_markup(text)
        root = fragment_fromstring(text, create_parent="div")
    except (HostileMarkupError, etree.LxmlError, ValueError):
        return []
    found = ((str(link.get("href") or "").strip(), prose.plain(_content_of(link))) for link in root.iter("a"))
    return [(address, words) for address, words in found if address]


def remove_dateline(root: etree._Element) -> None:
    """Remove the dateline that begins the first paragraph."""
    first = next(root.iter("p"), None)
    span = first[0] if first is not None and len(first) else None
    if first is None or span is None or span.tag != "span" or (first.text or "").strip():
        return
    if _DATELINE_CLASS in _classes(span):
        first.text = (span.tail or "").lstrip()
        first.remove(span)


def name_players(root: etree._Element) -> None:
    """Give dpa's own elements of players and posts (`dnl-youtubeembed`) the names that HTML has for them."""
    for element in list(root.iter()):
        name = element.tag if isinstance(element.tag, str) else ""
        address = str(element.get("src") or "").strip()
        if not name.startswith(_PLAYER_PREFIX) or not address:
            continue
        is_post = any(network in name for network in _POSTS)
        element.attrib.clear()
        element.tag = "oembed" if is_post else "iframe"
        element.set("url" if is_post else "src", address)


def _unwrap_main(root: etree._Element) -> None:
    """Replace the section around the text by its content."""
    for section in list(root):
        if section.tag == "section" and _MAIN_CLASS in _classes(section) and not (section.text or "").strip():
            position = root.index(section)
            for offset, child in enumerate(list(section)):
                root.insert(position + offset, child)
            root.remove(section)


def _classes(element: etree._Element) -> list[str]:
    return str(element.get("class") or "").split()


def _content_of(element: etree._Element) -> str:
    """Return the content of an element as HTML."""
    inner = "".join(etree.tostring(each, method="html", encoding="unicode") for each in element)
    return html.escape(element.text or "", quote=False) + inner
