"""RSS 2.0, Atom (RFC 4287) and JSON Feed 1.1, of the newest cards of the site or of a section."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import urljoin

import lxml.html

from services.render.domain.machines.xml import Tree, printable
from shared.article import SafeHtml
from shared.card import Card
from shared.keys import url_path
from shared.listings import Kind, Listing, find_listing
from shared.sites import Site

_ATOM = "http://www.w3.org/2005/Atom"
_NAMESPACES = {
    "atom": _ATOM,
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "media": "http://search.yahoo.com/mrss/",
}
_LINKS = (("href", ("a", "area", "link")), ("src", ("img", "source", "video", "audio")))
_EMPTY_SINCE = datetime(1970, 1, 1, tzinfo=UTC)  # Atom wants a moment also where nothing has happened


def rss(site: Site, listing: Listing, cards: tuple[Card, ...], texts: Mapping[str, SafeHtml]) -> bytes:
    """Return an RSS 2.0 feed; `texts` brings the articles' bodies where the site gives them away."""
    tree = Tree("rss", _NAMESPACES, {"version": "2.0"})
    channel = tree.add(tree.root, "channel")
    tree.add(channel, "title", title_of(site, listing))
    tree.add(channel, "link", _home(site, listing))
    tree.add(channel, "description", site.tagline)
    tree.add(channel, "language", site.language)
    if cards:
        tree.add(channel, "lastBuildDate", _mail_date(_newest(cards)))
    own = {"href": _url(site, listing.path), "rel": "self", "type": "application/rss+xml"}
    tree.add(channel, "atom:link", attributes=own)
    if site.web_sub_hub:
        tree.add(channel, "atom:link", attributes={"href": site.web_sub_hub, "rel": "hub"})
    for card in cards:
        item = tree.add(channel, "item")
        tree.add(item, "title", card.headline)
        tree.add(item, "link", _url(site, card.path))
        tree.add(item, "guid", _id(card), {"isPermaLink": "false"})  # its address may move, and it is the same article
        tree.add(item, "pubDate", _mail_date(card.created_at))
        for author in _authors(card):
            tree.add(item, "dc:creator", author)
        for category in (site.section_name(card.section), *card.topics):
            tree.add(item, "category", category)
        if card.standfirst:
            tree.add(item, "description", card.standfirst)
        if card.article in texts:
            tree.add(item, "content:encoded", _absolute(texts[card.article], site, card), is_cdata=True)
        if card.picture:
            size = {"width": str(card.picture.width), "height": str(card.picture.height)}
            url = _url(site, card.picture.path)
            media = tree.add(item, "media:content", attributes={"url": url, "medium": "image", **size})
            if card.picture.alt:
                tree.add(media, "media:description", card.picture.alt, {"type": "plain"})
    return tree.body()


def atom(site: Site, listing: Listing, cards: tuple[Card, ...], texts: Mapping[str, SafeHtml]) -> bytes:
    """Return an Atom feed.

    An entry's `updated` is when the article was made: RFC 4287 leaves it to the publisher which changes are
    significant, and a mended text is none that makes a feed another one.
    """
    tree = Tree("feed", {"": _ATOM}, {"{http://www.w3.org/XML/1998/namespace}lang": site.language})
    tree.add(tree.root, "id", _url(site, listing.path))
    tree.add(tree.root, "title", title_of(site, listing))
    tree.add(tree.root, "subtitle", site.tagline)
    tree.add(tree.root, "updated", _stamp(_newest(cards) if cards else _EMPTY_SINCE))
    own = {"href": _url(site, listing.path), "rel": "self", "type": "application/atom+xml"}
    tree.add(tree.root, "link", attributes=own)
    tree.add(tree.root, "link", attributes={"href": _home(site, listing), "rel": "alternate", "type": "text/html"})
    if site.web_sub_hub:
        tree.add(tree.root, "link", attributes={"href": site.web_sub_hub, "rel": "hub"})
    _person(tree, tree.root, site.name)
    for card in cards:
        entry = tree.add(tree.root, "entry", attributes={"xml:lang": card.language})
        tree.add(entry, "id", _id(card))
        tree.add(entry, "title", card.headline)
        link = {"href": _url(site, card.path), "rel": "alternate", "type": "text/html"}
        tree.add(entry, "link", attributes=link)
        tree.add(entry, "published", _stamp(card.created_at))
        tree.add(entry, "updated", _stamp(card.created_at))
        for author in _authors(card):
            _person(tree, entry, author)
        for category in (site.section_name(card.section), *card.topics):
            tree.add(entry, "category", attributes={"term": category})
        if card.standfirst:
            tree.add(entry, "summary", card.standfirst)
        if card.article in texts:
            tree.add(entry, "content", _absolute(texts[card.article], site, card), {"type": "html"})
        elif not card.standfirst:
            tree.add(entry, "summary", card.headline)
    return tree.body()


def json_feed(site: Site, listing: Listing, cards: tuple[Card, ...], texts: Mapping[str, SafeHtml]) -> bytes:
    """Return a JSON Feed 1.1."""
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": title_of(site, listing),
        "home_page_url": _home(site, listing),
        "feed_url": _url(site, listing.path),
        "description": site.tagline,
        "language": site.language,
        "authors": [{"name": site.name, "url": f"{site.base_url}/"}],
        **({"hubs": [{"type": "WebSub", "url": site.web_sub_hub}]} if site.web_sub_hub else {}),
        "items": [_json_item(site, card, texts.get(card.article)) for card in cards],
    }
    return json.dumps(feed, ensure_ascii=False, indent=1).encode() + b"\n"


def title_of(site: Site, listing: Listing) -> str:
    """Return what a feed is called where readers choose one: `EPN: World`."""
    return f"{site.name}: {site.section_name(listing.section)}" if listing.section else site.name


def feeds_of(site: Site, section: str | None) -> tuple[tuple[str, str, str], ...]:
    """Return (media type, title, address) of the feeds that a page names: the site's, and its section's."""
    found = []
    for end in (f".{section}", "") if section and site.has_section(section) else ("",):
        for name, media_type in (
            ("rss", "application/rss+xml"),
            ("atom", "application/atom+xml"),
            ("json", "application/feed+json"),
        ):
            listing = find_listing(site, f"feed.{name}{end}")
            if listing:
                short = {Kind.RSS: "RSS", Kind.ATOM: "Atom"}.get(listing.kind, "JSON Feed")
                found.append((media_type, f"{title_of(site, listing)} ({short})", url_path(listing.path)))
    return tuple(found)


def _json_item(site: Site, card: Card, text: SafeHtml | None) -> dict[str, object]:
    item: dict[str, object] = {
        "id": _id(card),
        "url": _url(site, card.path),
        "title": card.headline,
        "date_published": _stamp(card.created_at),
        "language": card.language,
        "authors": [{"name": name} for name in _authors(card)],
        "tags": [site.section_name(card.section), *card.topics],
    }
    if card.standfirst:
        item["summary"] = card.standfirst
    if card.picture:
        item["image"] = _url(site, card.picture.path)
    if text is not None:
        item["content_html"] = _absolute(text, site, card)
    else:
        item["content_text"] = card.standfirst or card.headline  # an item has to have one of the two
    return item


def _absolute(text: SafeHtml, site: Site, card: Card) -> str:
    """Return a body whose links hold wherever a feed is read."""
    page = _url(site, card.path)
    if not text.strip():
        return ""
    root = lxml.html.fragment_fromstring(text, create_parent="div")
    for attribute, tags in _LINKS:
        for element in root.iter(*tags):
            if element.get(attribute):
                element.set(attribute, urljoin(page, str(element.get(attribute))))
    inner = lxml.html.tostring(root, encoding="unicode").removeprefix("<div>").removesuffix("</div>")
    return printable(inner)


def _authors(card: Card) -> tuple[str, ...]:
    return card.authors or ((card.byline,) if card.byline else ())


def _person(tree: Tree, parent: object, name: str) -> None:
    tree.add(tree.add(parent, "author"), "name", name)  # type: ignore[arg-type]


def _id(card: Card) -> str:
    return f"urn:pressline:{card.article}"


def _url(site: Site, path: str) -> str:
    return site.base_url + url_path(path)


def _home(site: Site, listing: Listing) -> str:
    return f"{site.base_url}/{listing.section}/" if listing.section else f"{site.base_url}/"


def _newest(cards: tuple[Card, ...]) -> datetime:
    return max(card.created_at for card in cards)


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _mail_date(at: datetime) -> str:
    return format_datetime(at.astimezone(UTC).replace(microsecond=0))
