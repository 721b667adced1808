"""Replaces and lists players of other sites: a page shows a box with a link, and loads the frame on a click."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from lxml import etree

from services.enrich.domain import tree
from services.enrich.domain.tree import Element
from shared.model.article import Embed
from shared.model.text import cut_text, one_line

MAX_EMBEDS = 100
MAX_ADDRESS_CHARS = 2_000
MAX_TITLE_CHARS = 200
_NO_BOXES = ("caption", "dt", "figcaption", "h1", "h2", "h3", "h4", "h5", "h6", "pre")
_PLAYERS = {
    "audio": ("src",),
    "embed": ("src",),
    "iframe": ("src", "data-src"),
    "object": ("data",),
    "oembed": ("url",),
    "video": ("src",),
}
_KINDS = {"audio": "audio", "video": "video"}
ADDRESS_ATTRIBUTES = ("data-oembed-url", "data-instgrm-permalink", "data-href", "data-url", "data-embed-url", "cite")
"""Attributes in which editors and networks write the address of a box that their script would fill."""
EMBED_REL = "noopener nofollow external"
_ADDRESS = re.compile(r"(?:https?://[^\s/?#<>\"'\\@]+(?:[/?#]\S*)?|(?:mailto|tel):\S+)", re.IGNORECASE)
_NOT_IN_ADDRESS = re.compile(r"[\s<>\"'\\`{}|^\x00-\x20\x7f]")


def web_address(href: str | None) -> str | None:
    """Return a link's address in one canonical form, or None if it is not a valid address.

    Only absolute http, https, mailto and tel addresses are valid. User names (`https://bank.example@evil.example`) are
    refused, because they mislead readers.
    """
    address = "".join((href or "").strip().splitlines()).replace("\t", "")
    address = f"https:{address}" if address.startswith("//") else address
    address = _NOT_IN_ADDRESS.sub(lambda found: quote(found.group()), address)
    if len(address) > MAX_ADDRESS_CHARS or not _ADDRESS.fullmatch(address):
        return None
    return address


def link_embeds(root: Element) -> tuple[list[Embed], list[str]]:
    """Replace each player by a link; return the embeds that a page can load, and the players without an address.

    Players are frames, videos, audio, plug-ins, and editors' boxes that hold only an address. A player becomes a plain
    link if it has no https address, or if its place allows no box (a sub-head, for example).
    """
    embeds: dict[str, Embed] = {}
    lost: list[str] = []
    for element in [each for each in root.iter() if _is_player(each)]:
        if root is not element and root not in element.iterancestors():
            continue  # it was inside a player that was replaced
        raw = _raw_address(element)
        url = web_address(raw)
        host = _host_of(url)
        if url is None or host is None:
            if element.tag in _PLAYERS:
                lost.append(f"<{element.tag}>" + (f" ({raw[:MAX_TITLE_CHARS]})" if raw else ""))
                tree.remove(element)
            _remove_address(element)
            continue
        if element.tag not in _PLAYERS and element.tag != "a" and not _shows_only_its_address(element):
            _remove_address(element)
            continue
        title = (tree.text_of(element) if element.tag == "a" else element.get("title")) or ""
        title = cut_text(one_line(title), MAX_TITLE_CHARS)
        is_under_limit = url in embeds or len(embeds) < MAX_EMBEDS
        if (
            is_under_limit
            and url.lower().startswith("https:")
            and next(element.iterancestors(*_NO_BOXES), None) is None
        ):
            kind = _KINDS.get(str(element.tag), "frame")
            embeds.setdefault(url, Embed(url=url, kind=kind, title=title or None, provider=host))
            tree.replace(_only_paragraph_of(element), _box(url, title or host))
        else:
            tree.replace(element, _link(url, title or host, rel="nofollow"))
    etree.strip_elements(root, "source", with_tail=False)
    return list(embeds.values()), lost


def _is_player(element: Element) -> bool:
    if element.tag == "a":
        return "data-embed" in element.attrib
    return element.tag in _PLAYERS or any(name in element.attrib for name in ADDRESS_ATTRIBUTES)


def _raw_address(element: Element) -> str:
    """Return a player's own address, or else the address of the first source inside it."""
    names = _PLAYERS.get(str(element.tag), ("data-embed",) if element.tag == "a" else ADDRESS_ATTRIBUTES)
    inside = element.iterdescendants("source", "embed", "iframe") if element.tag in _PLAYERS else ()
    for each, wanted in ((element, names), *((each, ("src",)) for each in inside)):
        for name in wanted:
            if value := (each.get(name) or "").strip():
                return value
    return ""


def _shows_only_its_address(element: Element) -> bool:
    """Tell whether an editor's box holds nothing visible: no text, no picture, no player, no link."""
    has_more = next(element.iterdescendants("a", "img", *_PLAYERS), None) is not None
    return tree.is_blank(element) and not has_more


def _remove_address(element: Element) -> None:
    for name in ("data-embed", *ADDRESS_ATTRIBUTES):
        element.attrib.pop(name, "")


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


def _only_paragraph_of(element: Element) -> Element:
    """Return the parent paragraph if the element is its only content, else the element."""
    parent = element.getparent()
    is_only_child = element.getprevious() is None and element.getnext() is None
    if parent is None or parent.tag != "p" or not is_only_child:
        return element
    has_text = bool((parent.text or "").strip() or (element.tail or "").strip())
    return element if has_text else parent


def _host_of(url: str | None) -> str | None:
    try:
        host = urlsplit(url or "").hostname
    except ValueError:  # for example a broken IPv6 address
        return None
    return host.removeprefix("www.")[:MAX_TITLE_CHARS] if host else None
