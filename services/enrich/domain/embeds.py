"""Frames from elsewhere become links, and are listed: a page shows a box and loads the frame when a reader asks."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from lxml import etree

from services.enrich.domain import tree
from services.enrich.domain.tree import Element
from shared.article import Embed

MAX_EMBEDS = 100
MAX_ADDRESS_CHARS = 2_000
MAX_TITLE_CHARS = 200
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
    """Put a link in the place of each frame; return what they show, and how many had no address to link to."""
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
        title = " ".join(title.split())[:MAX_TITLE_CHARS].strip()
        can_load = url.lower().startswith("https:") and (url in embeds or len(embeds) < MAX_EMBEDS)
        if can_load:
            embeds.setdefault(url, Embed(url=url, kind="frame", title=title or None, provider=host))
        tree.replace(_alone(element), [_box(url, title or host, can_load=can_load)])
    return list(embeds.values()), lost


def _box(url: str, text: str, *, can_load: bool) -> Element:
    paragraph = etree.Element("p", {"class": "embed"})
    attributes = {"href": url, "rel": EMBED_REL} | ({"data-embed": url} if can_load else {})
    etree.SubElement(paragraph, "a", attributes).text = text
    return paragraph


def _alone(element: Element) -> Element:
    """Return the paragraph that holds nothing else, or the element."""
    parent = element.getparent()
    if parent is None or parent.tag != "p" or len(parent) > 1:
        return element
    has_text = bool((parent.text or "").strip() or (element.tail or "").strip())
    return element if has_text else parent


def _host_of(url: str | None) -> str | None:
    try:
        host = urlsplit(url or "").hostname
    except ValueError:  # a broken IPv6 address, say
        return None
    return host[4:] if host and host.startswith("www.") else host
