"""Frames from elsewhere become links, and are listed: a page shows a box and loads the frame when a reader asks."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from lxml import etree

from services.enrich.domain import tree
from services.enrich.domain.tree import Element
from shared.article import Embed
from shared.text import cut_text, one_line

MAX_EMBEDS = 100
MAX_ADDRESS_CHARS = 2_000
MAX_TITLE_CHARS = 200
_NO_BOXES = ("caption", "dt", "figcaption", "h1", "h2", "h3", "h4", "h5", "h6", "pre")
EMBED_REL = "noopener nofollow external"
_ADDRESS = re.compile(r"(?:https?://[^\s/?#<>\"'\\@]+(?:[/?#]\S*)?|(?:mailto|tel):\S+)", re.IGNORECASE)
_NOT_IN_ADDRESS = re.compile(r"[\s<>\"'\\`{}|^\x00-\x20\x7f]")


def web_address(href: str | None) -> str | None:
    """Return a link's address written so that every reader of it sees the same one, or None where it is none.

    Absolute http, https, mailto and tel only. User names (`https://bank.example@evil.example`) are refused: they are
    there to be misread.
    """
    address = "".join((href or "").strip().splitlines()).replace("\t", "")
    address = _NOT_IN_ADDRESS.sub(lambda found: quote(found.group()), address)
    if len(address) > MAX_ADDRESS_CHARS or not _ADDRESS.fullmatch(address):
        return None
    return address


def link_embeds(root: Element) -> tuple[list[Embed], int]:
    """Put a link in the place of each frame; return what can be loaded, and how many had no address to link to.

    A frame that is not encrypted, or stands where no box can (in a sub-head, say), becomes a link and no more.
    """
    embeds: dict[str, Embed] = {}
    lost = 0
    for element in list(root.iter("iframe", "a")):
        is_frame = element.tag == "iframe"
        if not is_frame and "data-embed" not in element.attrib:
            continue
        url = web_address(element.get("src") if is_frame else element.get("data-embed"))
        host = _host_of(url)
        if url is None or host is None:
            lost += is_frame
            tree.remove(element) if is_frame else element.attrib.pop("data-embed")
            continue
        title = (element.get("title") if is_frame else tree.text_of(element)) or ""
        title = cut_text(one_line(title), MAX_TITLE_CHARS)
        has_room = url in embeds or len(embeds) < MAX_EMBEDS
        if has_room and url.lower().startswith("https:") and next(element.iterancestors(*_NO_BOXES), None) is None:
            embeds.setdefault(url, Embed(url=url, kind="frame", title=title or None, provider=host))
            tree.replace(_alone(element), _box(url, title or host))
        else:
            tree.replace(element, _link(url, title or host, rel="nofollow"))
    return list(embeds.values()), lost


def _box(url: str, text: str) -> Element:
    paragraph = etree.Element("p", {"class": "embed"})
    link = _link(url, text, rel=EMBED_REL)
    link.set("data-embed", url)
    paragraph.append(link)
    return paragraph


def _link(url: str, text: str, *, rel: str) -> Element:
    link = etree.Element("a", {"href": url, "rel": rel})
    link.text = text
    return link


def _alone(element: Element) -> Element:
    """Return the paragraph that holds nothing else, or the element."""
    parent = element.getparent()
    is_only_child = element.getprevious() is None and element.getnext() is None
    if parent is None or parent.tag != "p" or not is_only_child:
        return element
    has_text = bool((parent.text or "").strip() or (element.tail or "").strip())
    return element if has_text else parent


def _host_of(url: str | None) -> str | None:
    try:
        host = urlsplit(url or "").hostname
    except ValueError:  # a broken IPv6 address, say
        return None
    return host.removeprefix("www.")[:MAX_TITLE_CHARS] if host else None
