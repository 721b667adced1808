"""Finds the WebSub hub of a document: in the Link header, else in the first bytes of the document (WebSub, 4)."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_HEAD_BYTES = 32 * 1024  # the links of a channel come before its items
_MAX_URL_CHARS = 2_000
_MAX_LINKS = 50
_HEADER_LINK = re.compile(r"<([^<>\s]{1,2000})>([^<]{0,500})")
_HEADER_REL = re.compile(r";\s*rel\s*=\s*\"?([^\";,]{1,100})", re.IGNORECASE)
_XML_LINK = re.compile(r"<(?:[A-Za-z0-9]{1,20}:)?link\s([^<>]{1,3000})>")
_ATTRIBUTE = re.compile(r"\b(rel|href)\s*=\s*(?:\"([^\"]{0,2000})\"|'([^']{0,2000})')")
_ITEM = re.compile(r"<(?:[A-Za-z0-9]{1,20}:)?(?:item|entry)[\s>]")


@dataclass(frozen=True, slots=True)
class HubLinks:
    """The hub of a document, and the address under which the hub knows the document."""

    hub: str
    topic: str


def find_hub_links(link_header: str, body: bytes, url: str) -> HubLinks | None:
    """Return the first hub that a document announces, or None; without `rel=self` its own address is the topic."""
    for found in (_links_of_header(link_header), _links_of_json(body), _links_of_xml(body)):
        hub, topic = found.get("hub"), found.get("self", url)
        if hub and _is_address(hub) and _is_address(topic):
            return HubLinks(hub, topic)
    return None


def _links_of_header(value: str) -> dict[str, str]:
    links: dict[str, str] = {}
    for target, parameters in _HEADER_LINK.findall(value)[:_MAX_LINKS]:
        rels = _HEADER_REL.search(parameters)
        for rel in (rels[1].lower().split() if rels else ())[:5]:
            links.setdefault(rel, target)
    return links


def _links_of_xml(body: bytes) -> dict[str, str]:
    text = body[:_HEAD_BYTES].decode("utf-8", "replace")
    if first_item := _ITEM.search(text):
        text = text[: first_item.start()]
    links: dict[str, str] = {}
    for attributes in _XML_LINK.findall(text)[:_MAX_LINKS]:
        values = {name: html.unescape(double or single) for name, double, single in _ATTRIBUTE.findall(attributes)}
        if "href" in values:
            links.setdefault(values.get("rel", "").strip().lower(), values["href"].strip())
    return links


def _links_of_json(body: bytes) -> dict[str, str]:
    """Return the hub of a JSON Feed, whose `feed_url` is the topic."""
    if not body[:_HEAD_BYTES].lstrip().startswith(b"{"):
        return {}
    try:
        feed = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    hubs = feed.get("hubs")
    found = [
        each["url"]
        for each in (hubs[:_MAX_LINKS] if isinstance(hubs, list) else ())
        if isinstance(each, dict) and str(each.get("type", "")).lower() == "websub" and isinstance(each.get("url"), str)
    ]
    links = {"hub": found[0]} if found else {}
    return {**links, "self": feed["feed_url"]} if isinstance(feed.get("feed_url"), str) else links


def _is_address(url: str) -> bool:
    if len(url) > _MAX_URL_CHARS or any(each.isspace() or not each.isprintable() for each in url):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
