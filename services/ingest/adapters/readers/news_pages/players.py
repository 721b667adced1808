"""Keeps players and quoted posts in their places, while the search for the text would drop them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lxml import etree

from services.ingest.adapters.readers.addresses import is_web_address
from services.ingest.adapters.readers.elements import remove

PLAYER_SIGN = "\ue000"
_PLAYER = re.compile(f"{PLAYER_SIGN}(\\d{{1,3}}){PLAYER_SIGN}")
_MAX_PLAYERS = 100
_NOT_PLAYERS = ("googletagmanager.", "doubleclick.", "amazon-adsystem.", "googlesyndication.", "/recaptcha/")
_SOCIAL_QUOTES = frozenset(
    {"twitter-tweet", "twitter-video", "instagram-media", "tiktok-embed", "fb-post", "reddit-card"}
)


def set_players_aside(root: etree._Element) -> list[etree._Element]:
    """Replace players and quoted posts by signs; return them in the order of their numbers."""
    for element in root.iter(etree.Element):
        if PLAYER_SIGN in (element.text or ""):
            element.text = (element.text or "").replace(PLAYER_SIGN, "")
        if PLAYER_SIGN in (element.tail or ""):
            element.tail = (element.tail or "").replace(PLAYER_SIGN, "")
    players: list[etree._Element] = []
    for element in list(root.iter("iframe", "video", "audio", "embed", "object", "blockquote")):
        parent = element.getparent()
        if parent is None or root not in element.iterancestors() or not _is_kept(element):
            if element.tag == "iframe" and element is not root:
                remove(element)
        elif len(players) < _MAX_PLAYERS and (element.tag != "blockquote" or _is_social(element)):
            sign = etree.Element("p")
            sign.text, sign.tail = f"{PLAYER_SIGN}{len(players)}{PLAYER_SIGN}", element.tail
            parent.replace(element, sign)
            element.tail = None
            players.append(element)
    return players


def put_players_back(root: etree._Element, players: Sequence[etree._Element]) -> None:
    """Replace each sign by its player."""
    for sign in list(root.iter("p")):
        found = _PLAYER.fullmatch((sign.text or "").strip())
        parent = sign.getparent()
        if found and parent is not None and int(found[1]) < len(players):
            player = players[int(found[1])]
            player.tail = sign.tail
            parent.replace(sign, player)


def _is_social(quote: etree._Element) -> bool:
    return not _SOCIAL_QUOTES.isdisjoint((quote.get("class") or "").split())


def _is_kept(element: etree._Element) -> bool:
    if element.tag != "iframe":
        return True
    source = element.get("src") or element.get("data-src") or ""
    return is_web_address(source) and not any(word in source for word in _NOT_PLAYERS)
