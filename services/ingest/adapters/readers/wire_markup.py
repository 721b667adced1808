"""Changes the HTML of agencies: a dateline that is a field of its own, and dpa's elements of players and posts."""

from __future__ import annotations

from lxml import etree

_DATELINE_CLASS = "dateline"
_PLAYER_PREFIX = "dnl-"
_POSTS = ("twitter", "instagram", "facebook", "tiktok", "bluesky", "threads", "mastodon")


def classes_of(element: etree._Element) -> frozenset[str]:
    """Return the classes of an element; none for a comment."""
    return frozenset((element.get("class") or "").split()) if isinstance(element.tag, str) else frozenset()


def drop_dateline(root: etree._Element) -> bool:
    """Remove the dateline that begins the first paragraph; return whether there was one."""
    first = next(root.iter("p"), None)
    span = next(first.iterchildren(), None) if first is not None else None
    if first is None or span is None or span.tag != "span" or _DATELINE_CLASS not in classes_of(span):
        return False
    if (first.text or "").strip():
        return False
    first.text = (span.tail or "").lstrip()
    first.remove(span)
    return True


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
